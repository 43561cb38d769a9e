package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// oldDatabase is one of one-api's with a channel and keys.
func oldDatabase(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "one-api.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE TABLE channels (id integer, type integer, key text, status integer, name text, models text, "group" text);
		CREATE TABLE tokens (id integer, user_id integer, key char(48), status integer, name text, expired_time integer, remain_quota integer, unlimited_quota numeric);
		CREATE TABLE users (id integer, username text, status integer, quota integer, "group" text);
		INSERT INTO channels VALUES (1, 1, 'sk-upstream-secret', 1, 'main', 'gpt-4o', 'default');
		INSERT INTO users VALUES (1, 'ann', 1, 500000, 'default');
		INSERT INTO tokens VALUES (1, 1, 'aKeyOfTheOldProgram', 1, 'phone', -1, 250000, 0), (2, 1, 'anEmptyKey', 1, 'empty', -1, 0, 0);`)
	require.NoError(t, err)
	return path
}

func TestAnOldDatabaseIsTakenOverOnTheCommandLine(t *testing.T) {
	from, dir := oldDatabase(t), t.TempDir()
	t.Chdir(dir)
	env := map[string]string{"SQLITE_PATH": filepath.Join(dir, "ledger.db")}
	call := func(args ...string) (code int, out, problem string) {
		var stdout, stderr bytes.Buffer
		code = run(args, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	files := func() (names []string) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	code, out, problem := call("import", "--from", from)
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "Channels: 1 (1 mapped, 0 mapped with loss, 0 not supported)")
	require.Contains(t, out, "Nothing was written. With --apply: channels.yaml and channels.yaml.env, and the keys to the relay's database.")
	require.Empty(t, files())

	code, out, problem = call("import", "--from", from, "--apply", "--out", "new.yaml")
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "1 budgets are noted to be used up")
	require.Contains(t, out, "Start: one-api --config new.yaml")
	require.NotContains(t, out+problem, "secret")
	require.NotContains(t, out+problem, "aKeyOfTheOldProgram")
	code, out, problem = call("--check-config", "--config", "new.yaml")
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "The configuration is good: 1 channel, 2 tokens.")
	require.NotContains(t, out, "warning: new.yaml")
	code, out, _ = call("import", "--from", from, "--apply", "--out", "new.yaml")
	require.Equal(t, 0, code)
	require.Contains(t, out, "As it was already: new.yaml")

	code, _, problem = call("import", "--from", from, "--apply", "--out", "new.yaml", "--logs")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "no table logs")
	code, out, problem = call("import", "--from", from, "--apply")
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "2 keys are new, 0 changed, 0 as they were; 0 budgets")
	code, out, problem = call("token", "list")
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "phone")
	require.NoError(t, os.WriteFile("channels.yaml", []byte("mine"), 0o600))
	code, _, problem = call("import", "--from", from, "--apply")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "channels.yaml exists and holds something else: nothing was written")

	env["SQL_DSN"] = "root:secret@tcp(db:3306)/oneapi"
	code, _, problem = call("import", "--from", from, "--apply", "--out", "other.yaml")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "SQL_DSN names a MySQL database")
	require.NotContains(t, strings.Join(files(), " "), "other.yaml")
	env["SQL_DSN"] = "off"
	code, out, problem = call("import", "--from", from, "--apply", "--out", "other.yaml")
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "nobody remembers that 1 budgets are used up")
	code, _, problem = call("import", "--from", from, "--apply")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "--out")
	delete(env, "SQL_DSN")
	env["SQLITE_PATH"] = from // the mistake of an evening: both of them
	code, _, problem = call("import", "--from", from, "--apply", "--out", "third.yaml")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "left as it is")

	for _, args := range [][]string{{"import", "--form", "x"}, {"import", "--apply"}, {"import", "x.db"}, {"import", "--from", "x.db", "secret"}, {"import", "--from", from, "--logs"}, {"import", "--from", from, "--apply", "--logs", "--logs-since", "May"}} {
		code, _, problem = call(args...)
		require.Equal(t, 2, code, args)
		require.Contains(t, problem, "--help")
		require.NotContains(t, problem, "secret")
	}
	code, _, problem = call("import", "--from", "missing.db")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "missing.db")
	code, out, _ = call("import", "--help")
	require.Equal(t, 0, code)
	require.True(t, strings.HasPrefix(out, "one-api import:"))
}

func TestATerminalThatIsClosedEndsNoImportAndAnInterruptDoes(t *testing.T) {
	from := oldDatabase(t)
	t.Chdir(t.TempDir())
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGHUP
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run([]string{"import", "--from", from}, func(string) (string, bool) { return "", false }, signals, &stdout, &stderr), stderr.String())

	both := make(chan os.Signal, 2)
	both <- syscall.SIGHUP
	both <- syscall.SIGINT
	ctx, cancel := untilStopped(both)
	defer cancel()
	<-ctx.Done()
	require.Empty(t, both, "the first one was not the one that stopped it")
}

func TestTheLogIsReadFromTheBeginningOfADay(t *testing.T) {
	c := newImportCall()
	c.settings.Retention.Sums = 400
	day, err := c.firstDay()
	require.NoError(t, err)
	h, m, s := day.Clock()
	require.Zero(t, h+m+s+day.Nanosecond(), day)
}
