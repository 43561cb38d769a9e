package process

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAProgramGetsNoEnvironmentButWhatIsGiven(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "the caller's")
	said := &Tail{}
	p, err := Start(Options{Name: "env", Work: t.TempDir(), Environment: []string{"GIVEN=yes"}, Output: said}, "env")
	require.NoError(t, err)
	<-p.Ended
	require.Contains(t, said.String(), "GIVEN=yes")
	require.NotContains(t, said.String(), "OTEL_SERVICE_NAME")
}

func TestAProgramThatDoesNotEndIsKilled(t *testing.T) {
	p, err := Start(Options{Name: "deaf", Work: t.TempDir(), Output: &Tail{}}, "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
	require.NoError(t, err)
	require.ErrorIs(t, p.Stop(0), ErrKilled)
}

func TestAProgramThatEndsAtOnceSaysWhy(t *testing.T) {
	p, err := Start(Options{Name: "short", Work: t.TempDir(), Output: &Tail{}}, "sh", "-c", "echo no such configuration; exit 3")
	require.NoError(t, err)
	err = p.Ready(t.Context(), time.Minute, time.Millisecond, func(context.Context) error { return errors.New("nobody listens") })
	require.ErrorContains(t, err, "short ended at once: no such configuration")
}

func TestATailKeepsTheEndAndCountsPanics(t *testing.T) {
	var said Tail
	for range 100 {
		_, err := said.Write([]byte(strings.Repeat("x", 200) + "\n"))
		require.NoError(t, err)
	}
	_, err := said.Write([]byte("panic: at the end"))
	require.NoError(t, err)
	require.Len(t, said.String(), longestTail)
	require.True(t, strings.HasSuffix(said.String(), "panic: at the end"))
	require.Equal(t, 1, said.Panics())
}

func TestNoPortIsFoundTwice(t *testing.T) {
	first, err := FreePorts(3)
	require.NoError(t, err)
	second, err := FreePorts(3)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, port := range append(first, second...) {
		require.False(t, seen[port], port)
		seen[port] = true
	}
}
