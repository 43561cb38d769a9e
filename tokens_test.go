package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func lookupIn(env map[string]string) lookup {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func get(t *testing.T, url, token string) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client(t).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

func TestAFreshRelayMakesItsOperatorsTokensSaysThemOnceAndKeepsThem(t *testing.T) {
	env := map[string]string{"PORT": "0", "TOKEN_DIR": t.TempDir()}
	p := start(t, env)
	admin, monitor := p.finds(t, `ADMIN_TOKEN=(\S{24})`), p.finds(t, `MONITOR_TOKEN=(\S{24})`)
	require.NotEqual(t, admin, monitor)
	address := p.finds(t, `curl (http://localhost:\d+)/v1`)
	require.Equal(t, 401, get(t, address+"/api/monitor/channels", ""))
	require.Equal(t, 200, get(t, address+"/api/monitor/channels", monitor))
	status, answer := post(t, address+"/api/channel/demo/disable", admin, "")
	require.Equal(t, 200, status, answer)

	var out, errs output
	require.Equal(t, 0, run([]string{"tokens"}, lookupIn(env), nil, &out, &errs), errs.String())
	require.Equal(t, "export ADMIN_TOKEN='"+admin+"'\nexport MONITOR_TOKEN='"+monitor+"'\n", out.String())
	for _, name := range []string{"admin-token", "monitor-token"} {
		info, err := os.Stat(filepath.Join(env["TOKEN_DIR"], name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)

	again := start(t, env)
	address = again.finds(t, `curl (http://localhost:\d+)/v1`)
	require.Equal(t, 200, get(t, address+"/api/monitor/channels", monitor), "the tokens outlive the process")
	again.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-again.code)
	require.NotContains(t, again.stdout.String(), monitor, "and are said once")
}

// client is one whose connections end with the request, and are gone when the test is.
func client(t *testing.T) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func TestTheClientKeyThatWasMadeStaysWhereATokenDirectoryKeepsIt(t *testing.T) {
	env := map[string]string{"PORT": "0", "TOKEN_DIR": t.TempDir()}
	const asks = `{"model":"demo","messages":[{"role":"user","content":"Hi!"}]}`
	var key string
	for i := range 3 {
		p := start(t, env)
		address := p.finds(t, `curl (http://localhost:\d+)/v1`)
		said := p.finds(t, `Authorization: Bearer (sk-\w+)`)
		p.finds(t, `(which TOKEN_DIR keeps)`)
		if i == 0 {
			key = said
		}
		require.Equal(t, key, said)
		status, answer := post(t, address+"/v1/chat/completions", key, asks)
		require.Equal(t, 200, status, answer)
		p.signals <- syscall.SIGTERM
		require.Equal(t, 0, <-p.code)
	}
	info, err := os.Stat(filepath.Join(env["TOKEN_DIR"], clientKeyFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.WriteFile(filepath.Join(env["TOKEN_DIR"], clientKeyFile), nil, 0o600))
	p := start(t, env)
	p.finds(t, `(the client key is not kept, and is another one after a restart: .*is empty)`)
	p.finds(t, `(made for this run)`)
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)

	env["INITIAL_ROOT_TOKEN"] = "sk-0123456789abcdef"
	p = start(t, env)
	address := p.finds(t, `started address=(http://localhost:\d+)`)
	status, _ := post(t, address+"/v1/chat/completions", key, asks)
	require.Equal(t, 401, status, "it is good only where no other is configured")
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
}

func TestTokensOfTheEnvironmentComeBeforeThoseThatAreKept(t *testing.T) {
	env := map[string]string{"TOKEN_DIR": t.TempDir(), "ADMIN_TOKEN": "it's-mine"}
	kept, made, err := keepTokens(lookupIn(env), true)
	require.NoError(t, err)
	require.Len(t, made, 1)
	require.True(t, strings.HasPrefix(made[0], "MONITOR_TOKEN="))
	text, _ := kept("ADMIN_TOKEN_FILE")
	require.Empty(t, text)

	var out, errs output
	require.Equal(t, 0, run([]string{"tokens"}, lookupIn(env), nil, &out, &errs))
	require.Contains(t, out.String(), `export ADMIN_TOKEN='it'\''s-mine'`)
}

func TestTheTokensAreMadeByARelayThatStartsAndByNothingElse(t *testing.T) {
	env := map[string]string{"TOKEN_DIR": t.TempDir()}
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"tokens"}, {"-port", "9", "healthcheck"}, {"-check-config"}} {
		var out, errs output
		run(args, lookupIn(env), nil, &out, &errs)
		require.NotRegexp(t, regexp.MustCompile(`_TOKEN=`), out.String(), args)
	}
	entries, err := os.ReadDir(env["TOKEN_DIR"])
	require.NoError(t, err)
	require.Empty(t, entries)
	var out, errs output
	require.Equal(t, 1, run([]string{"tokens"}, lookupIn(nil), nil, &out, &errs))
	require.Contains(t, errs.String(), "set it, or TOKEN_DIR")
}

func TestADirectoryThatCannotBeUsedIsAWarningAndTheRelayRuns(t *testing.T) {
	p := start(t, map[string]string{"PORT": "0", "TOKEN_DIR": filepath.Join(t.TempDir(), "nothing", "there")})
	p.finds(t, `(ADMIN_TOKEN is not kept: .*TOKEN_DIR)`)
	p.finds(t, `(One API v\S+ started)`)
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
}

func TestThePrintedLinesHaveThePublishedPort(t *testing.T) {
	p := start(t, map[string]string{"PORT": "0", "PUBLISHED_PORT": "18080"})
	p.finds(t, `curl (http://localhost:18080)/v1/chat/completions`)
	p.finds(t, `curl -N (http://localhost:18080)/v1/chat/completions`)
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
}

func TestReadyShowsTheMonitorTokenWhereHealthAsksForIt(t *testing.T) {
	env := map[string]string{"PORT": "0", "PUBLIC_HEALTH": "false", "MONITOR_TOKEN": "only-those-who-have-this"}
	p := start(t, env)
	address := p.finds(t, `curl (http://localhost:\d+)/v1`)
	port := address[strings.LastIndexByte(address, ':')+1:]
	require.Equal(t, 401, get(t, address+"/api/monitor/health", ""))
	var out, errs output
	require.Equal(t, 0, run([]string{"-port", port, "ready"}, lookupIn(env), nil, &out, &errs), errs.String())
	require.Equal(t, 1, run([]string{"-port", port, "ready"}, lookupIn(nil), nil, &out, &errs))
	require.Contains(t, errs.String(), "401")
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
	require.Equal(t, 1, run([]string{"-port", port, "ready"}, lookupIn(env), nil, &out, &errs))
}
