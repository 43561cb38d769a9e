package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	code, list, _ := call("list")
	require.Equal(t, 0, code)
	require.Contains(t, list, "kid   default  gpt-*,o3  false     2099-01-01T00:00:00Z")
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
	require.Contains(t, problem, "no token of that name")
	for _, args := range [][]string{{"drop", "x"}, {"create"}, {"create", "a", "b"}, {"set", "kid"}, {"create", "x", "--rmp", "7"}} {
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
