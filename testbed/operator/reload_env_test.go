package operator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestTheEnvFileIsWatchedToo(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	dir := t.TempDir()
	env := filepath.Join(dir, "relay.env")
	require.NoError(t, os.WriteFile(env, []byte("KEY=sk-of-the-first-file\n"), 0o600))
	yaml := strings.Replace(harness.OpenAIChannel("a", u, ""), "sk-upstream-secret", "'${KEY}'", 1) + "env_file: " + env + "\n"
	r := harness.StartRelay(t, yaml)
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status)
	require.Equal(t, "Bearer sk-of-the-first-file", u.LastHeader().Get("Authorization"))
	require.NoError(t, os.WriteFile(env, []byte("KEY=sk-of-the-other-file\n"), 0o600))
	r.Eventually("a reload", func() bool { return strings.Contains(r.Log.String(), "configuration reloaded") })
	_, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, "Bearer sk-of-the-other-file", u.LastHeader().Get("Authorization"))
}
