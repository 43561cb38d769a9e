package migrate

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// tables is the names of those that there are.
func (s source) tables(t *testing.T) []string {
	t.Helper()
	return s.texts(t, map[string]string{
		"sqlite":   "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
		"postgres": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name",
		"mysql":    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
	}[s.engine])
}

// contents is a sum of every table's columns and rows.
func (s source) contents(t *testing.T) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, table := range s.tables(t) {
		query := `SELECT * FROM "` + table + `"` //nolint:gosec // the name of a table of the dump's
		if s.engine == "mysql" {
			query = strings.ReplaceAll(query, `"`, "`")
		}
		rows, err := s.db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		columns, err := rows.ColumnTypes()
		require.NoError(t, err)
		var lines []string
		for _, column := range columns {
			lines = append(lines, column.Name()+" "+column.DatabaseTypeName())
		}
		for rows.Next() {
			values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			lines = append(lines, fmt.Sprintf("%#v", values))
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		slices.Sort(lines)
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		sums[table] = fmt.Sprintf("%d lines, %s", len(lines), hex.EncodeToString(sum[:]))
	}
	require.GreaterOrEqual(t, len(sums), 6)
	return sums
}

// reader makes a login that may look at the tables, or at those that are named, and do nothing else, and is how an import is told of it.
func (s source) reader(t *testing.T, tables ...string) (from string) {
	t.Helper()
	const password = "made-up%40password"
	name := database()
	do := func(statements ...string) {
		for _, statement := range statements {
			_, err := s.db.ExecContext(t.Context(), statement)
			require.NoError(t, err, statement)
		}
	}
	switch s.engine {
	case "postgres":
		do("REVOKE CREATE ON SCHEMA public FROM PUBLIC", "CREATE ROLE "+name+" LOGIN PASSWORD 'made-up@password'", "GRANT USAGE ON SCHEMA public TO "+name)
		if len(tables) == 0 {
			do("GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + name)
		}
		for _, table := range tables {
			do("GRANT SELECT ON " + table + " TO " + name)
		}
		t.Cleanup(func() {
			_, err := s.db.Exec("DROP OWNED BY " + name)
			require.NoError(t, err)
			_, err = s.db.Exec("DROP ROLE " + name)
			require.NoError(t, err)
		})
		at, err := url.Parse(s.from)
		require.NoError(t, err)
		return "postgres://" + name + ":" + password + "@" + at.Host + at.Path + "?" + at.RawQuery
	case "mysql":
		config, err := mysql.ParseDSN(s.from)
		require.NoError(t, err)
		name = name[:min(len(name), 32)]
		do("CREATE USER " + name + "@'%' IDENTIFIED BY 'made-up@password'")
		if len(tables) == 0 {
			tables = []string{"*"}
		}
		for _, table := range tables {
			do("GRANT SELECT ON " + config.DBName + "." + table + " TO " + name + "@'%'")
		}
		t.Cleanup(func() {
			_, err := s.db.Exec("DROP USER " + name + "@'%'")
			require.NoError(t, err)
		})
		config.User, config.Passwd = name, "made-up@password"
		return config.FormatDSN()
	}
	return s.from
}

// requireReads checks that the login is one that cannot write.
func (s source) requireReads(t *testing.T, from string) {
	t.Helper()
	if s.engine == "sqlite" {
		return
	}
	driver := map[string]string{"postgres": "pgx", "mysql": "mysql"}[s.engine]
	db, err := sql.Open(driver, from)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.PingContext(t.Context()))
	_, err = db.ExecContext(t.Context(), "UPDATE users SET quota = 1")
	require.Error(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE mine (id int)")
	require.Error(t, err)
}

// logged is what the old log says of calls.
type logged struct{ calls, quota, input, output int64 }

func (s source) logged(t *testing.T) (all logged) {
	t.Helper()
	s.rows(t, "SELECT count(*), sum(quota), sum(prompt_tokens), sum(completion_tokens) FROM logs WHERE type = 2", func(scan func(...any)) {
		scan(&all.calls, &all.quota, &all.input, &all.output)
	})
	require.Greater(t, all.calls, int64(50))
	return all
}

// summed is the daily sums that an import has made of it, and of how many days they are.
func (to target) summed(t *testing.T) (all logged, days int) {
	t.Helper()
	db, err := sql.Open("sqlite", to.ledger())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var cost int64
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT sum(requests), sum(cost), sum(input), sum(output), count(DISTINCT day) FROM relay_daily_imported").
		Scan(&all.calls, &cost, &all.input, &all.output, &days))
	require.Zero(t, cost%nanoInQuota)
	all.quota = cost / nanoInQuota
	return all, days
}

// TestTheOldDatabaseIsLeftAsItWasByALoginThatMayOnlyRead imports all there is, the log included, on each kind of database: afterwards
// every table has the columns and the rows that it had, the sums of the log are those of its rows, and another import adds nothing.
func TestTheOldDatabaseIsLeftAsItWasByALoginThatMayOnlyRead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s source) {
		s = s.load(t, upstreamThen)
		// The log is of one evening, which may be yet to come by the clock of this machine: it becomes one of some days of long ago.
		_, err := s.db.ExecContext(t.Context(), "UPDATE logs SET created_at = 1767225600 + id * 3600")
		require.NoError(t, err)
		from := s.reader(t)
		s.requireReads(t, from)
		before, want := s.contents(t), s.logged(t)
		to := target{t.TempDir()}
		for range 2 {
			code, said := to.imports(t, from, "--apply", "--out", to.config(), "--prices", "--force", "--logs", "--logs-since", "2026-01-01", "--logs-rate", "0")
			require.Zero(t, code, said)
			require.NotContains(t, said, "made-up@password")
			is, days := to.summed(t)
			require.Equal(t, want, is, said)
			require.Greater(t, days, 3)
			require.Equal(t, before, s.contents(t))
		}
		ok, said := to.checks(t)
		require.True(t, ok, said)
	})
}
