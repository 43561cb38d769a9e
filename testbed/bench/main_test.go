package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the tests' binary be the benchmark's other processes, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-role" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestAWrongCallIsTold(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-nonsense"}, {"-relay", "one-api", "extra"}, {}, {"-relay", "one-api", "-rounds", "-1"},
		{"-relay", "one-api", "-peer", "other"}, {"-relay", "one-api", "-peer", "other=http://127.0.0.1:1"}, {"-relay", "one-api", "-peers", "a=http://127.0.0.1:1,b"}, {"-role", "nothing"},
	} {
		assert.ErrorIs(t, run(t.Context(), args, io.Discard, io.Discard), errUsage, args)
	}
}

func TestAMissedTargetIsToldAsAWeakness(t *testing.T) {
	t.Parallel()
	b := &bench{settings: settings{rounds: 1}, world: &world{cores: cores{apart: true}}, results: results{}}
	for subject, cpu := range map[string]float64{direct: unknown, relayName: 90, bareName: 100} {
		b.results.record(subject, "plain 64", measured{calls: 1, seconds: 1, cpu: cpu})
		b.results.record(subject, "burst 64", measured{calls: 1, seconds: 1, cpu: cpu})
	}
	text, count := b.markdown()
	assert.Equal(t, 1, count, "a stream may cost as much as the ReverseProxy's, a call must cost less")
	assert.Contains(t, text, "- CPU of a non-streaming call, 64 at a time: 0.90× where at most 0.85× is promised.")
	assert.Contains(t, text, "| added p99, one call at a time | –× | 1.00× | not measured |")
}

// buildRelay builds the relay of this checkout, for tests that run it where that is possible.
func buildRelay(t *testing.T) (binary string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the relay")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("there is no taskset")
	}
	binary = filepath.Join(t.TempDir(), "one-api")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	return binary
}

// TestAShortRunMeasuresEverySubject runs all of it with the relay of this checkout.
func TestAShortRunMeasuresEverySubject(t *testing.T) {
	if os.Getenv("FAULTS") == "" {
		t.Skip("takes most of a minute: FAULTS=pairs go -C testbed test ./bench runs it, as CI does")
	}
	t.Parallel()
	binary := buildRelay(t)
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
	defer cancel()
	var out, log bytes.Buffer
	b := &bench{settings: settings{
		relay: binary, out: t.TempDir(), rounds: 1, duration: time.Millisecond, streams: []int{5, 20},
		settle: time.Millisecond, after: time.Millisecond,
	}, out: &out, log: &log}
	require.NoError(t, b.run(ctx), log.String())
	for _, subject := range []string{relayName, bareName} {
		for _, phase := range []string{"plain 1", "plain 64", "burst 64", "paced 64", "tls1 plain 1", "tls1 burst 64", "tls2 plain 64", "tls2 burst 1"} {
			cpu := b.results.of(subject, phase, "cpu")
			require.Len(t, cpu, 1, "%s %s", subject, phase)
			assert.Positive(t, cpu[0], "%s %s", subject, phase)
		}
		assert.Greater(t, b.results.of(subject, "plain 1", "objects")[0], 10.0)
		assert.Len(t, b.memory[subject].held, 2)
		assert.Empty(t, b.memory[subject].gaveOut)
		for _, way := range overTLS {
			assert.Len(t, b.memory[way.over(subject)].held, 2)
		}
	}
	written, err := os.ReadFile(filepath.Join(b.settings.out, "bench.md"))
	require.NoError(t, err)
	assert.Equal(t, out.String(), string(written))
}

func TestStreamsOverHTTP2TakeOneDescriptorOfTheRelayEach(t *testing.T) {
	const streams = 100
	var log bytes.Buffer
	b := &bench{settings: settings{relay: buildRelay(t), most: streams / 2}, log: &log, growth: &growth{}}
	b.world = &world{settings: b.settings, work: t.TempDir()}
	var err error
	b.cores, err = shareOut()
	require.NoError(t, err)
	defer func() { // other tests share the cores out anew
		assert.NoError(t, pin(os.Getpid(), b.cores.load+","+b.cores.subject))
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	defer b.close()
	require.NoError(t, b.open(ctx))
	require.NoError(t, b.growHTTP2(ctx), log.String())
	m := b.growth.http2
	require.Empty(t, m.gaveOut)
	require.Len(t, m.held, len(stepsTo(streams)))
	assert.Zero(t, m.held[len(m.held)-1].lost)
	assert.Less(t, m.open, 2*streams-20, "it has some of its own")
	report := &report{}
	b.streamsTable(report, m)
	assert.Contains(t, report.String(), "\nThe most took ")
}
