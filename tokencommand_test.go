package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
)

func TestKeysAreMadeAndChangedOnTheCommandLine(t *testing.T) {
	env := map[string]string{"SQLITE_PATH": filepath.Join(t.TempDir(), "ledger.db")}
	call := func(args ...string) (code int, out, problem string) {
		var stdout, stderr bytes.Buffer
		code = run(append([]string{"token"}, args...), func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, key, problem := call("create", "kid", "--models", "gpt-*, o3", "--expires", "2099-01-01T00:00:00Z")
	require.Equal(t, 0, code, problem)
	require.Regexp(t, `^sk-[A-Za-z0-9]{48}\n$`, key)
	require.Contains(t, problem, "database: SQLite, "+env["SQLITE_PATH"]+", which was made now")
	code, _, problem = call("list")
	require.Equal(t, 0, code)
	require.Equal(t, "database: SQLite, "+env["SQLITE_PATH"]+"\n", problem)
	code, list, _ := call("list")
	require.Equal(t, 0, code)
	require.Regexp(t, `(?m)^kid +default +gpt-\*,o3 +- +- +\$0\.00 +false +2099-01-01T00:00:00Z`, list)
	code, _, problem = call("set", "kid", "--rpm", "10", "--concurrent", "2", "--usd", "5", "--per", "week")
	require.Equal(t, 0, code, problem)
	code, list, _ = call("list")
	require.Equal(t, 0, code)
	require.Regexp(t, `(?m)^NAME +GROUPS +MODELS +LIMITS +BUDGET +SPENT +DISABLED +EXPIRES +MADE$`, list)
	require.Regexp(t, `(?m)^kid +default +gpt-\*,o3 +10 rpm, 2 calls +\$5\.00/week +\$0\.00 +false`, list)
	code, _, problem = call("set", "kid", "--unpriced", "allow", "--show-cost", "--foreign-ids")
	require.Equal(t, 0, code, problem)
	code, _, problem = call("set", "kid", "--unpriced", "perhaps")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "unpriced")
	code, second, _ := call("rotate", "kid", "--grace", "1h")
	require.Equal(t, 0, code)
	require.NotEqual(t, key, second)
	for _, args := range [][]string{{"disable", "kid"}, {"enable", "kid"}, {"set", "kid", "--models", ""}} {
		code, _, problem = call(args...)
		require.Equal(t, 0, code, problem)
	}
	code, _, problem = call("create", "kid")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "there is a token of that name already")
	code, _, _ = call("delete", "kid")
	require.Equal(t, 0, code)
	code, _, problem = call("delete", "kid")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "no token of that name: `one-api token list` lists them")
	require.NotContains(t, problem, "/api/token")
	for _, args := range [][]string{{"drop", "x"}, {"create"}, {"create", "a", "b"}, {"set", "kid"}, {"create", "x", "--rmp", "7"},
		{"rotate", "kid", "--usd", "5"}, {"list", "--rpm", "1"}, {"create", "x", "--grace", "1h"}, {"disable", "kid", "--owner", "ann"}} {
		code, _, problem = call(args...)
		require.Equal(t, 2, code, args)
		require.Contains(t, problem, "--help")
	}
	code, help, _ := call()
	require.Equal(t, 0, code)
	require.True(t, strings.HasPrefix(help, "one-api token:"))
	env["SQL_DSN"] = "off"
	code, _, problem = call("list")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "SQL_DSN=off")
}

func TestADatabaseThatNobodyHasNamedIsNotMadeUnlessThatIsAskedFor(t *testing.T) {
	t.Chdir(t.TempDir())
	call := func(args ...string) (code int, out, problem string) {
		var stdout, stderr bytes.Buffer
		code = run(append([]string{"token"}, args...), func(string) (string, bool) { return "", false }, nil, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, out, problem := call("create", "kid")
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, problem, "one-api-ledger.db does not exist, and neither SQLITE_PATH nor SQL_DSN names another")
	require.Contains(t, problem, "--new-database")
	require.NoFileExists(t, "one-api-ledger.db")
	code, out, problem = call("create", "kid", "--new-database")
	require.Equal(t, 0, code, problem)
	require.Regexp(t, `^sk-[A-Za-z0-9]{48}\n$`, out)
	require.Contains(t, problem, "which was made now")
	code, out, problem = call("list")
	require.Equal(t, 0, code, "it is there now")
	require.Contains(t, out, "kid")
	require.NotContains(t, problem, "made now")
}

func TestTheListOfTokensSaysWhatEachHasSpentInItsPeriod(t *testing.T) {
	env := map[string]string{"SQLITE_PATH": filepath.Join(t.TempDir(), "ledger.db")}
	call := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"token"}, args...), func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil, &stdout, &stderr)
		require.Equal(t, 0, code, stderr.String())
		return stdout.String()
	}
	call("create", "kid", "--usd", "5", "--per", "total")
	call("create", "other")
	kept, err := store.Open(t.Context(), store.Target{Kind: store.SQLite, Path: env["SQLITE_PATH"]})
	require.NoError(t, err)
	now := time.Now()
	today := now.Year()*10000 + int(now.Month())*100 + now.Day()
	require.NoError(t, kept.Write(t.Context(), func(tx *sql.Tx) error {
		for _, row := range []struct {
			token  string
			day    int
			charge int64
		}{{"kid", 20200101, 1_250_000_000}, {"kid", today, 250_000_000}, {"other", 20200101, 9_000_000_000}, {"other", today, 1_200_000}} {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO relay_daily (day, token, model, channel, requests, attempts, input, cached, "+
				"cache_write, output, reasoning, cost, charge, estimated, unpriced) VALUES (?, ?, 'm', 'a', 1, 1, 0, 0, 0, 0, 0, 0, ?, 0, 0)",
				row.day, row.token, row.charge); err != nil {
				return err
			}
		}
		return nil
	}))
	kept.Close()
	list := call("list")
	require.Regexp(t, `(?m)^kid .*\$5\.00/total +\$1\.50 `, list)
	require.Regexp(t, `(?m)^other .* - +\$0\.0012 `, list, "of this month, without a budget")
}
