package sdk

import (
	"fmt"
	"testing"

	"one-api/relay/wire"
)

// TestWhatMoreVendorsWereSeenToSayIsUnderstood is of those, and of the moods of those, that the other has not.
func TestWhatMoreVendorsWereSeenToSayIsUnderstood(t *testing.T) {
	const whole = `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":%s,"finish_reason":"stop"}]%s}`
	const told = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s],"usage":%s}` + "\n\n"
	const counts = `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32%s}`
	plain := wire.Usage{Uncached: 25, Text: 7}
	understood(t, map[string]shape{
		"xAI refuses a key in a text": {
			kind: "xai", status: 400, whole: `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***34. You can obtain an API key from https://console.x.ai."}`,
			outcome: "upstream_status", gets: 502, says: "error",
		},
		"xAI's reasoning models refuse stop": {
			kind: "xai", status: 400, whole: `{"code":"Client specified an invalid argument","error":"Argument not supported on this model: stop"}`,
			outcome: "upstream_status", gets: 400, says: "Argument not supported on this model: stop",
		},
		"OpenRouter has no credit left": {
			kind: "openrouter", status: 402, whole: `{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/credits","code":402},"user_id":"user_1"}`,
			outcome: "upstream_status", gets: 502, says: "error",
		},
		"OpenRouter tells what it costs, and its reasoning twice": {
			kind: "openrouter", whole: fmt.Sprintf(whole, `{"role":"assistant","content":"fine","refusal":null,"reasoning":"Hm.","reasoning_details":[{"type":"reasoning.text","text":"Hm.","format":"anthropic-claude-v1","index":0,"signature":"EqoB"}]}`, `,"usage":`+fmt.Sprintf(counts, `,"cost":0.00014,"is_byok":false,"prompt_tokens_details":{"cached_tokens":10},"cost_details":{"upstream_inference_cost":null}`)),
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 7},
		},
		"Mistral takes nothing that it does not know": {
			kind: "mistral", status: 422, whole: `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","foo"],"msg":"Extra inputs are not permitted","input":1}]},"type":"invalid_request_error","param":null,"code":null,"raw_status_code":422}`,
			outcome: "upstream_status", gets: 422, says: "Extra inputs are not permitted",
		},
		"Mistral has too many requests": {
			kind: "mistral", status: 429, whole: `{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","param":null,"code":"3505","raw_status_code":429}`,
			outcome: "upstream_status", gets: 429, says: "error",
		},
		"vLLM counts in every chunk": {
			kind: "vllm", stream: fmt.Sprintf(told, `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}`, `{"prompt_tokens":25,"total_tokens":25,"completion_tokens":0}`) +
				fmt.Sprintf(told, `{"index":0,"delta":{"content":"fine"},"logprobs":null,"finish_reason":"stop","stop_reason":null}`, `{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7}`) +
				fmt.Sprintf(told, ``, `{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7}`) + done,
			outcome: "completed", gets: 200, says: "fine", usage: plain,
		},
		"vLLM is told of a token that it does not take": {
			kind: "vllm", status: 400, whole: `{"object":"error","message":"[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]","type":"BadRequestError","param":null,"code":400}`,
			outcome: "upstream_status", gets: 400, says: "Field required",
		},
		"Kimi tells its usage inside the choice": {
			kind: "moonshot", stream: fmt.Sprintf(chunk, `{"role":"assistant","content":""}`, "null") + fmt.Sprintf(chunk, `{"reasoning_content":"Hm."}`, "null") + fmt.Sprintf(chunk, `{"content":"fine"}`, "null") +
				`data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":` + fmt.Sprintf(counts, `,"cached_tokens":10`) + `}]}` + "\n\n" + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 7},
		},
		"Zhipu thinks, and counts at the end": {
			kind: "zhipu", stream: fmt.Sprintf(chunk, `{"role":"assistant","reasoning_content":"Hm."}`, "null") + fmt.Sprintf(chunk, `{"role":"assistant","content":"fine"}`, "null") +
				fmt.Sprintf(told, `{"index":0,"finish_reason":"stop","delta":{"role":"assistant","content":""}}`, fmt.Sprintf(counts, `,"prompt_tokens_details":{"cached_tokens":10}`)) + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 7},
		},
		"Zhipu is asked too often": {
			kind: "zhipu", status: 429, whole: `{"error":{"code":"1302","message":"您当前使用该API的并发数过高，请降低并发"}}`, outcome: "upstream_status", gets: 429, says: "error",
		},
		"Doubao refuses a model that was not opened": {
			kind: "openai", status: 404, whole: `{"error":{"code":"ModelNotOpen","message":"Your account 2100000000 has not activated the model. Please activate the model service in the Ark Console.","param":"","type":"NotFound"}}`,
			outcome: "upstream_status", gets: 404, says: "error",
		},
		"Qwen counts behind the end": {
			kind: "dashscope", stream: fmt.Sprintf(chunk, `{"content":"","role":"assistant","reasoning_content":"Hm."}`, "null") + fmt.Sprintf(chunk, `{"content":"fine","reasoning_content":null}`, "null") + fmt.Sprintf(chunk, `{"content":"","reasoning_content":null}`, `"stop"`) +
				fmt.Sprintf(told, ``, fmt.Sprintf(counts, `,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":3}`)) + done,
			outcome: "completed", gets: 200, says: "fine", usage: wire.Usage{Uncached: 15, CacheRead: 10, Text: 7, Reasoning: 3},
		},
		"Qwen's account is in arrears": {
			kind: "dashscope", status: 400, whole: `{"error":{"message":"Access denied, please make sure your account is in good standing.","type":"Arrearage","param":null,"code":"Arrearage"},"request_id":"r1"}`,
			outcome: "upstream_status", gets: 502, says: "error",
		},
		"MiniMax fails in its stream": {
			kind: "minimax", stream: fmt.Sprintf(chunk, `{"role":"assistant","content":"one "}`, "null") + `data: {"id":"x","choices":null,"created":1,"model":"MiniMax-M2","object":"chat.completion.chunk","base_resp":{"status_code":1000,"status_msg":"unknown error"}}` + "\n\n",
			outcome: "upstream_error_event", gets: 200, says: "one ",
		},
		"MiniMax thinks in details": {
			kind: "minimax", whole: fmt.Sprintf(whole, `{"role":"assistant","content":"fine","reasoning_content":"Hm.","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"Hm."}],"audio_content":"","name":"MiniMax AI"}`, `,"usage":`+fmt.Sprintf(counts, "")+`,"input_sensitive":false,"base_resp":{"status_code":0,"status_msg":""}`),
			outcome: "completed", gets: 200, says: "fine", usage: plain,
		},
		"SiliconFlow's errors have a number": {
			kind: "siliconflow", status: 400, whole: `{"code":20012,"message":"Model does not exist. Please check it carefully.","data":null}`, outcome: "upstream_status", gets: 400, says: "Model does not exist",
		},
		"SiliconFlow has a key refused as a text": {
			kind: "siliconflow", status: 401, whole: `"Invalid token"`, outcome: "upstream_status", gets: 502, says: "error",
		},
		"Together fails in its stream": {
			kind: "together", stream: fmt.Sprintf(chunk, `{"role":"assistant","content":"one ","reasoning":null,"tool_calls":[]}`, "null") + `data: {"error":{"message":"Server error","type":"server_error","param":null,"code":null}}` + "\n\n" + done,
			outcome: "upstream_error_event", gets: 200, says: "one ",
		},
		"Ollama's older errors are a text": {
			kind: "ollama", status: 500, whole: `{"error":"llama runner process has terminated: signal: killed"}`, outcome: "upstream_status", gets: 502, says: "error",
		},
		"a server that leaves out what it can": {
			kind: "openai", whole: `{"choices":[{"message":{"content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":7}}`,
			stream:  "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"fine\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":25,\"completion_tokens\":7}}\r\n\r\n",
			outcome: "completed", gets: 200, says: "fine", usage: plain,
		},
	})
}
