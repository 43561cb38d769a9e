package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheEnvFileIsWatchedToo(t *testing.T) {
	u := newUpstream(t, false, answers(200, wholeAnswer))
	dir := t.TempDir()
	env := filepath.Join(dir, "relay.env")
	require.NoError(t, os.WriteFile(env, []byte("KEY=sk-of-the-first-file\n"), 0o600))
	yaml := strings.Replace(openAIChannel("a", u, ""), "sk-upstream-secret", "'${KEY}'", 1) + "env_file: " + env + "\n"
	r := startRelay(t, yaml)
	status, _, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 200, status)
	require.Equal(t, "Bearer sk-of-the-first-file", u.lastHeader().Get("Authorization"))
	require.NoError(t, os.WriteFile(env, []byte("KEY=sk-of-the-other-file\n"), 0o600))
	r.eventually("a reload", func() bool { return strings.Contains(r.log.String(), "configuration reloaded") })
	_, _, _ = r.ask("/v1/chat/completions", chat)
	require.Equal(t, "Bearer sk-of-the-other-file", u.lastHeader().Get("Authorization"))
}
