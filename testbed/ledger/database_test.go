package ledger

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
	"one-api/relay/store/storetest"
	"one-api/testbed/internal/process"
)

// database is one that the relay remembers in, and that trouble can be made for.
type database struct {
	t      *testing.T
	target store.Target
	folder string // SQLite's file's, or PostgreSQL's data's
	server *server
}

// env is how the relay is told of it.
func (d *database) env() []string {
	if d.server == nil {
		return []string{"SQLITE_PATH=" + d.target.Path}
	}
	return []string{"SQL_DSN=" + d.target.DSN}
}

func (d *database) open() *sql.DB {
	driver, dsn := "pgx", d.target.DSN
	if d.server == nil {
		driver, dsn = "sqlite", "file:"+d.target.Path+"?_busy_timeout=10000"
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(d.t, err)
	db.SetMaxOpenConns(1)
	return db
}

// waits is how many files of the spill there are: of this relay, which has its own folder for temporary files, or of one before it.
func (d *database) waits(r *relay) int {
	found := 0
	for _, pattern := range []string{filepath.Join(d.folder, "*.spill"), filepath.Join(r.work, "*", "*.spill")} {
		files, err := filepath.Glob(pattern)
		require.NoError(d.t, err)
		found += len(files)
	}
	return found
}

// requireBalanced compares the books as SQL has them: rows and sums, by every one of their names, and sums and what tokens have spent.
func (d *database) requireBalanced(t *testing.T) {
	t.Helper()
	db := d.open()
	defer db.Close()
	for name, query := range map[string]string{
		"rows that no sum has, and sums that no row has": `SELECT count(*) FROM (SELECT day, token, model, channel, count(*) AS attempts, sum(is_last) AS requests, sum(cost) AS cost,
sum(charge) AS charge, sum(uncached+cache_read+cache_write_5m+cache_write_1h+audio_in+image_in) AS input, sum(text_out+audio_out+image_out) AS output,
sum(CASE WHEN source = 'estimated' THEN 1 ELSE 0 END) AS estimated FROM relay_attempts WHERE attempt > 0 GROUP BY day, token, model, channel) r
FULL OUTER JOIN relay_daily d ON r.day = d.day AND r.token = d.token AND r.model = d.model AND r.channel = d.channel
WHERE r.attempts IS NULL OR d.attempts IS NULL OR r.attempts <> d.attempts OR r.requests <> d.requests OR r.cost <> d.cost OR r.charge <> d.charge OR r.input <> d.input
OR r.output <> d.output OR r.estimated <> d.estimated`,
		"tokens whose sums are not what they have spent": `SELECT count(*) FROM (SELECT token, sum(charge) AS charge FROM relay_daily GROUP BY token HAVING sum(charge) <> 0) d
FULL OUTER JOIN relay_budgets b ON b.scope = 'token:' || d.token AND b.period = 'total' WHERE d.charge IS NULL OR b.spent IS NULL OR d.charge <> b.spent`,
		"attempts that are missing before another of their request": `SELECT count(*) FROM (SELECT id FROM relay_attempts GROUP BY id HAVING count(*) <> max(attempt) + CASE WHEN min(attempt) = 0 THEN 1 ELSE 0 END) r`,
	} {
		n := -1
		require.NoError(t, db.QueryRow(query).Scan(&n), name)
		require.Zero(t, n, name)
	}
}

// newSQLite is a file in a folder. small: on a file system of its own, of a few megabytes.
func newSQLite(t *testing.T, small bool) *database {
	d := &database{t: t, folder: t.TempDir()}
	if small {
		mount(t, d.folder, "4m")
	}
	d.target = store.Target{Kind: store.SQLite, Path: filepath.Join(d.folder, "ledger.db")}
	return d
}

// mount gives a folder a file system of its own while the test runs.
func mount(t *testing.T, folder, size string) {
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size+",mode=0777"); err != nil {
		t.Skip("a file system that can be full takes somebody who may mount one (root): " + err.Error())
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
}

// fill leaves no room on the folder's file system until the returned function is called.
func (d *database) fill() (end func()) {
	path := filepath.Join(d.folder, "filler")
	file, err := os.Create(path)
	require.NoError(d.t, err)
	for part := make([]byte, 1<<16); ; {
		if _, err := file.Write(part); err != nil {
			if len(part) == 1 {
				break
			}
			part = part[:len(part)/16+1]
		}
	}
	return func() {
		require.NoError(d.t, file.Close())
		require.NoError(d.t, os.Remove(path))
	}
}

// lock has somebody else hold the database's lock.
func (d *database) lock() (end func()) {
	db := d.open()
	conn, err := db.Conn(context.Background())
	require.NoError(d.t, err)
	exec := func(query string) {
		_, err := conn.ExecContext(context.Background(), query)
		require.NoError(d.t, err)
	}
	if d.server == nil {
		exec("BEGIN IMMEDIATE")
	} else {
		exec("BEGIN")
		exec("LOCK TABLE relay_attempts IN ACCESS EXCLUSIVE MODE")
	}
	return func() {
		exec("ROLLBACK")
		require.NoError(d.t, conn.Close())
		require.NoError(d.t, db.Close())
	}
}

// server is a PostgreSQL of the test's own.
type server struct {
	t        *testing.T
	programs string
	data     string
	port     string
}

// as is the user that PostgreSQL runs as: it refuses to be root.
func (s *server) as(program string, args ...string) *exec.Cmd {
	path := filepath.Join(s.programs, program)
	if os.Getuid() == 0 {
		return exec.Command("setpriv", append([]string{"--reuid=postgres", "--regid=postgres", "--init-groups", path}, args...)...)
	}
	return exec.Command(path, args...)
}

func (s *server) run(program string, args ...string) error {
	said, err := s.as(program, args...).Output()
	if err != nil {
		s.t.Logf("%s: %v: %s", program, err, said)
	}
	return err
}

func (s *server) start() {
	s.t.Helper()
	require.NoError(s.t, s.run("pg_ctl", "-D", filepath.Join(s.data, "data"), "-l", filepath.Join(s.data, "log"), "-w", "-o", "-p "+s.port+" -k "+s.data+" -c listen_addresses=127.0.0.1 -c fsync=off", "start"))
}

// stop ends it as kill -9 does.
func (s *server) stop() {
	_ = s.run("pg_ctl", "-D", filepath.Join(s.data, "data"), "-m", "immediate", "-w", "stop") // it may have stopped by itself
}

// newPostgreSQL is a server and an empty database. small: on a file system of its own.
func newPostgreSQL(t *testing.T, small bool) *database {
	if os.Getenv(storetest.Variable) == "" {
		t.Skip(storetest.Variable + " is not set: no test starts a PostgreSQL server then")
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is a good one
	if len(found) == 0 {
		t.Skip("there is no PostgreSQL server to be started and stopped in /usr/lib/postgresql")
	}
	ports, err := process.FreePorts(1)
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "ledger-postgresql-") // not below the test's own, which others may not enter
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if small {
		mount(t, folder, "96m")
	}
	s := &server{t: t, programs: filepath.Dir(found[len(found)-1]), data: folder, port: ports[0]}
	if os.Getuid() == 0 {
		require.NoError(t, exec.Command("chown", "postgres", folder).Run())
	}
	require.NoError(t, s.run("initdb", "-D", filepath.Join(folder, "data"), "-A", "trust", "-U", "postgres", "--no-sync", "--wal-segsize=1"))
	t.Cleanup(s.stop)
	s.start()
	return &database{t: t, folder: folder, server: s, target: store.Target{
		Kind: store.PostgreSQL, DSN: "postgres://postgres@127.0.0.1:" + s.port + "/postgres?sslmode=disable",
	}}
}

// readOnly has PostgreSQL take no writes.
func (d *database) readOnly() (end func()) {
	set := func(to string) {
		db := d.open()
		defer db.Close()
		for _, query := range []string{"SET default_transaction_read_only = off", "ALTER SYSTEM SET default_transaction_read_only = " + to, "SELECT pg_reload_conf()"} {
			_, err := db.Exec(query)
			require.NoError(d.t, err)
		}
	}
	set("on")
	return func() { set("off") }
}

// trouble is what a database may be in. It returns what ends it.
type trouble struct {
	name  string
	small bool
	begin func(d *database) (end func())
}

var troubles = map[string][]trouble{
	"SQLite": {
		{"locked", false, (*database).lock},
		{"full", true, (*database).fill},
	},
	"PostgreSQL": {
		{"locked", false, (*database).lock},
		{"read-only", false, (*database).readOnly},
		{"stopped", false, func(d *database) func() {
			d.server.stop()
			return d.server.start
		}},
		{"full", true, func(d *database) func() {
			db := d.open()
			_, err := db.Exec("CREATE TABLE filler (filler TEXT)")
			require.NoError(d.t, err)
			end := d.fill()
			for err == nil { // it has kept room for itself
				_, err = db.Exec("INSERT INTO filler SELECT repeat(md5(random()::text), 200) FROM generate_series(1, 20)")
			}
			d.t.Log(err)
			require.NoError(d.t, db.Close())
			return func() {
				end()
				if d.server.run("pg_ctl", "-D", filepath.Join(d.folder, "data"), "status") != nil {
					d.server.start()
				}
			}
		}},
	},
}

func newDatabase(t *testing.T, kind string, small bool) *database {
	if kind == "SQLite" {
		return newSQLite(t, small)
	}
	return newPostgreSQL(t, small)
}
