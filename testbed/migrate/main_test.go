// Package migrate takes databases as one-api, new-api and ezlinkai have left them (relay/migrate/testdata), imports them with the
// program itself, starts a relay with what came of it, and asks it what the old programs were asked: with the same keys, as clients send
// them, before upstreams that refuse what none of the old channels would have sent.
package migrate

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/internal/process"
)

// folder holds the program.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "migrate"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(folder, "one-api")
	command := exec.Command("go", "build", "-o", binary, ".")
	command.Dir, command.Env = filepath.Join("..", ".."), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	said, err := command.CombinedOutput()
	if err != nil {
		return "", errors.New(string(said))
	}
	return binary, nil
})

// program is the relay of this checkout.
func program(t *testing.T) string {
	t.Helper()
	binary, err := build()
	require.NoError(t, err)
	return binary
}

// target is where an import goes.
type target struct{ dir string }

func (to target) config() string { return filepath.Join(to.dir, "channels.yaml") }

func (to target) secrets() string { return to.config() + ".env" }

func (to target) ledger() string { return filepath.Join(to.dir, "ledger.db") }

// environment is all that the program gets: nothing of this machine's.
func (to target) environment(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + to.dir, "SQLITE_PATH=" + to.ledger(), "TZ=UTC"}, more...)
}

// command is one-api import.
func (to target) command(t *testing.T, from string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(program(t), append([]string{"import", "--from", from}, args...)...)
	command.Dir, command.Env = to.dir, to.environment()
	return command
}

// imports runs one-api import, and is what it says on both of its outputs.
func (to target) imports(t *testing.T, from string, args ...string) (code int, said string) {
	t.Helper()
	return run(t, to.command(t, from, args...))
}

func run(t *testing.T, command *exec.Cmd) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return command.ProcessState.ExitCode(), out.String()
}

// apply imports, which has to go well.
func (to target) apply(t *testing.T, from string) (report string) {
	t.Helper()
	code, report := to.imports(t, from, "--apply", "--out", to.config())
	require.Zero(t, code, report)
	return report
}

// checks reports whether the relay would start with what is there.
func (to target) checks(t *testing.T) (ok bool, said string) {
	t.Helper()
	command := exec.Command(program(t), "--config", to.config(), "--check-config")
	command.Dir, command.Env = to.dir, to.environment()
	code, said := run(t, command)
	return code == 0, said
}

const admin = "made-up-admin-token"

// start is a relay with what was imported, and its address. more is of its environment, and wins.
func (to target) start(t *testing.T, more ...string) (url string) {
	t.Helper()
	ports, err := process.FreePorts(1)
	require.NoError(t, err)
	log := &harness.LogBuffer{}
	// Nobody but this machine is reached: old channels without an address of their own are at the real providers'.
	relay, err := process.Start(process.Options{
		Name: "the relay", Work: to.dir, Output: log, Environment: append(
			to.environment("PORT="+ports[0], "ADMIN_TOKEN="+admin, "RETRY_TIMES=2", "RELAY_PROXY="+harness.NobodysAddress), more...),
	}, program(t), "--config", to.config())
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = relay.Stop(time.Minute)
		if t.Failed() {
			t.Log(log.String())
		}
	})
	url = "http://127.0.0.1:" + ports[0]
	require.NoError(t, relay.Ready(t.Context(), time.Minute, 20*time.Millisecond, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/status", http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}))
	return url
}
