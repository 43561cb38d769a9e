package standin

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	chatPath  = "chat/completions models"
	mostPaths = chatPath + " embeddings"
	allPaths  = mostPaths + " completions"
)

// Vendors imitates everyone who speaks OpenAI's format at another address, by the type of their channels.
func Vendors() []Vendor {
	return []Vendor{
		{
			kind: "deepseek", model: "deepseek-chat", base: "/v1", endpoints: chatPath,
			wrong: all(wantsReasoning("The `reasoning_content` in the thinking mode must be passed back to the API."), thinksFreely("Thinking mode does not support this tool_choice"), knowsRoles("system user assistant tool latest_reminder")),
			usage: `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"prompt_cache_hit_tokens":10,"prompt_cache_miss_tokens":15}`,
			place: atTheEnd, thinks: "reasoning_content", before: ": keep-alive\n\n", stops: 16,
		},
		{
			kind: "mistral", model: "mistral-large-latest", base: "/v1", endpoints: mostPaths, wrong: mistrals, says: mistralSays, place: atTheEnd,
			members: "model temperature top_p max_tokens stream stop random_seed messages response_format tools tool_choice presence_penalty frequency_penalty n prediction parallel_tool_calls prompt_mode safe_prompt",
			usage:   `{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":10}}`,
		},
		{
			kind: "groq", model: "llama-3.3-70b-versatile", base: "/openai/v1", endpoints: chatPath, wrong: groqs, thinks: "reasoning", place: inGroqs, stops: 4,
			usage: `{"queue_time":0.03,"prompt_tokens":25,"prompt_time":0.001,"completion_tokens":7,"completion_time":0.2,"total_tokens":32,"total_time":0.3,"prompt_tokens_details":{"cached_tokens":10}}`,
		},
		{
			kind: "openrouter", model: "openrouter/auto", base: "/api/v1", endpoints: allPaths, thinks: "reasoning", before: ": OPENROUTER PROCESSING\n\n", stops: 4,
			usage: `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"cost":0.00014,"is_byok":false,"prompt_tokens_details":{"cached_tokens":7,"cache_write_tokens":3,"audio_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":0}}`,
		},
		{kind: "together", model: "meta-llama/Llama-3.3-70B-Instruct-Turbo", base: "/v1", endpoints: allPaths, place: atTheEnd, thinks: "reasoning"},
		{
			kind: "moonshot", model: "kimi-k2.6", base: "/v1", endpoints: chatPath, place: inChoice, thinks: "reasoning_content", stops: 5,
			wrong: all(wantsReasoning("thinking is enabled but reasoning_content is missing in assistant tool call message at index 1"),
				thinksFreely("tool_choice 'required' is incompatible with thinking enabled"), fixedSampling),
			usage: `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"cached_tokens":10}`,
		},
		{
			kind: "zhipu", model: "glm-4.6", base: "/api/paas/v4", endpoints: mostPaths, place: atTheEnd, thinks: "reasoning_content",
			wrong: all(wantsReasoning("reasoning_content is required"), onlyAuto), stops: 1,
			says: func(r *Refusal) string {
				return fmt.Sprintf(`{"error":{"code":%s,"message":%s}}`, quoted(r.Code), quoted(r.Message))
			},
		},
		{
			kind: "dashscope", model: "qwen-plus", base: "/compatible-mode/v1", endpoints: allPaths, thinks: "reasoning_content",
			wrong: thinksFreely("The tool_choice parameter does not support being set to required or object in thinking mode"),
		},
		{
			kind: "siliconflow", model: "deepseek-ai/DeepSeek-V3", base: "/v1", endpoints: mostPaths, place: everyTime, thinks: "reasoning_content",
			says: func(r *Refusal) string {
				return fmt.Sprintf(`{"code":20015,"message":%s,"data":null}`, quoted(r.Message))
			},
		},
		{
			kind: "minimax", model: "MiniMax-M2", base: "/v1", endpoints: chatPath, thinks: "reasoning_content", wrong: minimaxs, with: `"input_sensitive":false,"output_sensitive":false,"base_resp":{"status_code":0,"status_msg":""}`,
		},
		{kind: "fireworks", model: "accounts/fireworks/models/llama-v3p3-70b-instruct", base: "/inference/v1", endpoints: allPaths, place: atTheEnd},
		{
			kind: "perplexity", model: "sonar", base: "", endpoints: "chat/completions", place: everyTime, wrong: perplexitys, with: `"citations":["https://example.com"],"search_results":[]`,
			members: "model messages max_tokens stream temperature top_p top_k response_format presence_penalty frequency_penalty search_mode reasoning_effort web_search_options return_images",
			usage:   `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"search_context_size":"low","cost":{"total_cost":0.006}}`,
		},
		{kind: "ollama", model: "qwen3", base: "/v1", endpoints: allPaths, thinks: "reasoning"},
		{
			kind: "vllm", model: "meta-llama/Llama-3.1-8B-Instruct", base: "/v1", endpoints: allPaths, thinks: "reasoning",
			says: func(r *Refusal) string {
				return fmt.Sprintf(`{"object":"error","message":%s,"type":"BadRequestError","param":null,"code":%d}`, quoted(r.Message), r.Status)
			},
		},
	}
}

// all refuses what one of them refuses.
func all(those ...func(map[string]any) *Refusal) func(map[string]any) *Refusal {
	return func(body map[string]any) *Refusal {
		for _, wrong := range those {
			if refused := wrong(body); refused != nil {
				return refused
			}
		}
		return nil
	}
}

// thinksFreely is for those who let no tool be demanded while they think, which they do unless they are told not to.
func thinksFreely(message string) func(map[string]any) *Refusal {
	return func(body map[string]any) *Refusal {
		choice := body["tool_choice"]
		if choice == nil || choice == "auto" || choice == "none" || jsonObject(body["thinking"])["type"] == "disabled" || body["enable_thinking"] == false {
			return nil
		}
		return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "invalid_request_error", Message: message}
	}
}

// onlyAuto is Zhipu's.
func onlyAuto(body map[string]any) *Refusal {
	if choice := body["tool_choice"]; choice != nil && choice != "auto" {
		return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "1210", Message: "tool_choice: auto"}
	}
	return nil
}

// fixedSampling is Kimi's.
func fixedSampling(body map[string]any) *Refusal {
	if t := body["temperature"]; t != nil && t != 1.0 {
		return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "invalid_request_error", Message: "invalid temperature: only 1 is allowed for this model"}
	}
	return nil
}

// minimaxs is what only MiniMax refuses.
func minimaxs(body map[string]any) *Refusal {
	if t, given := body["temperature"].(float64); given && (t <= 0 || t > 1) {
		return &Refusal{Status: 400, Kind: "bad_request_error", Code: "2013", Message: "invalid params, temperature"}
	}
	return nil
}

// knowsRoles is for those whose parser takes no other.
func knowsRoles(roles string) func(map[string]any) *Refusal {
	return func(body map[string]any) *Refusal {
		for i, m := range jsonObjects(body["messages"]) {
			if role := jsonText(m["role"]); !strings.Contains(" "+roles+" ", " "+role+" ") {
				return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "invalid_request_error", Message: fmt.Sprintf(
					"Failed to deserialize the JSON body into the target type: messages[%d].role: unknown variant `%s`, expected one of %s", i, role, roles)}
			}
		}
		return nil
	}
}

// wantsReasoning is for those who want the reasoning of a turn that called tools back, unless they were told not to think.
func wantsReasoning(message string) func(map[string]any) *Refusal {
	return func(body map[string]any) *Refusal {
		if jsonObject(body["thinking"])["type"] == "disabled" {
			return nil
		}
		called := false
		for _, m := range jsonObjects(body["messages"]) {
			if m["role"] != "assistant" {
				continue
			}
			called = called || m["tool_calls"] != nil
			if called && jsonText(m["reasoning_content"]) == "" {
				return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "invalid_request_error", Message: message}
			}
		}
		return nil
	}
}

// forbidden is what servers say whose parser takes nothing that it does not know.
func forbidden(member string) *Refusal {
	return &Refusal{Status: 422, Kind: "invalid_request_error", Param: member, Message: "Extra inputs are not permitted"}
}

var nineSigns = regexp.MustCompile(`^[a-zA-Z0-9]{9}$`)

// mistrals is what only Mistral refuses.
func mistrals(body map[string]any) *Refusal {
	messages := jsonObjects(body["messages"])
	for i, m := range messages {
		if unknown := stranger(m, "role content tool_calls tool_call_id name prefix"); unknown != "" {
			return forbidden(fmt.Sprintf("messages.%d.%s", i, unknown))
		}
		ids := []string{jsonText(m["tool_call_id"])}
		for _, call := range jsonObjects(m["tool_calls"]) {
			ids = append(ids, jsonText(call["id"]))
		}
		for _, id := range ids {
			if id != "" && !nineSigns.MatchString(id) {
				return &Refusal{Status: 400, Kind: "invalid_function_call", Code: "3280", Message: "Tool call id was " + id + " but must be a-z, A-Z, 0-9, with a length of 9."}
			}
		}
	}
	if last := messages[max(0, len(messages)-1):]; len(last) == 1 && last[0]["role"] == "assistant" && last[0]["prefix"] != true {
		return &Refusal{Status: 400, Kind: "invalid_request_message_order", Code: "3230", Message: "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"}
	}
	return nil
}

func mistralSays(r *Refusal) string {
	if r.Status == 422 {
		return fmt.Sprintf(`{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body",%s],"msg":%s,"input":true}]},"type":%s,"param":null,"code":null}`, quoted(r.Param), quoted(r.Message), quoted(r.Kind))
	}
	return fmt.Sprintf(`{"object":"error","message":%s,"type":%s,"param":null,"code":%s,"raw_status_code":%d}`, quoted(r.Message), quoted(r.Kind), quoted(r.Code), r.Status)
}

// groqs is what only Groq refuses (https://console.groq.com/docs/openai).
func groqs(body map[string]any) *Refusal {
	for _, member := range []string{"logprobs", "logit_bias", "top_logprobs"} {
		if body[member] != nil {
			return &Refusal{Status: 400, Kind: "invalid_request_error", Message: "property '" + member + "' is unsupported"}
		}
	}
	for i, m := range jsonObjects(body["messages"]) {
		if unknown := stranger(m, "role content tool_calls tool_call_id reasoning"); unknown != "" {
			return &Refusal{Status: 400, Kind: "invalid_request_error", Message: fmt.Sprintf("'messages.%d' : property '%s' is unsupported", i, unknown)}
		}
	}
	return nil
}

// perplexitys is what only Perplexity refuses: it has no tools, and roles take turns behind the system's.
func perplexitys(body map[string]any) *Refusal {
	last := ""
	for _, m := range jsonObjects(body["messages"]) {
		role := jsonText(m["role"])
		if role != "system" && role == last {
			return &Refusal{Status: 400, Kind: "invalid_message", Message: "After the (optional) system message(s), user or tool message(s) should alternate with assistant message(s)."}
		}
		if !strings.Contains("system user assistant", role) {
			return &Refusal{Status: 400, Kind: "invalid_message", Message: "unknown role"}
		}
		last = role
	}
	return nil
}
