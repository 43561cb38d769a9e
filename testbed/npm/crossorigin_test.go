package npm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// seen is what a page may read of an answer.
type seen struct {
	Status  int
	Headers map[string]string
	Body    string
	Ended   bool
}

// TestAPageInABrowserReadsAnswersErrorsAndEvents from another origin than the relay's: bodies of 404s and 429s, ids, when to come again, what
// remains of limits, and a stream.
func TestAPageInABrowserReadsAnswersErrorsAndEvents(t *testing.T) {
	if os.Getenv("NPM_CLIENTS") == "" {
		t.Skip("set NPM_CLIENTS to a directory for the packages: NPM_CLIENTS=/tmp/npm go -C testbed test ./npm")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt-get install chromium. Left out: a page in a browser")
	}
	installed(t)
	r, models := relayToThree(t)
	node := exec.Command("node", "crossorigin.mjs")
	node.Dir, node.Env = os.Getenv("NPM_CLIENTS"), append(os.Environ(), "RELAY="+r.URL, "KEY="+harness.Key, "MODEL="+models[0], "CHROMIUM="+browser)
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	require.NoError(t, err, stderr.String())
	var page map[string]seen
	require.NoError(t, json.Unmarshal(out, &page), string(out))
	t.Log(string(out))
	for name, want := range map[string]struct {
		status int
		body   string
	}{
		"unknownPath": {http.StatusNotFound, "/v1"}, "unknownModel": {http.StatusNotFound, "model_not_found"}, "limited": {http.StatusTooManyRequests, "rate_limit"},
		"whole": {http.StatusOK, "Good day"}, "models": {http.StatusOK, models[0]}, "events": {http.StatusOK, "Good day <&> 世界"},
	} {
		got := page[name]
		require.Equal(t, want.status, got.Status, name)
		require.Contains(t, got.Body, want.body, name)
		require.Len(t, got.Headers["x-oneapi-request-id"], 32, name)
		require.Equal(t, "of-the-page", got.Headers["x-request-id"], name)
		require.Empty(t, got.Headers["openai-organization"], name)
	}
	require.True(t, page["events"].Ended)
	require.NotEmpty(t, page["limited"].Headers["retry-after"])
	require.Equal(t, "9999", page["whole"].Headers["x-ratelimit-remaining-requests"])
	require.Equal(t, "9999", page["events"].Headers["x-ratelimit-remaining-requests"])
}
