package sdk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// TestWhatVendorsWereSeenToSayIsUnderstood has answers in the shapes in which vendors' users have recorded them, whole and streamed, for clients
// of chat completions and of messages: what is said is told, what it costs is counted, and an error is one.
func TestWhatVendorsWereSeenToSayIsUnderstood(t *testing.T) {
	understood(t, map[string]shape{
		"SGLang refuses what is too long": {
			kind: "openai", status: 400, whole: `{"object":"error","message":"The input (40000 tokens) is longer than the model's context length (32768 tokens).","type":"BadRequestError","param":null,"code":400}`,
			outcome: "upstream_status", gets: 400, says: "longer than the model's context length",
		},
		"SGLang fails in its stream": {
			kind: "openai", stream: fmt.Sprintf(chunk, `{"role":"assistant","content":"one "}`, "null") + `data: {"error":{"object":"error","message":"CUDA out of memory","type":"InternalServerError","param":null,"code":500}}` + "\n\n" + done,
			outcome: "upstream_error_event", gets: 200, says: "one ",
		},
		"vLLM refuses what is too long": {
			kind: "vllm", status: 400, whole: `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens.","type":"BadRequestError","param":null,"code":400}}`,
			outcome: "upstream_status", gets: 400, says: "maximum context length",
		},
		"vLLM thinks in reasoning": {
			kind: "vllm", whole: `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","reasoning":"Hm.","content":"fine","refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[],"reasoning_content":"Hm."},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"service_tier":null,"system_fingerprint":null,"usage":{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7,"prompt_tokens_details":null},"prompt_logprobs":null,"kv_transfer_params":null}`,
			stream:  fmt.Sprintf(chunk, `{"role":"assistant","content":""}`, "null") + fmt.Sprintf(chunk, `{"reasoning":"Hm.","reasoning_content":"Hm."}`, "null") + fmt.Sprintf(chunk, `{"content":"fine"}`, `"stop"`) + `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7}}` + "\n\n" + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 25, Text: 7},
		},
		"xAI counts reasoning beside the completion": {
			kind: "xai", whole: `{"id":"c1","object":"chat.completion","created":1,"model":"grok-4","choices":[{"index":0,"message":{"role":"assistant","content":"fine","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":132,"prompt_tokens_details":{"text_tokens":25,"audio_tokens":0,"image_tokens":0,"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":100,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":0},"system_fingerprint":"fp"}`,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 107, Reasoning: 100},
		},
		"OpenRouter loses its provider in the midst": {
			kind: "openrouter", stream: ": OPENROUTER PROCESSING\n\n" + fmt.Sprintf(chunk, `{"role":"assistant","content":"one "}`, "null") +
				`data: {"id":"gen-1","object":"chat.completion.chunk","created":1,"model":"m","provider":"Some","error":{"code":502,"message":"Provider disconnected unexpectedly"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}` + "\n\n" + done,
			outcome: "upstream_error_event", gets: 200, says: "one ",
		},
		"OpenRouter has an error inside a 200": {
			kind: "openrouter", whole: "\n         \n" + `{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"upstream error","provider_name":"Some"}},"user_id":"user_1"}`,
			outcome: "upstream_error_event", gets: 502, says: "Provider returned error",
		},
		"Mistral thinks in a list": {
			kind: "mistral", whole: `{"id":"c1","object":"chat.completion","created":1,"model":"magistral-medium-latest","choices":[{"index":0,"message":{"role":"assistant","tool_calls":null,"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}],"closed":true},{"type":"text","text":"fine"}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7}}`,
			stream: fmt.Sprintf(chunk, `{"role":"assistant","content":""}`, "null") + fmt.Sprintf(chunk, `{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]}]}`, "null") +
				`data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7}}` + "\n\n" + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 25, Text: 7},
		},
		"Groq tells its usage in x_groq": {
			kind: "groq", stream: `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"x_groq":{"id":"req_1"}}` + "\n\n" +
				fmt.Sprintf(chunk, `{"content":"fine"}`, "null") + `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"x_groq":{"id":"req_1","usage":{"queue_time":0.03,"prompt_tokens":25,"prompt_time":0.001,"completion_tokens":7,"completion_time":0.01,"total_tokens":32,"total_time":0.02}}}` + "\n\n" + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 25, Text: 7},
		},
		"Groq's model made no call of a tool": {
			kind: "groq", status: 400, whole: `{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<function=x>"}}`,
			outcome: "upstream_status", gets: 400, says: "Failed to call a function",
		},
		"DeepSeek tells hits and misses": {
			kind: "deepseek", whole: `{"id":"c1","object":"chat.completion","created":1,"model":"deepseek-chat","choices":[{"index":0,"message":{"role":"assistant","content":"fine","reasoning_content":"Hm."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"prompt_cache_hit_tokens":10,"prompt_cache_miss_tokens":15},"system_fingerprint":"fp"}`,
			stream:  ": keep-alive\n\n" + fmt.Sprintf(chunk, `{"role":"assistant","content":null,"reasoning_content":"Hm."}`, "null") + fmt.Sprintf(chunk, `{"content":"fine","reasoning_content":null}`, "null") + `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"prompt_cache_hit_tokens":10,"prompt_cache_miss_tokens":15}}` + "\n\n" + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 7},
		},
		"Kimi tells its cache at the top": {
			kind: "moonshot", whole: `{"id":"c1","object":"chat.completion","created":1,"model":"kimi-k2.6","choices":[{"index":0,"message":{"role":"assistant","content":"fine","reasoning_content":"Hm."},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"cached_tokens":10}}`,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 7},
		},
		"Zhipu has no credit left": {
			kind: "zhipu", status: 429, whole: `{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}`, outcome: "upstream_status", gets: 502, says: "error",
		},
		"Ollama says a whole call at once": {
			kind: "ollama", whole: `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"qwen3","system_fingerprint":"fp_ollama","choices":[{"index":0,"message":{"role":"assistant","content":"fine","reasoning":"Hm."},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32}}`,
			stream:  fmt.Sprintf(chunk, `{"role":"assistant","content":"","reasoning":"Hm."}`, "null") + fmt.Sprintf(chunk, `{"role":"assistant","content":"fine"}`, "null") + fmt.Sprintf(chunk, `{"role":"assistant","content":""}`, `"stop"`) + `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"qwen3","system_fingerprint":"fp_ollama","choices":[],"usage":{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32}}` + "\n\n" + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 25, Text: 7},
		},
		"Ollama lacks the model": {
			kind: "ollama", status: 404, whole: `{"error":{"message":"model 'm' not found","type":"not_found_error","param":null,"code":null}}`, outcome: "upstream_status", gets: 404, says: "not found",
		},
		"Qwen thinks in streams only": {
			kind: "dashscope", status: 400, whole: `{"error":{"code":"invalid_parameter_error","param":null,"message":"<400> InternalError.Algo.InvalidParameter: parameter.enable_thinking must be set to false for non-streaming calls","type":"invalid_request_error"},"id":"chatcmpl-1","request_id":"r1"}`,
			outcome: "upstream_status", gets: 400, says: "enable_thinking must be set to false",
		},
		"MiniMax has no credit left": {
			kind: "minimax", whole: `{"id":"x","choices":null,"created":1,"model":"MiniMax-M2","object":"","usage":{"total_tokens":0},"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`,
			outcome: "upstream_error_event", gets: 502, says: "error",
		},
	})
}

// chunk is a piece of a stream with a delta and an end reason, and done what ends it.
const (
	chunk = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}` + "\n\n"
	done  = "data: [DONE]\n\n"
)

// shape is what a vendor of a type says, and what is to be made of it.
type shape struct {
	kind    string
	status  int // 0: 200
	whole   string
	stream  string
	outcome string
	gets    int
	says    string // in either client's answer
	usage   wire.Usage
}

func understood(t *testing.T, shapes map[string]shape) {
	for name, c := range shapes {
		for _, stream := range []bool{false, true} {
			said := c.whole
			if stream && c.status == 0 {
				said = c.stream
			}
			if said == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s, streamed %v", name, stream), func(t *testing.T) {
				t.Parallel()
				u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
					kind := "application/json"
					if stream && c.status == 0 {
						kind = "text/event-stream"
					}
					w.Header().Set("Content-Type", kind)
					if c.status != 0 {
						w.WriteHeader(c.status)
					}
					_, _ = w.Write([]byte(said))
				})
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [k-0123456789], models: [m], resume: false}\n", c.kind, u.URL), harness.WithEnv("RETRY_TIMES", "0"))
				for n, path := range []string{"/v1/chat/completions", "/v1/messages"} {
					r.Server.Pool().Set().Get("a").SetDisabled(false)
					status, answer, _ := r.Ask(path, fmt.Sprintf(`{"model":"m","max_tokens":99,"stream":%t,"messages":[{"role":"user","content":"hi"}]}`, stream))
					require.Equal(t, c.gets, status, answer)
					require.Contains(t, strings.ReplaceAll(answer, `\u0027`, "'"), c.says)
					require.Equal(t, c.outcome, r.Outcomes(n + 1)[n])
					usage := r.Attempt(n).Usage
					usage.Said, usage.SaysCost = 0, false
					switch {
					case c.outcome == "completed":
						require.Equal(t, c.usage, usage)
						require.NotContains(t, answer, `"error":`)
					case stream && c.status == 0:
						require.Contains(t, answer, `"error":`)
						require.NotContains(t, answer, "[DONE]")
						require.NotContains(t, answer, "message_stop")
					default:
						require.True(t, json.Valid([]byte(answer)))
						require.NotEmpty(t, sdktest.JsonObject(sdktest.JsonObject(decoded(answer))["error"])["message"])
					}
					if strings.Contains(said, "Hm.") && n == 1 {
						require.Contains(t, answer, "Hm.", "a Messages client is told what was thought")
						require.Equal(t, 1, strings.Count(answer, "Hm."), "once")
					}
				}
			})
		}
	}
}

func decoded(text string) (v any) {
	_ = json.Unmarshal([]byte(text), &v) // what is no JSON is nothing
	return v
}
