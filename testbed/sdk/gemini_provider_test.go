package sdk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// geminiChannel is a channel to an imitation of Gemini, as a configuration has it.
func geminiChannel(name, url, key string, more string) string {
	return fmt.Sprintf("  - {name: %s, type: gemini, base_url: %q, keys: [%s], models: ['*'], model_mapping: {m: %s}%s}\n", name, url, key, standin.Gemini{}.Model(), more)
}

func relayToGemini(t *testing.T, key string, answers ...standin.Answer) (*harness.Relay, *standin.Server) {
	t.Helper()
	server := &standin.Server{Dialect: standin.Gemini{}, Answers: answers}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	return harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, key, "")), server
}

// TestBothSDKsAreServedByGemini whole and streamed, and what it costs is counted: what came from its cache is part of the prompt, and
// thoughts are beside the answer.
func TestBothSDKsAreServedByGemini(t *testing.T) {
	for _, s := range sdktest.Sdks {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r, server := relayToGemini(t, standin.Key, standin.Answer{Thought: "Hm.", Text: []string{"Good ", "day <&> 世界"}})
			for n, onText := range []func(string){nil, func(string) {}} {
				text, err := s.Ask(sdktest.Question{Relay: r, Text: "Hi!", OnText: onText})
				require.NoError(t, err, server.Refused())
				require.Equal(t, "Good day <&> 世界", text)
				require.Equal(t, []string{"completed", "completed"}[:n+1], r.Outcomes(n+1))
				require.Equal(t, wire.Usage{Uncached: standin.Input - standin.Cached, CacheRead: standin.Cached, Text: standin.Output + standin.GeminiThoughts, Reasoning: standin.GeminiThoughts}, r.Attempt(n).Usage)
			}
			require.Empty(t, server.Refused())
		})
	}
}

// TestAConversationWithToolsGoesOnWithGemini step after step, for clients of each format, which know nothing of signatures: without one
// Gemini would refuse the second step.
func TestAConversationWithToolsGoesOnWithGemini(t *testing.T) {
	calls := standin.Answer{Calls: []standin.Call{{ID: "own-1", Name: "get_weather", Arguments: []string{`{"city":"Oslo"}`}}, {Name: "get_weather", Arguments: []string{`{"city":"Rome"}`}}}}
	for name, step := range map[string]func(t *testing.T, r *harness.Relay, stream bool){"chat": stepsInChat, "messages": stepsInMessages, "responses": stepsInResponses} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streamed %v", name, stream), func(t *testing.T) {
				t.Parallel()
				r, server := relayToGemini(t, standin.Key, calls, calls, standin.Answer{Text: []string{"Mild."}})
				step(t, r, stream)
				require.Empty(t, server.Refused())
				asked := server.Asked()
				require.Len(t, asked, 3)
				require.Equal(t, 2, strings.Count(string(asked[2].Text), standin.GeminiSignature), "each step has its own")
				require.Equal(t, 4, strings.Count(string(asked[2].Text), `"own-1"`), "of two calls and their results")
				require.NotContains(t, string(asked[2].Text), "skip_thought_signature_validator")
			})
		}
	}
}

const weatherSchema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`

// steps has three steps of a conversation; say asks for one, and gives back what goes behind the messages.
func steps(t *testing.T, r *harness.Relay, path, request string, stream bool, first string, goesOn func(answer string) string) {
	t.Helper()
	said := first
	for range 3 {
		body := strings.Replace(request, "$", said, 1)
		if stream {
			body = strings.TrimSuffix(body, "}") + `,"stream":true}`
		}
		status, answer, _ := r.Ask(path, body)
		require.Equal(t, 200, status, answer)
		if strings.Contains(answer, "Mild.") {
			return
		}
		said += goesOn(answer)
	}
	t.Fatal("no end")
}

// dataOf are the objects in the events of a stream; a whole answer is one.
func dataOf(t *testing.T, answer string) (all []map[string]any) {
	t.Helper()
	if strings.HasPrefix(answer, "{") {
		answer = "data: " + strings.ReplaceAll(answer, "\n", "")
	}
	for line := range strings.SplitSeq(answer, "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok && data != "[DONE]" {
			var v map[string]any
			require.NoError(t, json.Unmarshal([]byte(data), &v), data)
			all = append(all, v)
		}
	}
	return all
}

func stepsInChat(t *testing.T, r *harness.Relay, stream bool) {
	request := `{"model":"m","tools":[{"type":"function","function":{"name":"get_weather","parameters":` + weatherSchema + `}}],"messages":[$]}`
	steps(t, r, "/v1/chat/completions", request, stream, `{"role":"user","content":"Oslo and Rome?"}`, func(answer string) string {
		var ids, calls []string
		for _, v := range dataOf(t, answer) {
			for _, choice := range sdktest.JsonObjects(v["choices"]) {
				for _, of := range []string{"message", "delta"} {
					for _, call := range sdktest.JsonObjects(sdktest.JsonObject(choice[of])["tool_calls"]) {
						if id := sdktest.JsonText(call["id"]); id != "" {
							ids = append(ids, id)
						}
					}
				}
			}
		}
		require.Len(t, ids, 2)
		results := ""
		for _, id := range ids {
			calls = append(calls, `{"id":"`+id+`","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"x\"}"}}`)
			results = `,{"role":"tool","tool_call_id":"` + id + `","content":"mild"}` + results // in another order
		}
		return `,{"role":"assistant","content":null,"tool_calls":[` + strings.Join(calls, ",") + `]}` + results
	})
}

func stepsInMessages(t *testing.T, r *harness.Relay, stream bool) {
	request := `{"model":"m","max_tokens":99,"tools":[{"name":"get_weather","input_schema":` + weatherSchema + `}],"messages":[$]}`
	steps(t, r, "/v1/messages", request, stream, `{"role":"user","content":"Oslo and Rome?"}`, func(answer string) string {
		var calls, results []string
		note := func(block map[string]any) {
			if id := sdktest.JsonText(block["id"]); block["type"] == "tool_use" {
				calls = append(calls, `{"type":"tool_use","id":"`+id+`","name":"get_weather","input":{"city":"x"}}`)
				results = append(results, `{"type":"tool_result","tool_use_id":"`+id+`","content":"mild"}`)
			}
		}
		for _, v := range dataOf(t, answer) {
			note(sdktest.JsonObject(v["content_block"]))
			for _, block := range sdktest.JsonObjects(v["content"]) {
				note(block)
			}
		}
		require.Len(t, calls, 2)
		return `,{"role":"assistant","content":[` + strings.Join(calls, ",") + `]},{"role":"user","content":[` + strings.Join(results, ",") + `]}`
	})
}

func stepsInResponses(t *testing.T, r *harness.Relay, stream bool) {
	request := `{"model":"m","store":false,"tools":[{"type":"function","name":"get_weather","parameters":` + weatherSchema + `,"strict":true}],"input":[$]}`
	steps(t, r, "/v1/responses", request, stream, `{"role":"user","content":"Oslo and Rome?"}`, func(answer string) string {
		all := dataOf(t, answer)
		last := all[len(all)-1]
		if inner := sdktest.JsonObject(last["response"]); inner != nil {
			last = inner
		}
		said, results := "", ""
		for _, item := range sdktest.JsonObjects(last["output"]) {
			if item["type"] == "function_call" {
				text, err := json.Marshal(item)
				require.NoError(t, err)
				said += "," + string(text)
				results += `,{"type":"function_call_output","call_id":"` + sdktest.JsonText(item["call_id"]) + `","output":"mild"}`
			}
		}
		require.Equal(t, 2, strings.Count(results, "function_call_output"))
		return said + results
	})
}

// TestAKeyThatGeminiRefusesIsTheChannelsFault although it comes with a 400: the next channel is asked, and the client hears nothing of it.
func TestAKeyThatGeminiRefusesIsTheChannelsFault(t *testing.T) {
	server := &standin.Server{Dialect: standin.Gemini{}, Answers: []standin.Answer{{Text: []string{"fine"}}}}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, "channels:\n"+geminiChannel("bad", u.URL, "AIza-wrong-key", ", priority: 2")+geminiChannel("good", u.URL, standin.Key, ""))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status, answer)
	require.Equal(t, []string{"upstream_status", "completed"}, r.Outcomes(2))
	require.NotEqual(t, "healthy", string(r.Server.Pool().Set().Get("bad").State(time.Now())))

	r = harness.StartRelay(t, "channels:\n"+geminiChannel("bad", u.URL, "AIza-wrong-key", ""))
	status, answer, _ = r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadGateway, status)
	require.Equal(t, "upstream_refused_credentials", harness.ErrorOf(t, answer)["code"])
	require.NotContains(t, answer, "AIza")
}

// TestGeminisWordsForItsLimitsAreReadAndToldOn with the time that it asks for, which stands in the error and in no header.
func TestGeminisWordsForItsLimitsAreReadAndToldOn(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(http.StatusTooManyRequests, `{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[`+
		`{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests","quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},`+
		`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}`))
	r := harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, "AIza-1", ""))
	status, answer, header := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusTooManyRequests, status, answer)
	require.Equal(t, "34", header.Get("Retry-After"))
	require.Contains(t, answer, "exceeded your current quota")
}
