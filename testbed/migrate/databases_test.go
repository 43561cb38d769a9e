package migrate

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"one-api/relay/store/storetest"
)

// mariaDB names the MariaDB or MySQL server that tests may make databases in, as that driver has addresses: USER:PASSWORD@tcp(HOST:PORT)/.
const mariaDB = "ONE_API_TEST_MARIADB"

// upstreamThen is where the made-up upstream of the dumps was.
const upstreamThen = "http://127.0.0.1:19999"

// source is an old database: what stands in it, and how an import is told of it.
type source struct {
	program, engine string
	db              *sql.DB
	from            string // what --from is
	file            string // its file, if it is one
}

// dumps are the folders and files of relay/migrate/testdata.
func dumps(t *testing.T) (list []source) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "relay", "migrate", "testdata", "*", "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		list = append(list, source{program: filepath.Base(filepath.Dir(file)), engine: strings.TrimSuffix(filepath.Base(file), ".sql")})
	}
	return list
}

// onEach runs a test over every dump.
func onEach(t *testing.T, test func(t *testing.T, s source)) {
	for _, s := range dumps(t) {
		t.Run(s.program+" on "+s.engine, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// load fills a database of the dump's kind, in which the made-up upstream is where upstream says.
func (s source) load(t *testing.T, upstream string) source {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "relay", "migrate", "testdata", s.program, s.engine+".sql"))
	require.NoError(t, err)
	dump := strings.ReplaceAll(string(text), upstreamThen, upstream)
	switch s.engine {
	case "sqlite":
		s.file = filepath.Join(t.TempDir(), "one-api.db")
		s.from = s.file
		s.db, err = sql.Open("sqlite", s.file)
	case "mysql":
		s.db, s.from = onMariaDB(t)
	case "postgres":
		s.db, s.from = onPostgreSQL(t)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	_, err = s.db.ExecContext(t.Context(), dump)
	require.NoError(t, err)
	return s
}

func database() string { return fmt.Sprintf("test_%d", rand.Uint64()) }

func onMariaDB(t *testing.T) (db *sql.DB, from string) {
	t.Helper()
	server := os.Getenv(mariaDB)
	if server == "" {
		t.Skip(mariaDB + " names no MariaDB server (USER:PASSWORD@tcp(HOST:PORT)/)")
	}
	config, err := mysql.ParseDSN(server)
	require.NoError(t, err)
	name := database()
	inServer(t, "mysql", server, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4", "DROP DATABASE "+name)
	config.DBName, config.MultiStatements = name, true
	db, err = sql.Open("mysql", config.FormatDSN())
	require.NoError(t, err)
	config.MultiStatements = false
	return db, config.FormatDSN()
}

func onPostgreSQL(t *testing.T) (db *sql.DB, from string) {
	t.Helper()
	server := os.Getenv(storetest.Variable)
	if server == "" {
		t.Skip(storetest.Variable + " names no PostgreSQL server (postgres://USER:PASSWORD@HOST/DATABASE)")
	}
	at, err := url.Parse(server)
	require.NoError(t, err)
	name := database()
	inServer(t, "pgx", server, "CREATE DATABASE "+name, "DROP DATABASE "+name+" WITH (FORCE)")
	at.Path = "/" + name
	db, err = sql.Open("pgx", at.String())
	require.NoError(t, err)
	return db, at.String()
}

// inServer says one thing to a server now, and another one after the test.
func inServer(t *testing.T, driver, server, now, afterwards string) {
	t.Helper()
	db, err := sql.Open(driver, server)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), now)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec(afterwards)
		require.NoError(t, err)
		_ = db.Close()
	})
}

// rows asks the old database.
func (s source) rows(t *testing.T, query string, each func(scan func(...any))) {
	t.Helper()
	if s.engine == "mysql" {
		query = strings.ReplaceAll(query, `"`, "`")
	}
	rows, err := s.db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		each(func(to ...any) { require.NoError(t, rows.Scan(to...)) })
	}
	require.NoError(t, rows.Err())
}

// texts is the values of a column.
func (s source) texts(t *testing.T, query string) (list []string) {
	s.rows(t, query, func(scan func(...any)) {
		var text sql.NullString
		scan(&text)
		list = append(list, strings.TrimRight(text.String, " "))
	})
	return list
}
