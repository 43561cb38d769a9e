package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is the program as a process of its own: nothing of the test is in its goroutines.
func process(t *testing.T, env ...string) (address, client string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Dir, command.Env = t.TempDir(), append([]string{"BE_ONE_API=1", "PORT=0"}, env...)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	lines := bufio.NewScanner(out)
	say := regexp.MustCompile(`curl (http://localhost:\d+)/v1/chat/completions -H "Authorization: Bearer (sk-\w+)"`)
	for lines.Scan() {
		if said := say.FindStringSubmatch(lines.Text()); said != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return said[1], said[2]
		}
	}
	require.Fail(t, "it did not start")
	return "", ""
}

func TestARelayAtRestHasNoGoroutineThatNothingAccountsFor(t *testing.T) {
	later := filepath.Join(t.TempDir(), "later")
	database := filepath.Join(later, "ledger.db")
	for name, env := range map[string][]string{
		"with the ledger on SQLite": nil, "without a ledger": {"SQL_DSN=off"}, "with a database that comes later": {"SQLITE_PATH=" + database},
	} {
		t.Run(name, func(t *testing.T) {
			const monitor = "look-at-me-123456"
			address, key := process(t, append(env, "MONITOR_TOKEN="+monitor)...)
			health := func() (h struct {
				Unexplained int `json:"unexplained_goroutines"`
				Ledger      struct {
					Queue int `json:"queue"`
				} `json:"ledger"`
			}) {
				response, err := client(t).Get(address + "/api/monitor/health")
				require.NoError(t, err)
				defer func() { _ = response.Body.Close() }()
				require.NoError(t, json.NewDecoder(response.Body).Decode(&h))
				return h
			}
			none := func(when string) {
				t.Helper()
				require.Eventually(t, func() bool { return health().Unexplained == 0 }, 30*time.Second, 50*time.Millisecond, when)
			}
			none("it has just started")
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/api/monitor/events", nil)
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+monitor)
			page, err := client(t).Do(request)
			require.NoError(t, err)
			defer func() { _ = page.Body.Close() }()
			_, err = page.Body.Read(make([]byte, 1))
			require.NoError(t, err)
			none("a page is open")
			status, answer := post(t, address+"/v1/chat/completions", key, `{"model":"demo","messages":[{"role":"user","content":"Hi!"}]}`)
			require.Equal(t, 200, status, answer)
			none("it has served a call")
			leave()
			none("the page is closed")
			if slices.Contains(env, "SQLITE_PATH="+database) {
				require.Eventually(t, func() bool { return health().Ledger.Queue == 1 }, 30*time.Second, 50*time.Millisecond, "the call waits for it")
				require.NoError(t, os.Mkdir(later, 0o700))
				require.Eventually(t, func() bool { return health().Ledger.Queue == 0 }, 30*time.Second, 50*time.Millisecond)
				none("the database has come")
			}
		})
	}
}
