package main

import (
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPortThatIsTakenIsSaidBeforeAnythingIsMade(t *testing.T) {
	taken, err := net.Listen("tcp", ":0") //nolint:gosec // as the relay does
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	kept := t.TempDir()
	p := start(t, map[string]string{"PORT": port, "TOKEN_DIR": kept})
	require.Equal(t, 1, <-p.code)
	require.Contains(t, p.stderr.String(), "one-api: cannot listen: listen tcp :"+port)
	require.Contains(t, p.stderr.String(), "PORT or -port chooses another port")
	require.Empty(t, p.stdout.String(), "no token was made, and no database opened")
	for _, directory := range []string{".", kept} {
		files, err := os.ReadDir(directory)
		require.NoError(t, err)
		require.Empty(t, files)
	}
}
