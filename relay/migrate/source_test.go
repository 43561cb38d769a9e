package migrate

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

func TestForeignFilesAndAddressesAreRefusedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	for from, want := range map[string]string{
		"":                                    "--from is empty",
		filepath.Join(dir, "missing.db"):      "no such file",
		dir:                                   "is a directory",
		file("empty.db", ""):                  "is empty",
		file("text.db", "no database"):        "is no SQLite database",
		file("cut.db", "SQLite format 3\x00"): "cut off",
		"redis://u:secret@h":                  "of a kind that is not known",
		"postgres://u:secret@h:x/d%zz":        "special in the password as %XX",
		"root:secret@tcp(h:3306)":             "MySQL address",
		"root:secret@tcp(h:3306)/":            "names no database",
		"mysql://root:secret@/d":              "mysql://USER",
		"root:secret@tcp(127.0.0.1:1)/d?parseTime=true&charset=utf8mb4&loc=Local": "is the server reachable from here?",
		"postgres://u:secret@127.0.0.1:1/d?sslmode=disable":                       "is the server reachable from here?",
		"mysql://root:secret@127.0.0.1:1/d":                                       "is the server reachable from here?",
	} {
		s, err := Open(context.Background(), from)
		if err == nil {
			s.Close()
		}
		require.ErrorContains(t, err, want, from)
		require.NotContains(t, err.Error(), "secret", from)
	}
}

func TestWhatAnAddressOfMySQLSaysBehindItsQuestionMarkHolds(t *testing.T) {
	dsn, err := fromURL("mysql://root:p%40ss@h:3307/d?tls=skip-verify&charset=utf8mb4")
	require.NoError(t, err)
	c, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	require.Equal(t, "skip-verify", c.TLSConfig)
	require.Equal(t, []string{"root", "p@ss", "h:3307", "d"}, []string{c.User, c.Passwd, c.Addr, c.DBName})
	_, err = Open(context.Background(), "mysql://root:secret@h/d?tls=nonsense")
	require.ErrorContains(t, err, "MySQL address")
}

func TestADatabaseOfAnotherProgramIsRefused(t *testing.T) {
	for tables, want := range map[string]string{
		"CREATE TABLE relay_tokens (name text)":                       "this relay's own database",
		"CREATE TABLE wp_posts (id int)":                              "no table channels",
		"CREATE TABLE channels (id int);CREATE TABLE tokens (id int)": "has no column",
	} {
		s, err := Open(context.Background(), made(t, tables))
		require.NoError(t, err)
		_, err = s.Read(context.Background())
		s.Close()
		require.ErrorContains(t, err, want)
	}
}

func TestAFileThatIsCutOffAnywhereIsAnErrorAndNeverAPanic(t *testing.T) {
	whole, err := os.ReadFile(evening(t))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "cut.db")
	for _, size := range []int{1, 15, 16, 99, 100, 101, 512, 4095, 4096, 4097, 8192, 12288, len(whole) / 2, len(whole) - 4096, len(whole) - 1} {
		require.NoError(t, os.WriteFile(path, whole[:size], 0o600))
		s, err := Open(context.Background(), path)
		if err == nil {
			_, err = s.Read(context.Background())
			s.Close()
		}
		require.Error(t, err, size)
		// The same with a header that says that this is all there is.
		if size > 100 {
			head := append([]byte{}, whole[:size]...)
			head[28], head[29], head[30], head[31] = 0, 0, 0, 0
			require.NoError(t, os.WriteFile(path, head, 0o600))
			if s, err := Open(context.Background(), path); err == nil {
				_, _ = s.Read(context.Background()) // what is whole of it can be read
				s.Close()
			}
		}
	}
	for at := 100; at < len(whole); at += 1999 { // damage, everywhere
		hurt := append([]byte{}, whole...)
		for i := at; i < min(at+64, len(hurt)); i++ {
			hurt[i] ^= 0xa5
		}
		require.NoError(t, os.WriteFile(path, hurt, 0o600))
		if s, err := Open(context.Background(), path); err == nil {
			if old, err := s.Read(context.Background()); err == nil {
				_, _ = Make(old, Options{Out: "c.yaml", Providers: providers(), Now: now})
			}
			s.Close()
		}
	}
}

func TestReadingLeavesNoTraceAndKeepsNoWriterWaiting(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		from := evening(t)
		db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(from, "?", "%3F")+"?_pragma=journal_mode("+mode+")&_busy_timeout=1")
		require.NoError(t, err)
		_, err = db.Exec("UPDATE users SET quota = quota + 1 WHERE id = 5")
		require.NoError(t, err)
		require.NoError(t, db.Close())
		before := contents(t, filepath.Dir(from))

		s, err := Open(context.Background(), from)
		require.NoError(t, err)
		_, err = s.Read(context.Background())
		require.NoError(t, err)
		_, err = s.db.Exec("DELETE FROM users")
		require.Error(t, err, "it cannot even be written")
		require.Equal(t, before, contents(t, filepath.Dir(from)), "%s: nothing is written, nor made beside it", mode)

		if mode == "DELETE" { // who writes meanwhile does not wait
			writer, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(from, "?", "%3F")+"?_busy_timeout=1")
			require.NoError(t, err)
			_, err = writer.Exec("UPDATE users SET quota = 1 WHERE id = 5")
			require.NoError(t, err)
			require.NoError(t, writer.Close())
		}
		s.Close()
	}
}
