package sdk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// signedOnly is an imitation of Anthropic that takes back no thought but its own, as Anthropic does and those who only imitate it do.
func signedOnly(signature string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := readAll(r)
		for _, part := range strings.Split(body, `"type":"thinking"`)[1:] {
			if !strings.Contains(part, `"signature":"`+signature+`"`) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid ` + "`signature` in `thinking` block" + `"}}`))
				return
			}
		}
		next(w, r)
	}
}

func readAll(r *http.Request) string {
	text := new(strings.Builder)
	body := make([]byte, 4<<10)
	for {
		n, err := r.Body.Read(body)
		text.Write(body[:n])
		if err != nil {
			break
		}
	}
	r.Body = http.NoBody
	r.Body = reader{strings.NewReader(text.String())}
	return text.String()
}

type reader struct{ *strings.Reader }

func (reader) Close() error { return nil }

// TestAConversationThatMovesBetweenProvidersLosesWhatOnlyItsMakerReads and nothing else: from Anthropic to Bedrock, back, and to those
// who imitate Anthropic. It is said in the header, in the log and in a counter, and the next turn goes to the new one with his own.
func TestAConversationThatMovesBetweenProvidersLosesWhatOnlyItsMakerReads(t *testing.T) {
	thinks := standin.Answer{Thought: "Hm.", Text: []string{"fine"}}
	calls := standin.Answer{Thought: "Hm.", Calls: []standin.Call{{ID: "toolu_1", Name: "get_weather", Arguments: []string{`{"city":"Oslo"}`}}}}
	bedrock := func(t *testing.T, answers ...standin.Answer) (string, func() []standin.Asked) {
		server := &standin.Bedrock{Answers: answers}
		u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
		return bedrockChannel("$", u.URL, bedrockKey, standin.BedrockClaude, ", priority: #"), server.Asked
	}
	anthropic := func(t *testing.T, answers ...standin.Answer) (string, func() []standin.Asked) {
		server := &standin.Server{Dialect: standin.Anthropic{}, Answers: answers}
		u := harness.StartUpstream(t, signedOnly(standin.AnthropicSignature, server.ServeHTTP), func(u *harness.Upstream) { u.Start() })
		return fmt.Sprintf("  - {name: $, type: anthropic, base_url: %q, keys: [%s], models: ['*'], model_mapping: {m: %s}, priority: #}\n", u.URL, standin.Key,
			standin.Anthropic{}.Model()), server.Asked
	}
	for name, tc := range map[string]struct {
		first, second func(*testing.T, ...standin.Answer) (string, func() []standin.Asked)
	}{
		"Anthropic to Bedrock": {anthropic, bedrock}, "Bedrock to Anthropic": {bedrock, anthropic},
	} {
		for _, answer := range []standin.Answer{thinks, calls} {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, with %d calls, streamed %v", name, len(answer.Calls), stream), func(t *testing.T) {
					t.Parallel()
					first, _ := tc.first(t, answer)
					second, asked := tc.second(t, standin.Answer{Thought: "Again.", Text: []string{"moved"}})
					set := func(channel, name, priority string) string {
						return strings.NewReplacer("$", name, "#", priority).Replace(channel)
					}
					r := harness.StartRelay(t, "channels:\n"+set(first, "one", "2")+set(second, "two", "1"))
					said := `{"role":"user","content":"Hi!"}`
					request := func() string {
						return `{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},"tools":[{"name":"get_weather","input_schema":` + weatherSchema + `}],"messages":[` + said + `]}`
					}
					status, got, header := r.Ask("/v1/messages", request())
					require.Equal(t, http.StatusOK, status, got)
					require.Empty(t, header.Get("X-Oneapi-Dropped"))
					var message map[string]any
					require.NoError(t, json.Unmarshal([]byte(got), &message))
					content, err := json.Marshal(message["content"])
					require.NoError(t, err)
					said += `,{"role":"assistant","content":` + string(content) + `},{"role":"user","content":"And now?"}`
					if len(answer.Calls) > 0 {
						said = strings.Replace(said, `"And now?"`, `[{"type":"tool_result","tool_use_id":"toolu_1","content":"mild"}]`, 1)
					}
					r.Server.Pool().Set().Get("one").SetDisabled(true)
					body := request()
					if stream {
						body = strings.TrimSuffix(body, "}") + `,"stream":true}`
					}
					status, got, header = r.Ask("/v1/messages", body)
					require.Equal(t, http.StatusOK, status, got)
					require.Contains(t, got, "moved")
					require.Equal(t, "reasoning", header.Get("X-Oneapi-Dropped"))
					require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2), "one more request of the same attempt")
					require.Contains(t, r.Log.String(), "sent without the reasoning of its earlier turns")
					last := asked()[len(asked())-1]
					for _, m := range sdktest.JsonObjects(last.Body["messages"]) {
						for _, block := range sdktest.JsonObjects(m["content"]) {
							require.NotEqual(t, "thinking", block["type"])
						}
					}
					thinking := sdktest.JsonObject(last.Body["thinking"])["type"]
					require.Equal(t, map[bool]string{true: "disabled", false: "enabled"}[len(answer.Calls) > 0], thinking)
				})
			}
		}
	}
}

// TestARefusalThatOnlyQuotesASignatureIsTheClients where nothing is signed: it is not sent once more.
func TestARefusalThatOnlyQuotesASignatureIsTheClients(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(http.StatusBadRequest, `{"type":"error","error":{"type":"invalid_request_error","message":"the signature of my letter"}}`))
	r := harness.StartRelay(t, "channels:\n  - {name: a, type: anthropic, base_url: '"+u.URL+"', keys: [sk-ant-1], models: ['*']}\n")
	status, _, header := r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"the signature of my letter"}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Empty(t, header.Get("X-Oneapi-Dropped"))
	require.Equal(t, []string{"upstream_status"}, r.Outcomes(1))
	require.EqualValues(t, 1, u.Requests.Load())
}

// TestEncryptedReasoningOfAnotherAccountIsLeftOut of a native call of the Responses API.
func TestEncryptedReasoningOfAnotherAccountIsLeftOut(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(readAll(r), "encrypted_content") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":{"message":"The encrypted content gAAA... could not be verified.","type":"invalid_request_error","param":null,"code":"invalid_encrypted_content"}}`))
			return
		}
		_, _ = w.Write([]byte(`{"id":"resp_1","object":"response","status":"completed","model":"m","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"fine","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`))
	})
	r := harness.StartRelay(t, "channels:\n  - {name: a, type: openai, api: responses, base_url: '"+u.URL+"', keys: [k], models: ['*']}\n")
	status, answer, header := r.Ask("/v1/responses", `{"model":"m","store":false,"input":[{"role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"},`+
		`{"type":"message","role":"assistant","id":"msg_0","content":[{"type":"output_text","text":"b"}]},{"role":"user","content":"c"}]}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Contains(t, answer, "fine")
	require.Equal(t, "reasoning", header.Get("X-Oneapi-Dropped"))
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
}

// TestBedrocksOtherAddressesAreChannelsOfOtherTypes as docs/providers.md has them: what is sent is what those take, and nothing is signed.
func TestBedrocksOtherAddressesAreChannelsOfOtherTypes(t *testing.T) {
	for name, tc := range map[string]struct{ channel, path, asks, header, value string }{
		"Messages": {"type: anthropic, base_url: '%s/anthropic'", "/v1/messages", "/anthropic/v1/messages", "X-Api-Key", standin.BedrockAPIKey},
		"chat":     {"type: openai, base_url: '%s/openai/v1'", "/v1/chat/completions", "/openai/v1/chat/completions", "Authorization", "Bearer " + standin.BedrockAPIKey},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan *http.Request, 1)
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				asked <- r
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(map[string]string{
					"Messages": standin.Anthropic{}.Whole(standin.Answer{Text: []string{"fine"}}), "chat": standin.OpenAI{}.Whole(standin.Answer{Text: []string{"fine"}}),
				}[name]))
			})
			r := harness.StartRelay(t, "channels:\n  - {name: mantle, "+fmt.Sprintf(tc.channel, u.URL)+", keys: ['"+standin.BedrockAPIKey+"'], models: ['*']}\n")
			status, answer, _ := r.Ask(tc.path, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi!"}]}`)
			require.Equal(t, http.StatusOK, status, answer)
			q := <-asked
			require.Equal(t, tc.asks, q.URL.Path)
			require.Equal(t, tc.value, q.Header.Get(tc.header))
			require.Empty(t, q.Header.Get("X-Amz-Date"))
		})
	}
}
