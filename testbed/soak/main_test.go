package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets the tests' binary be the old way's process, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-old" {
		main()
		return
	}
	os.Exit(m.Run())
}

// buildRelay builds the relay of this checkout.
func buildRelay(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "one-api")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	return binary
}

// At the rate of the tests, little enough for a machine that is busy with something else.
const testRate = 120

// TestARelayThatDoesNotLeakPasses soaks for 20 seconds. In so few samples a busy machine's moods look like a slope once in a while;
// what is there twice is there.
func TestARelayThatDoesNotLeakPasses(t *testing.T) {
	if testing.Short() {
		t.Skip("a soak of 20 seconds")
	}
	t.Parallel()
	binary, out := buildRelay(t), t.TempDir()
	for try := 1; ; try++ {
		var said bytes.Buffer
		s := &soak{settings: settings{
			relay: binary, out: out, samples: filepath.Join(out, "samples.csv"), rate: testRate, concurrency: 500,
			duration: 20 * time.Second, requests: 20 * testRate, seed: uint64(try),
		}, log: &said}
		err := s.run(context.Background())
		if err != nil && try == 1 {
			t.Log(said.String())
			continue
		}
		require.NoError(t, err, said.String())
		break
	}
	text, err := os.ReadFile(filepath.Join(out, "soak.md"))
	require.NoError(t, err)
	require.Contains(t, string(text), "**Passed**")
	require.NotContains(t, string(text), "FAILED")
	samples, err := os.ReadFile(filepath.Join(out, "samples.csv"))
	require.NoError(t, err)
	require.Greater(t, bytes.Count(samples, []byte("\n")), 40)
}

func TestTheOldWayLeaksAndIsFoundOut(t *testing.T) {
	if testing.Short() {
		t.Skip("a soak of 30 seconds")
	}
	t.Parallel()
	out := t.TempDir()
	s := &soak{settings: settings{out: out, rate: testRate, concurrency: 500, oldRequests: 30 * testRate, seed: 1}, log: &bytes.Buffer{}, work: t.TempDir()}
	r := &report{settings: s.settings}
	require.NoError(t, s.oldRun(t.Context(), r))
	var err error
	r.trends, err = trends(measured(r.old.samples))
	require.NoError(t, err)
	leaks := map[string]bool{}
	for _, trend := range r.trends {
		leaks[trend.name] = trend.leaks
	}
	require.True(t, leaks["goroutines"], "%+v", r.trends[0])
	require.True(t, leaks["file descriptors"])
	require.False(t, r.passed())
	require.Greater(t, r.oldEnd.goroutines, 300.0)

	r.load = r.old
	require.NoError(t, r.write(out))
	text, err := os.ReadFile(filepath.Join(out, "soak.md"))
	require.NoError(t, err)
	require.Contains(t, string(text), "**Failed**")
	for _, name := range []string{"soak.svg", "soak.png"} {
		drawn, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		require.NotEmpty(t, drawn)
	}
}

func TestAWrongCallIsSaidToBeOne(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown option":   {"-relay", "x", "-nonsense"},
		"an unknown argument": {"-relay", "x", "nonsense"},
		"no relay":            {},
		"no rate":             {"-relay", "x", "-rate", "0"},
		"a negative duration": {"-relay", "x", "-duration", "-1s"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, run(t.Context(), args, &bytes.Buffer{}), errUsage)
		})
	}
}

func TestWhereOnlyTheRequestsAreGivenTimeDoesNotEndIt(t *testing.T) {
	s := settings{relay: "x", rate: 1000, concurrency: 1, requests: 1_000_000}
	require.NoError(t, s.complete(nil))
	require.Zero(t, s.duration)
	s = settings{relay: "x", rate: 1000, concurrency: 1}
	require.NoError(t, s.complete(nil))
	require.Equal(t, 3*time.Minute, s.duration)
	require.EqualValues(t, 180_001, s.requests)
}
