package telemetry

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"one-api/testbed/harness"
)

// TestCallsByTheIDOfAResponseAreTracedUnderTheirOwnNames: what is asked again is a call like others, and costs nothing. No id is in a name
// or an attribute: there are as many of them as answers.
func TestCallsByTheIDOfAResponseAreTracedUnderTheirOwnNames(t *testing.T) {
	const id = "resp_0123456789"
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodDelete:
			harness.Say(w, `{"id":"`+id+`","object":"response.deleted","deleted":true}`)
		case strings.HasSuffix(r.URL.Path, "/input_items"):
			harness.Say(w, `{"object":"list","data":[],"has_more":false}`)
		default:
			harness.Say(w, `{"id":"`+id+`","object":"response","status":"completed","model":"m-1","error":null,"output":[{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"input_tokens":5,"output_tokens":2}}`)
		}
	})
	r := startTraced(t, sdktrace.AlwaysSample(), fmt.Sprintf("channels:\n  - {name: a, type: openai, api: responses, base_url: %q, keys: [sk-up], models: [m]}\n", u.URL))
	for n, c := range []struct{ method, path, body, operation, route string }{
		{http.MethodPost, "/v1/responses", `{"model":"m","input":"hi"}`, "chat", "/v1/responses"},
		{http.MethodGet, "/v1/responses/" + id, "", "retrieve", "/v1/responses/:id"},
		{http.MethodGet, "/v1/responses/" + id + "/input_items", "", "list_items", "/v1/responses/:id/input_items"},
		{http.MethodPost, "/v1/responses/" + id + "/cancel", "", "cancel", "/v1/responses/:id/cancel"},
		{http.MethodDelete, "/v1/responses/" + id, "", "delete", "/v1/responses/:id"},
	} {
		request, err := http.NewRequest(c.method, r.URL+c.path, strings.NewReader(c.body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+harness.Key)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		answer, _ := io.ReadAll(response.Body)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, "%s %s: %s", c.method, c.path, answer)
		server, clients := r.ended(n + 1)
		require.Equal(t, c.method+" "+c.route, server.Name)
		require.Equal(t, c.operation, said(server)["gen_ai.operation.name"])
		require.Len(t, clients, 1, c.operation)
		require.Equal(t, c.operation, said(clients[0])["gen_ai.operation.name"])
		require.True(t, strings.HasPrefix(clients[0].Name, c.operation), clients[0].Name)
		if n > 0 {
			require.NotContains(t, fmt.Sprint(server.Name, clients[0].Name, said(server)), id)
			require.Zero(t, r.Attempt(n).Usage.Input(), "it has been paid for")
		}
		require.Equal(t, "completed", r.Attempt(n).Outcome.String())
	}
}
