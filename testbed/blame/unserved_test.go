package blame

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAPathThatAnUpstreamLacksIsHeldAgainstNobodyWhoseOthersWork has a server of one's own that knows chat alone. Which endpoint is asked
// is the client's to choose, and must not take the channel from those who use what it has.
func TestAPathThatAnUpstreamLacksIsHeldAgainstNobodyWhoseOthersWork(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"in JSON":    harness.Answers(404, `{"detail":"Not Found"}`),
		"a web page": harness.Answers(404, `<html><h1>404 Not Found</h1></html>`),
		"no POST":    harness.Answers(405, `{"detail":"Method Not Allowed"}`),
	} {
		t.Run(name, func(t *testing.T) {
			var gone bool
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				if gone || !strings.HasSuffix(r.URL.Path, "/chat/completions") {
					answer(w, r)
					return
				}
				harness.Answers(200, harness.WholeAnswer)(w, r)
			})
			r := harness.StartRelay(t, harness.OpenAIChannel("own", u, ""))
			chat := func() int {
				status, _, _ := r.Ask("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
				return status
			}
			require.Equal(t, 200, chat())
			for range 12 {
				status, answer, _ := r.Ask("/v1/embeddings", `{"model":"m","input":"hi"}`)
				require.Equal(t, 404, status, answer)
			}
			_, seen := r.Get("/api/monitor/channels/own")
			require.NotEqual(t, "cooling", seen["state"], seen)
			require.Contains(t, seen["reason"], "/v1/embeddings never has", seen)
			require.Equal(t, 200, chat())
			_, seen = r.Get("/api/monitor/channels/own")
			require.Equal(t, "healthy", seen["state"], "one success clears it")

			gone = true
			for range 12 {
				require.Equal(t, 502, chat())
			}
			_, seen = r.Get("/api/monitor/channels/own")
			require.Equal(t, "cooling", seen["state"], "what has worked and does not any more is the upstream's doing")
			require.Contains(t, seen["reason"], "at this path: is the base_url's path right?", seen)
		})
	}
}
