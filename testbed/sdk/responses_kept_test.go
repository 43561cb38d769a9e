package sdk

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// keeping is a provider that keeps its answers. It says who was asked for what.
type keeping struct {
	*harness.Upstream
	mu    sync.Mutex
	asked []string
}

func newKeeping(t *testing.T, id string) *keeping {
	t.Helper()
	k := &keeping{}
	k.Upstream = harness.StartUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		k.asked = append(k.asked, strings.TrimSuffix(r.Method+" "+r.URL.RequestURI(), "?"))
		k.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodDelete:
			_, _ = fmt.Fprintf(w, `{"id":%q,"object":"response.deleted","deleted":true}`, id)
		case strings.HasSuffix(r.URL.Path, "/input_items"):
			_, _ = io.WriteString(w, `{"object":"list","data":[],"has_more":false}`)
		case strings.HasSuffix(r.URL.Path, "/input_tokens"):
			_, _ = io.WriteString(w, `{"object":"response.input_tokens","input_tokens":11}`)
		case strings.HasSuffix(r.URL.Path, "/compact"):
			_, _ = io.WriteString(w, `{"id":"resp_c","object":"response.compaction","output":[{"type":"compaction","encrypted_content":"E"}],"usage":{"input_tokens":9,"output_tokens":3}}`)
		default:
			_, _ = fmt.Fprintf(w, `{"id":%q,"object":"response","status":"completed","model":"m","error":null,"output":[{"type":"message","id":"msg_of_%s","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"input_tokens":5,"output_tokens":2}}`, id, id)
		}
	}, func(u *harness.Upstream) { u.Start() })
	return k
}

func (k *keeping) last() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.asked) == 0 {
		return ""
	}
	return k.asked[len(k.asked)-1]
}

// as asks with another key, and with any method.
func as(r *harness.Relay, t *testing.T, key, method, path, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, r.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	return response.StatusCode, harness.ReadAll(t, response)
}

const (
	annsKey, bobsKey, rootsKey = "sk-ann-0123456789abcdef", "sk-bob-0123456789abcdef", "sk-root-0123456789abcdef"
	threeTokens                = "tokens:\n  - {name: ann, key: " + annsKey + "}\n  - {name: bob, key: " + bobsKey + "}\n  - {name: root, key: " + rootsKey + ", foreign_ids: true}\n"
)

// TestWhatAProviderKeepsIsServedToWhoMadeItByTheChannelThatHasIt has two channels, either of which might be asked.
func TestWhatAProviderKeepsIsServedToWhoMadeItByTheChannelThatHasIt(t *testing.T) {
	t.Parallel()
	has, other := newKeeping(t, "resp_1"), newKeeping(t, "resp_2")
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, api: responses, base_url: %q, models: [m], priority: 1}\n  - {name: b, type: openai, api: responses, base_url: %q, models: [m]}\n%s", has.URL, other.URL, threeTokens))
	status, _ := as(r, t, annsKey, http.MethodPost, "/v1/responses", `{"model":"m","input":"Hi!"}`)
	require.Equal(t, http.StatusOK, status)

	for _, tc := range []struct{ method, path, body, asked string }{
		{http.MethodGet, "/v1/responses/resp_1?include[]=reasoning.encrypted_content&key=no", "", "GET /v1/responses/resp_1?include%5B%5D=reasoning.encrypted_content"},
		{http.MethodGet, "/v1/responses/resp_1/input_items?limit=5", "", "GET /v1/responses/resp_1/input_items?limit=5"},
		{http.MethodPost, "/v1/responses/resp_1/cancel", "", "POST /v1/responses/resp_1/cancel"},
		{http.MethodPost, "/v1/responses", `{"model":"m","input":"And?","previous_response_id":"resp_1"}`, "POST /v1/responses"},
		{http.MethodPost, "/v1/responses", `{"model":"m","input":[{"type":"item_reference","id":"msg_of_resp_1"}]}`, "POST /v1/responses"},
		{http.MethodPost, "/v1/responses/compact", `{"model":"m","previous_response_id":"resp_1"}`, "POST /v1/responses/compact"},
	} {
		status, answer := as(r, t, bobsKey, tc.method, tc.path, tc.body)
		require.Equal(t, http.StatusNotFound, status, "%s %s is another's: %s", tc.method, tc.path, answer)
		status, answer = as(r, t, annsKey, tc.method, tc.path, tc.body)
		require.Equal(t, http.StatusOK, status, "%s %s: %s", tc.method, tc.path, answer)
		require.Equal(t, tc.asked, has.last())
	}
	require.Empty(t, other.last())

	status, _ = as(r, t, annsKey, http.MethodDelete, "/v1/responses/resp_1", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "DELETE /v1/responses/resp_1", has.last())
	status, _ = as(r, t, annsKey, http.MethodGet, "/v1/responses/resp_1", "")
	require.Equal(t, http.StatusNotFound, status, "it has been deleted")
}

func TestWhatIsLookedAtAgainCostsNothing(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, "resp_1")
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, api: responses, base_url: %q, models: [m]}\n%s", k.URL, threeTokens))
	for _, tc := range []struct{ method, path, body string }{
		{http.MethodPost, "/v1/responses", `{"model":"m","input":"Hi!"}`}, {http.MethodGet, "/v1/responses/resp_1", ""},
		{http.MethodPost, "/v1/responses/input_tokens", `{"model":"m","input":"Hi!"}`}, {http.MethodPost, "/v1/responses/compact", `{"model":"m","input":"Hi!"}`},
	} {
		status, answer := as(r, t, annsKey, tc.method, tc.path, tc.body)
		require.Equal(t, http.StatusOK, status, answer)
	}
	require.Equal(t, []string{"completed", "completed", "completed", "completed"}, r.Outcomes(4))
	var costs []int64
	for _, a := range r.Recorded() {
		costs = append(costs, a.Usage.Input())
	}
	require.Equal(t, []int64{5, 0, 0, 9}, costs)
}

func TestAnIDThatNobodyIsKnownToHaveMadeIsSaidNotToExist(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, "resp_1")
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, api: responses, base_url: %q, models: [m]}\n%s", k.URL, threeTokens))
	for _, body := range []string{
		`{"model":"m","input":"Hi!","previous_response_id":"resp_of_before"}`, `{"model":"m","input":"Hi!","conversation":"conv_1"}`, `{"model":"m","input":"Hi!","conversation":{"id":"conv_1"}}`,
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"file_1"}]}]}`, `{"model":"m","input":"Hi!","previous\u005fresponse_id":"resp_of_before"}`,
	} {
		status, answer := as(r, t, annsKey, http.MethodPost, "/v1/responses", body)
		require.Equal(t, http.StatusNotFound, status, body)
		require.Contains(t, answer, "not found")
		status, answer = as(r, t, rootsKey, http.MethodPost, "/v1/responses", body)
		require.Equal(t, http.StatusOK, status, answer)
	}
	status, _ := as(r, t, annsKey, http.MethodPost, "/v1/responses", `{"model":"m","input":"Hi!","store":false}`)
	require.Equal(t, http.StatusOK, status)
	status, _ = as(r, t, annsKey, http.MethodGet, "/v1/responses/resp_1", "")
	require.Equal(t, http.StatusNotFound, status, "it was not to be kept")
}
