package clouds

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

const (
	annsKey, rootsKey = "sk-ann-0123456789abcdef", "sk-root-0123456789abcdef"
	filesTokens       = "tokens:\n  - {name: ann, key: " + annsKey + "}\n  - {name: root, key: " + rootsKey + ", foreign_ids: true}\n"
	uploaded          = "file_of_the_accounts"
)

// filing is a provider that keeps files for its accounts, each under the key that the account shows, and what it says of those that it has not.
type filing struct {
	kind, path, answer string
	missing            int
	missed             string
	names              []string // bodies that name the file, as $
	passes             []string // bodies that name none
}

var filings = map[string]filing{
	"OpenAI": {
		kind: "openai, api: chat", path: "/v1/chat/completions",
		answer:  `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Read."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`,
		missing: 404, missed: `{"error":{"message":"No such File object: $","type":"invalid_request_error","param":"id","code":null}}`,
		names: []string{
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"?"},{"type":"file","file":{"file_id":"$"}}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file\u005fid":"$"}}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"file","file_id":"$"}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"","file_id":"$"}}]}]}`,
		},
		passes: []string{
			`{"model":"m","messages":[{"role":"user","content":"What is a \"file_id\"?"}]}`, `{"model":"m","metadata":{"file_id":"x"},"messages":[{"role":"user","content":"é"}]}`,
			`{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"file_id\":\"x\"}"}}]},{"role":"tool","tool_call_id":"c","content":"b"}]}`,
		},
	},
	"Anthropic": {
		kind: "anthropic", path: "/v1/messages",
		answer:  `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Read."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`,
		missing: 404, missed: `{"type":"error","error":{"type":"not_found_error","message":"File not found: $"}}`,
		names: []string{
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"$"}}]}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"container_upload","file_id":"$"}]}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"file","file_id":"$"}}]}]}]}`,
		},
		passes: []string{ // what its tools have left behind
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"code_execution_tool_result","tool_use_id":"s","content":{"type":"code_execution_result","content":[{"type":"code_execution_output","file_id":"file_1"}]}}]},{"role":"user","content":"b"}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"source":{"file_id":"x"}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"b"}]}]}`,
		},
	},
	"Gemini": {
		kind: "gemini", path: "/v1beta/models/m:generateContent",
		answer:  `{"candidates":[{"content":{"role":"model","parts":[{"text":"Read."}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}`,
		missing: 403, missed: `{"error":{"code":403,"message":"You do not have permission to access the File $ or it may not exist.","status":"PERMISSION_DENIED"}}`,
		names: []string{
			`{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/$"}}]}]}`,
			`{"contents":[{"role":"user","parts":[{"file_data":{"mime_type":"application/pdf","file_uri":"files\/$"}}]}]}`,
			`{"contents":[{"role":"user","parts":[{"functionResponse":{"name":"f","response":{},"parts":[{"fileData":{"fileUri":"https:\/\/generativelanguage.googleapis.com\/v1beta\/files\/$"}}]}}]}]}`,
			`{"contents":[{"role":"user","parts":[{"text":"?"}]}],"cachedContent":"cachedContents/$"}`,
		},
		passes: []string{
			`{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"https://example.com/files/a.pdf"}},{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}}]}]}`,
			`{"contents":[{"role":"user","parts":[{"functionCall":{"name":"f","args":{"fileUri":"files/x"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"cachedContent":"x"}}}]}]}`,
		},
	},
}

// opened is an account, and whether it has the file.
func (f *filing) opened(t *testing.T, has bool) *harness.Upstream {
	return harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if bytes.Contains(body, []byte(uploaded)) && !has {
			w.WriteHeader(f.missing)
			_, _ = io.WriteString(w, strings.ReplaceAll(f.missed, "$", uploaded))
			return
		}
		_, _ = io.WriteString(w, f.answer)
	})
}

func askAs(t *testing.T, r *harness.Relay, key, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, harness.ReadAll(t, response)
}

// TestAFileOfTheAccountsIsServedToNobodyWhoIsNotKnownToHaveMadeIt in the formats whose requests can name one: all tokens share the account.
// A token that may name what is not its own has the provider's word, which is no word on the channel.
func TestAFileOfTheAccountsIsServedToNobodyWhoIsNotKnownToHaveMadeIt(t *testing.T) {
	for name, f := range filings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			has, lacks := f.opened(t, true), f.opened(t, false)
			to := func(name, url string, priority int) string {
				return fmt.Sprintf("  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [m], priority: %d}\n", name, f.kind, url, standin.Key, priority)
			}
			r := harness.StartRelay(t, "channels:\n"+to("has", has.URL, 2)+to("lacks", lacks.URL, 1)+filesTokens)
			for _, body := range f.names {
				body = strings.ReplaceAll(body, "$", uploaded)
				status, answer := askAs(t, r, annsKey, f.path, body)
				require.Equal(t, http.StatusNotFound, status, "%s\n%s", body, answer)
				require.Contains(t, answer, uploaded)
				require.Contains(t, answer, "foreign_ids")
				require.Zero(t, has.Requests.Load()+lacks.Requests.Load(), "nobody is asked")
				status, answer = askAs(t, r, rootsKey, f.path, body)
				require.Equal(t, http.StatusOK, status, "%s\n%s", body, answer)
				has.Requests.Store(0)
			}
			for _, body := range f.passes {
				status, answer := askAs(t, r, annsKey, f.path, body)
				require.Equal(t, http.StatusOK, status, "%s\n%s", body, answer)
			}
			for _, c := range r.Server.Pool().Set().All() {
				r.Eventually("a healthy channel", func() bool { return c.State(time.Now()) == channel.Healthy })
			}
		})
	}
}

// TestAFileThatTheAccountDoesNotHaveIsSaidSo and neither the channel nor its key is to blame, however often it is asked for.
func TestAFileThatTheAccountDoesNotHaveIsSaidSo(t *testing.T) {
	for name, f := range filings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacks := f.opened(t, false)
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: lacks, type: %s, base_url: %q, keys: [%s], models: [m]}\n", f.kind, lacks.URL, standin.Key)+filesTokens)
			for range 12 {
				status, answer := askAs(t, r, rootsKey, f.path, strings.ReplaceAll(f.names[0], "$", uploaded))
				require.Equal(t, http.StatusNotFound, status, answer)
				require.Contains(t, answer, uploaded)
			}
			status, answer := askAs(t, r, annsKey, f.path, f.passes[0])
			require.Equal(t, http.StatusOK, status, answer)
			r.Eventually("a healthy channel", func() bool { return r.Server.Pool().Set().Get("lacks").State(time.Now()) == channel.Healthy })
		})
	}
}

// TestALinkIsNoWayToAFileOfTheAccounts for clients of other formats, whose links Google is told to fetch.
func TestALinkIsNoWayToAFileOfTheAccounts(t *testing.T) {
	f := filings["Gemini"]
	u := f.opened(t, true)
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: gemini, base_url: %q, keys: [%s], models: [m]}\n", u.URL, standin.Key)+filesTokens)
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://$"}}]}]}`,
		"/v1/messages":         `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://$"}}]}]}`,
	} {
		file := strings.ReplaceAll(body, "$", "generativelanguage.googleapis.com/v1beta/files/"+uploaded)
		status, answer := askAs(t, r, annsKey, path, file)
		require.Equal(t, http.StatusNotFound, status, answer)
		require.Contains(t, answer, uploaded)
		status, answer = askAs(t, r, rootsKey, path, file)
		require.Equal(t, http.StatusOK, status, answer)
		status, answer = askAs(t, r, annsKey, path, strings.ReplaceAll(body, "$", "example.com/a.png"))
		require.Equal(t, http.StatusOK, status, answer)
	}
}
