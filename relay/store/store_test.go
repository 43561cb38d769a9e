package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each runs a test on each kind of database that there is here.
func each(t *testing.T, test func(t *testing.T, target Target)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, Target{Kind: SQLite, Path: filepath.Join(t.TempDir(), "a b?c#%25.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, Target{Kind: PostgreSQL, DSN: storetest.PostgreSQL(t)})
	})
}

func opened(t *testing.T, target Target) *Store {
	s, err := Open(context.Background(), target)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.NoError(t, s.State())
	return s
}

func tablesOf(t *testing.T, s *Store) []string {
	db, err := s.Reader()
	require.NoError(t, err)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	names, err := tables(context.Background(), tx, s.target.Kind)
	require.NoError(t, err)
	return names
}

func TestTheTablesAreMadeOnceAndEachBeginsWithRelay(t *testing.T) {
	each(t, func(t *testing.T, target Target) {
		s := opened(t, target)
		names := tablesOf(t, s)
		require.ElementsMatch(t, []string{"relay_schema", "relay_attempts", "relay_daily", "relay_budgets", "relay_tokens", "relay_made", "relay_daily_imported", "relay_imports"}, names)
		require.NoError(t, s.Write(context.Background(), func(tx *sql.Tx) error {
			_, err := tx.Exec(s.Bind("INSERT INTO relay_made (id, token, channel, model, expires) VALUES (?, ?, ?, ?, ?)"), "resp_1", "t", "c", "m", 1)
			return err
		}))
		s.Close()
		require.Error(t, s.State())
		again := opened(t, target)
		db, err := again.Reader()
		require.NoError(t, err)
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM relay_made").Scan(&n))
		require.Equal(t, 1, n)
		if target.Kind == SQLite {
			info, err := os.Stat(target.Path)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds the hashes of keys")
		}
	})
}

func TestSeveralStartAtOnceAndOneMakesTheTables(t *testing.T) {
	each(t, func(t *testing.T, target Target) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				s, err := Open(context.Background(), target)
				if assert.NoError(t, err) {
					assert.NoError(t, s.State())
					s.Close()
				}
			})
		}
		all.Wait()
	})
}

func TestAnotherProgramsDatabaseIsNeverWritten(t *testing.T) {
	each(t, func(t *testing.T, target Target) {
		driver, dsn := "pgx", target.DSN
		if target.Kind == SQLite {
			target.Path = filepath.Join(t.TempDir(), "one-api.db")
			driver, dsn = "sqlite", target.Path
		}
		theirs, err := sql.Open(driver, dsn)
		require.NoError(t, err)
		for _, table := range []string{"users", "channels", "tokens", "abilities"} {
			_, err := theirs.Exec("CREATE TABLE " + table + " (id integer)")
			require.NoError(t, err)
		}
		require.NoError(t, theirs.Close())
		before := [32]byte{}
		if target.Kind == SQLite {
			data, err := os.ReadFile(target.Path)
			require.NoError(t, err)
			before = sha256.Sum256(data)
		}
		_, err = Open(context.Background(), target)
		require.ErrorContains(t, err, "one-api import --from")
		require.ErrorContains(t, err, "SQLITE_PATH")
		if target.Kind == SQLite {
			data, err := os.ReadFile(target.Path)
			require.NoError(t, err)
			require.Equal(t, before, sha256.Sum256(data))
			left, err := os.ReadDir(filepath.Dir(target.Path))
			require.NoError(t, err)
			require.Len(t, left, 1)
		} else {
			s := New(target)
			db, err := openPostgreSQL(target.DSN)
			require.NoError(t, err)
			s.reader, s.opened = db, true
			require.Len(t, tablesOf(t, s), 4)
			s.Close()
		}
	})
}

func TestADatabaseThatHasOursBesideTheirsIsOurs(t *testing.T) {
	each(t, func(t *testing.T, target Target) {
		s := opened(t, target)
		require.NoError(t, s.Write(context.Background(), func(tx *sql.Tx) error {
			_, err := tx.Exec("CREATE TABLE channels (id integer)")
			return err
		}))
		s.Close()
		opened(t, target)
	})
}

func TestAPostgreSQLDatabaseMayHaveUsersOfAnotherProgram(t *testing.T) {
	target := Target{Kind: PostgreSQL, DSN: storetest.PostgreSQL(t)}
	db, err := sql.Open("pgx", target.DSN)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE users (id integer); CREATE TABLE tokens (id integer)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	opened(t, target)
}

func TestTheDSNSaysWhichDatabaseOrWhatToChange(t *testing.T) {
	for _, c := range []struct {
		dsn, path string
		want      Target
	}{
		{"", "", Target{Kind: SQLite, Path: DefaultPath}},
		{" ", "/data/x.db", Target{Kind: SQLite, Path: "/data/x.db"}},
		{"off", "/data/x.db", Target{}},
		{"OFF", "", Target{}},
		{"postgres://u:p@h/d", "/data/x.db", Target{Kind: PostgreSQL, DSN: "postgres://u:p@h/d"}},
		{"postgresql://u:p@h/d?sslmode=disable", "", Target{Kind: PostgreSQL, DSN: "postgresql://u:p@h/d?sslmode=disable"}},
	} {
		got, err := Parse(c.dsn, c.path)
		require.NoError(t, err, c.dsn)
		require.Equal(t, c.want, got)
	}
	for _, dsn := range []string{"root:secret@tcp(db:3306)/oneapi?parseTime=true", "mysql://root:secret@db/oneapi"} {
		_, err := Parse(dsn, "")
		require.ErrorContains(t, err, "one-api import --from")
		require.ErrorContains(t, err, "SQLITE_PATH")
		require.NotContains(t, err.Error(), "secret")
	}
	for _, dsn := range []string{"sqlite", "host=localhost password=secret", "postgres://u:secret%zz@h/d"} {
		_, err := Parse(dsn, "")
		require.ErrorContains(t, err, "postgres://")
		require.NotContains(t, err.Error(), "secret")
	}
	require.NotContains(t, Target{Kind: PostgreSQL, DSN: "postgres://u:secret@h/d"}.String(), "secret")
}

func TestAPlaceThatCannotBeUsedIsNoErrorAndIsUsedWhenItCan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	s, err := Open(context.Background(), Target{Kind: SQLite, Path: filepath.Join(dir, "x.db")})
	require.NoError(t, err)
	defer s.Close()
	require.Error(t, s.State())
	_, err = s.Reader()
	require.Error(t, err)
	require.Error(t, s.Ready(context.Background()))
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, s.Ready(context.Background()))
	require.NoError(t, s.State())
}

func TestAFileThatIsNoDatabaseIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	text := strings.Repeat("this is no database\n", 100)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	s, err := Open(context.Background(), Target{Kind: SQLite, Path: path})
	require.NoError(t, err)
	defer s.Close()
	require.ErrorContains(t, s.State(), "not a database")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, string(data))
}

func TestAFileThatAnotherProcessHasLockedIsNoErrorAndIsUsedWhenItIsFree(t *testing.T) {
	target := Target{Kind: SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	opened(t, target).Close()
	other, err := sql.Open("sqlite", fileURI(target.Path)+"?_pragma=locking_mode(EXCLUSIVE)")
	require.NoError(t, err)
	defer other.Close()
	other.SetMaxOpenConns(1)
	_, err = other.Exec("CREATE TABLE relay_other (id INTEGER)")
	require.NoError(t, err)
	s, err := Open(context.Background(), target)
	require.NoError(t, err)
	defer s.Close()
	require.ErrorContains(t, s.State(), "locked")
	require.NoError(t, other.Close())
	require.NoError(t, s.Ready(context.Background()))
}

// TestAFileWhoseMakerWasKilledIsUsed has the file as a process leaves it that is killed while it makes the tables: what it had written has
// to be taken back by the next one, which needs to write for that.
func TestAFileWhoseMakerWasKilledIsUsed(t *testing.T) {
	killed := filepath.Join(t.TempDir(), "killed.db")
	maker, err := sql.Open("sqlite", fileURI(killed)+"?_pragma=cache_size(1)&_pragma=cache_spill(1)")
	require.NoError(t, err)
	defer maker.Close()
	maker.SetMaxOpenConns(1)
	_, err = maker.Exec("CREATE TABLE relay_other (n INTEGER)")
	require.NoError(t, err)
	tx, err := maker.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = tx.Exec("INSERT INTO relay_other WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n")
	require.NoError(t, err)
	target := Target{Kind: SQLite, Path: filepath.Join(t.TempDir(), "x.db")}
	for _, of := range []string{"", "-journal"} {
		data, err := os.ReadFile(killed + of)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(target.Path+of, data, 0o600))
	}
	look, err := sql.Open("sqlite", fileURI(target.Path)+"?mode=ro")
	require.NoError(t, err)
	defer look.Close()
	require.ErrorContains(t, look.QueryRow("SELECT count(*) FROM relay_other").Scan(new(int)), "readonly", "the journal is hot")
	s, err := Open(context.Background(), target)
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.State())
}

func TestAServerThatIsNotThereIsNoErrorAndItsPasswordIsNotRepeated(t *testing.T) {
	s, err := Open(context.Background(), Target{Kind: PostgreSQL, DSN: "postgres://u:secret@127.0.0.1:1/d"})
	require.NoError(t, err)
	defer s.Close()
	require.Error(t, s.State())
	require.NotContains(t, s.State().Error(), "secret")
}

func TestAStoreThatIsOffSaysSo(t *testing.T) {
	var none *Store
	require.True(t, none.IsOff())
	none.Close()
	s, err := Open(context.Background(), Target{})
	require.NoError(t, err)
	require.True(t, s.IsOff())
	require.ErrorIs(t, s.State(), ErrOff)
	require.ErrorIs(t, s.Write(context.Background(), nil), ErrOff)
}

func TestPlaceholdersAreWrittenAsTheDatabaseHasThem(t *testing.T) {
	require.Equal(t, "a = ? AND b = ?", New(Target{Kind: SQLite}).Bind("a = ? AND b = ?"))
	require.Equal(t, "a = $1 AND b = $2", New(Target{Kind: PostgreSQL}).Bind("a = ? AND b = ?"))
	_, err := url.Parse(fileURI("/tmp/a b?c.db"))
	require.NoError(t, err)
}
