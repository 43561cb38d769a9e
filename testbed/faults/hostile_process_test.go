package faults

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/memory"
	"one-api/testbed/harness"
)

// attackedFile names, in the environment of a test process, the configuration of the relay that it is to be instead.
const attackedFile = "RELAY_UNDER_ATTACK"

// beAttacked runs a relay until standard input ends.
func beAttacked(file string) error {
	memory.RaiseGoal(os.LookupEnv)
	options := config.Source{File: file, Providers: relay.ConfigProviders()}
	settings, err := config.LoadSettings(options)
	if err != nil {
		return err
	}
	cfg, err := config.Load(options, settings)
	if err != nil {
		return err
	}
	server, err := relay.New(relay.ServerOptions{Settings: settings, Config: cfg, Version: "v0.0.0-test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	_, _ = os.Stdout.WriteString("http://" + listener.Addr().String() + "\n")
	return server.Serve(ctx, listener)
}

// process is a relay in a process of its own, so that its memory is its own as well.
type process struct {
	URL string
	pid int
}

func startProcess(t *testing.T, yaml string, env ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	require.NoError(t, os.WriteFile(file, []byte(yaml), 0o600))
	child := exec.Command(os.Args[0])
	child.Env = append([]string{attackedFile + "=" + file, "GIN_MODE=test", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	stderr := &harness.LogBuffer{}
	child.Stderr = stderr
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		require.NoError(t, child.Wait(), stderr.String())
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, stderr.String())
	return &process{URL: strings.TrimSpace(line), pid: child.Process.Pid}
}

// peak is the most memory, in bytes, that the process has ever had (VmHWM: proc_pid_status(5)); 0: the system does not say.
func (p *process) peak(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(t, err)
	return kb << 10
}
