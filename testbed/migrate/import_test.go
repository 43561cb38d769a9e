package migrate

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/internal/process"
)

// digest is what stands in the file in a key's place.
func digest(key string) string {
	sum := sha256.Sum256([]byte("sk-" + key))
	return hex.EncodeToString(sum[:])
}

func bytesOf(t *testing.T, files ...string) (all []string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, string(text))
	}
	return all
}

// empty requires that nothing was written.
func (to target) empty(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(to.dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestWithoutApplyNothingIsWritten(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		s = s.load(t, upstreamThen)
		to := target{t.TempDir()}
		code, said := to.imports(t, s.from, "--out", to.config())
		require.Zero(t, code, said)
		require.Contains(t, said, "--apply")
		to.empty(t)
	})
}

func TestTheOldFileIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		if s.engine != "sqlite" {
			t.Skip("a server's files are its own: what stands in it is compared in TestTheOldDatabaseIsLeftAsItWasByALoginThatMayOnlyRead")
		}
		s = s.load(t, upstreamThen)
		require.NoError(t, s.db.Close())
		before := bytesOf(t, s.file)
		target{t.TempDir()}.apply(t, s.from)
		require.True(t, before[0] == bytesOf(t, s.file)[0], "the file has changed")
		entries, err := os.ReadDir(filepath.Dir(s.file))
		require.NoError(t, err)
		require.Len(t, entries, 1, "and there is nothing beside it")
	})
}

// secrets is everything in a database that nobody may read on a screen.
func (s source) secrets(t *testing.T) (all []string) {
	t.Helper()
	for _, query := range []string{
		`SELECT "key" FROM channels`, `SELECT "key" FROM tokens`, `SELECT "key" FROM redemptions`, "SELECT access_token FROM users",
		`SELECT value FROM options WHERE "key" LIKE '%Secret' OR "key" LIKE '%Token'`,
	} {
		for _, text := range s.texts(t, query) {
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); len(line) > 12 {
					all = append(all, line)
				}
			}
		}
	}
	require.NotEmpty(t, all)
	return append(all, "made-up-secret-in-a-reason", "made-up-password", "BEGIN PRIVATE KEY", "made-up/aws+secret")
}

func TestNoSecretIsOnTheScreenOrInTheConfiguration(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		s = s.load(t, upstreamThen)
		to := target{t.TempDir()}
		_, dry := to.imports(t, s.from)
		report := to.apply(t, s.from)
		_, again := to.imports(t, s.from, "--apply", "--out", to.config())
		_, checked := to.checks(t)
		for _, secret := range s.secrets(t) {
			for name, text := range map[string]string{
				"a dry run": dry, "the report": report, "a second report": again, "the check": checked, "the file": bytesOf(t, to.config())[0],
			} {
				require.NotContains(t, text, secret, name)
			}
		}
		for _, file := range []string{to.config(), to.secrets()} {
			is, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), is.Mode().Perm(), file)
		}
	})
}

func TestTheRelayStartsWithWhatWasImportedAndNothingElse(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		s = s.load(t, upstreamThen)
		to := target{t.TempDir()}
		to.apply(t, s.from)
		ok, said := to.checks(t)
		require.True(t, ok, said)
		text := bytesOf(t, to.config())[0]
		require.Contains(t, text, "env_file: channels.yaml.env")
		require.Regexp(t, regexp.MustCompile(`(?m)^ *# not supported: \S`), text)
	})
}

func TestImportingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		s = s.load(t, upstreamThen)
		to := target{t.TempDir()}
		to.apply(t, s.from)
		files := bytesOf(t, to.config(), to.secrets())
		books := to.ledgerRows(t)
		to.imports(t, s.from, "--apply", "--out", to.config())
		require.Equal(t, files, bytesOf(t, to.config(), to.secrets()))
		require.Equal(t, books, to.ledgerRows(t))
		code, said := to.imports(t, s.from, "--apply", "--out", to.config(), "--force")
		require.Zero(t, code, said)
		require.Equal(t, files, bytesOf(t, to.config(), to.secrets()))
		require.Equal(t, books, to.ledgerRows(t))
	})
}

// ledgerRows is what an import has written into the relay's database.
func (to target) ledgerRows(t *testing.T) (all []string) {
	t.Helper()
	db, err := sql.Open("sqlite", to.ledger())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, query := range []string{
		"SELECT scope || ' ' || period || ' ' || carried FROM relay_budgets ORDER BY scope, period",
		"SELECT day || ' ' || token || ' ' || sum(charge) FROM relay_daily GROUP BY day, token ORDER BY day, token",
	} {
		rows, err := db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		for rows.Next() {
			var text string
			require.NoError(t, rows.Scan(&text))
			all = append(all, text)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	require.NotEmpty(t, all)
	return all
}

func TestAFileThatIsThereIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	s := source{program: "one-api", engine: "sqlite"}.load(t, upstreamThen)
	for _, there := range []func(target) string{target.config, target.secrets} {
		to := target{t.TempDir()}
		require.NoError(t, os.WriteFile(there(to), []byte("mine: true\n"), 0o600))
		code, said := to.imports(t, s.from, "--apply", "--out", to.config())
		require.NotZero(t, code, said)
		require.Contains(t, said, "--force")
		require.Equal(t, []string{"mine: true\n"}, bytesOf(t, there(to)))
		for _, file := range []string{to.config(), to.secrets()} {
			if file != there(to) {
				require.NoFileExists(t, file)
			}
		}
	}
}

// TestAnImportThatIsKilledIsNeverHalf kills it sooner and later: what is there then is nothing or is whole, and another one makes it whole.
func TestAnImportThatIsKilledIsNeverHalf(t *testing.T) {
	t.Parallel()
	s := source{program: "one-api", engine: "sqlite"}.load(t, upstreamThen)
	whole := target{t.TempDir()}
	began := time.Now()
	whole.apply(t, s.from)
	took := time.Since(began)
	want, books := bytesOf(t, whole.config(), whole.secrets()), whole.ledgerRows(t)
	const kills = 25
	nothing, all := 0, 0
	for n := range kills {
		to := target{t.TempDir()}
		command := to.command(t, s.from, "--apply", "--out", to.config())
		var said bytes.Buffer
		command.Stdout, command.Stderr = &said, &said
		require.NoError(t, command.Start())
		process.Pause(t.Context(), took*time.Duration(n+1)/kills)
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
		if _, err := os.Stat(to.config()); err == nil {
			all++
			ok, said := to.checks(t)
			require.True(t, ok, said)
			require.Equal(t, want[0], bytesOf(t, to.config())[0])
		} else {
			nothing++
		}
		code, report := to.imports(t, s.from, "--apply", "--out", to.config(), "--force")
		require.Zero(t, code, report)
		require.Equal(t, want, bytesOf(t, to.config(), to.secrets()))
		require.Equal(t, books, to.ledgerRows(t))
	}
	t.Logf("%d were killed before and %d after there was a file", nothing, all)
}

// TestATargetThatCannotBeWrittenIsLeftAsItWas has places where nothing can be written, whoever asks.
func TestATargetThatCannotBeWrittenIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	s := source{program: "one-api", engine: "sqlite"}.load(t, upstreamThen)
	for name, make := range map[string]func(t *testing.T, to target) (out, ledger string){
		"a folder that is not there": func(_ *testing.T, to target) (out, ledger string) {
			return filepath.Join(to.dir, "no", "such", "channels.yaml"), to.ledger()
		},
		"a folder that is a file": func(t *testing.T, to target) (out, ledger string) {
			require.NoError(t, os.WriteFile(filepath.Join(to.dir, "file"), nil, 0o600))
			return filepath.Join(to.dir, "file", "channels.yaml"), to.ledger()
		},
		"secrets whose place is a folder's": func(t *testing.T, to target) (out, ledger string) {
			require.NoError(t, os.MkdirAll(to.secrets(), 0o700))
			return to.config(), to.ledger()
		},
		"a system's folder": func(_ *testing.T, to target) (out, ledger string) { return "/proc/channels.yaml", to.ledger() },
		"a database whose place is a folder's": func(t *testing.T, to target) (out, ledger string) {
			require.NoError(t, os.MkdirAll(to.ledger(), 0o700))
			return to.config(), to.ledger()
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := target{t.TempDir()}
			out, ledger := make(t, to)
			before, err := os.ReadDir(to.dir)
			require.NoError(t, err)
			command := to.command(t, s.from, "--apply", "--out", out)
			command.Env = append(to.environment(), "SQLITE_PATH="+ledger)
			code, said := run(t, command)
			require.NotZero(t, code, said)
			require.NotContains(t, said, "panic")
			require.NoFileExists(t, to.config())
			if _, err := os.Stat(to.secrets()); err == nil {
				is, _ := os.Stat(to.secrets())
				require.True(t, is.IsDir(), "there are secrets of nothing")
			}
			after, err := os.ReadDir(to.dir)
			require.NoError(t, err)
			require.LessOrEqual(t, len(after), len(before)+1, "at most the relay's own database is there")
		})
	}
}

// TestWhatIsNoOldDatabaseIsAnErrorThatSaysSo has files that were cut, and files of others.
func TestWhatIsNoOldDatabaseIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	s := source{program: "one-api", engine: "sqlite"}.load(t, upstreamThen)
	require.NoError(t, s.db.Close())
	whole := bytesOf(t, s.file)[0]
	files := map[string]string{
		"nothing in it": "", "text": "channels:\n  - name: x\n", "a dump": "CREATE TABLE channels (id integer);\n",
		"cut in its header": whole[:50], "cut after its header": whole[:100], "cut after a page": whole[:4096], "cut in the middle": whole[:len(whole)/2],
		"its last page is gone": whole[:len(whole)-4096], "overwritten": whole[:100] + strings.Repeat("\x00", len(whole)-100),
	}
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	made := func(name, statements string) {
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		require.NoError(t, err)
		_, err = db.Exec(statements)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		files[name] = ""
	}
	made("tables of somebody else", "CREATE TABLE people (id integer, name text); INSERT INTO people VALUES (1, 'x')")
	made("a table of channels of somebody else", "CREATE TABLE channels (id integer, title text); INSERT INTO channels VALUES (1, 'x')")
	made("our own", "CREATE TABLE relay_requests (id text); CREATE TABLE relay_daily (day integer)")
	files["not there"], files["."] = "", ""
	for name := range files {
		t.Run(name, func(t *testing.T) {
			to := target{t.TempDir()}
			code, said := to.imports(t, filepath.Join(dir, name), "--apply", "--out", to.config())
			require.NotZero(t, code, said)
			require.NotContains(t, said, "panic")
			require.NotContains(t, said, "goroutine ")
			require.NotEmpty(t, strings.TrimSpace(said))
			to.empty(t)
		})
	}
}
