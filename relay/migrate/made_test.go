package migrate

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tables of the three programs, as far as they are read, in SQL that SQLite, PostgreSQL and MariaDB take; ` stands for the engine's
// own quotes.
const (
	oneAPITables = "CREATE TABLE channels (id bigint, type bigint, `key` text, status bigint, name varchar(255), weight bigint, created_time bigint, " +
		"base_url varchar(255), other text, balance double precision, models text, `group` varchar(32), used_quota bigint, model_mapping varchar(1024), " +
		"priority bigint, config text, system_prompt text);" +
		"CREATE TABLE tokens (id bigint, user_id bigint, `key` char(48), status bigint, name varchar(255), expired_time bigint, remain_quota bigint, " +
		"unlimited_quota BOOLEAN, used_quota bigint, models text, subnet varchar(255));" + users
	newAPITables = "CREATE TABLE channels (id bigint, type bigint, `key` text, openai_organization text, test_model text, status bigint, name text, " +
		"weight bigint, created_time bigint, base_url text, other text, models text, `group` varchar(64), model_mapping text, status_code_mapping text, " +
		"priority bigint, auto_ban bigint, other_info text, tag text, setting text, settings text, param_override text, header_override text, " +
		"channel_info text);" +
		"CREATE TABLE tokens (id bigint, user_id bigint, `key` varchar(128), status bigint, name text, expired_time bigint, remain_quota bigint, " +
		"unlimited_quota BOOLEAN, model_limits_enabled BOOLEAN, model_limits text, allow_ips text, used_quota bigint, `group` text, " +
		"deleted_at timestamp NULL);" + users
	ezlinkaiTables = "CREATE TABLE channels (id bigint, type bigint, `key` text, status bigint, name text, weight bigint, created_time bigint, base_url text, " +
		"other text, models text, `group` varchar(32), model_mapping text, priority bigint, config text, auto_disabled BOOLEAN, multi_key_info text, " +
		"auto_disabled_model text, header_override text, discount decimal(4,2), settings text);" +
		"CREATE TABLE tokens (id bigint, user_id bigint, `key` char(48), status bigint, name text, expired_time bigint, remain_quota bigint, " +
		"unlimited_quota BOOLEAN, used_quota bigint, token_remind_threshold bigint);" +
		"CREATE TABLE abilities (`group` varchar(32), model varchar(255), channel_id bigint, enabled BOOLEAN, auto_disabled BOOLEAN);" + users
	users = "CREATE TABLE users (id bigint, username varchar(255), password varchar(255), role bigint, status bigint, quota bigint, used_quota bigint, " +
		"`group` varchar(32));" +
		"CREATE TABLE options (`key` varchar(255), value text)"
)

// made is a database of SQLite with tables and rows.
func made(t testing.TB, tables string, rows ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "one api?.db")
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(path, "?", "%3F"))
	require.NoError(t, err)
	defer db.Close()
	tx, err := db.Begin()
	require.NoError(t, err)
	for _, statement := range append(strings.Split(strings.ReplaceAll(tables, "`", `"`), ";"), rows...) {
		_, err := tx.Exec(statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, tx.Commit())
	return path
}

// insert is a statement that adds a row: name, value, name, value, as SQL has them. Of a name that is there twice the last one holds.
func insert(table string, pairs ...string) string {
	var names, values []string
	for i := 0; i < len(pairs); i += 2 {
		if at := slices.Index(names, `"`+pairs[i]+`"`); at >= 0 {
			values[at] = pairs[i+1]
			continue
		}
		names, values = append(names, `"`+pairs[i]+`"`), append(values, pairs[i+1])
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

// text is a text in SQL.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// read opens and reads a database.
func read(t testing.TB, from string) *Old {
	t.Helper()
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	defer s.Close()
	old, err := s.Read(context.Background())
	require.NoError(t, err)
	return old
}

// contents is the files of a directory.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		found[e.Name()] = string(data)
	}
	return found
}
