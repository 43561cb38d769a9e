package standin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Anthropic imitates Anthropic's Messages API.
type Anthropic struct{}

// Type is Dialect's.
func (Anthropic) Type() string { return "anthropic" }

// Model is Dialect's.
func (Anthropic) Model() string { return "claude-sonnet-4-5" }

// AnthropicAnswering is the model that answers, as Anthropic spells it out.
const AnthropicAnswering = "claude-sonnet-4-5-20250929"

const anthropicMembers = "cache_control container context_management inference_geo max_tokens mcp_servers messages metadata model output_config service_tier " +
	"stop_sequences stream system temperature thinking tool_choice tools top_k top_p"

// anthropicCounted is what the question for a number of tokens may have (https://docs.claude.com/en/api/messages-count-tokens).
const anthropicCounted = "cache_control messages model output_config system thinking tool_choice tools"

// Refuse is Dialect's.
func (Anthropic) Refuse(r *http.Request, body map[string]any) *Refusal {
	model := jsonText(body["model"])
	limit, _ := body["max_tokens"].(float64)
	members, counts := anthropicMembers, r.URL.Path == "/v1/messages/count_tokens"
	if counts {
		members = anthropicCounted
	}
	switch unknown := stranger(body, members); {
	case r.Header.Get("X-Api-Key") != Key:
		return &Refusal{Status: 401, Kind: "authentication_error", Message: "invalid x-api-key"}
	case r.Header.Get("Anthropic-Version") == "":
		return anthropicWrong("anthropic-version: header is required")
	case r.Header.Get("Content-Type") != "application/json":
		return anthropicWrong("content-type: must be application/json")
	case r.URL.Path != "/v1/messages" && !counts:
		return &Refusal{Status: 404, Kind: "not_found_error", Message: "Not Found"}
	case model == "":
		return anthropicWrong("model: Field required")
	case unknown != "" && unknown != "thread" && r.Header.Get("Anthropic-Beta") == "":
		return anthropicWrong(unknown + ": Extra inputs are not permitted")
	case jsonObject(body["thread"])["type"] == "continue": // it keeps none, and takes any that is begun
		return &Refusal{Status: 400, Kind: "invalid_request_error", Message: "thread: no usable Thread state was found", Details: `{"error_code":"thread_not_found"}`}
	case limit < 1 && !counts:
		return anthropicWrong("max_tokens: Field required")
	case model != "claude-sonnet-4-5":
		return &Refusal{Status: 404, Kind: "not_found_error", Message: "model: " + model}
	}
	if refused := anthropicMessages(jsonObjects(body["messages"])); refused != nil {
		return refused
	}
	if refused := anthropicThoughtful(body); refused != nil {
		return refused
	}
	return anthropicOptions(body)
}

// anthropicThoughtful refuses to think on from calls that it has not thought about.
func anthropicThoughtful(body map[string]any) *Refusal {
	if jsonObject(body["thinking"])["type"] != "enabled" {
		return nil
	}
	messages := jsonObjects(body["messages"])
	for i := len(messages) - 1; i >= max(0, len(messages)-2); i-- {
		blocks := anthropicBlocks(messages[i]["content"])
		if messages[i]["role"] == "assistant" && len(blocks) > 0 && blocks[0]["type"] != "thinking" && strings.Contains(quoted(blocks), `"tool_use"`) {
			return anthropicWrong(fmt.Sprintf("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%v`. When `thinking` is enabled, a final `assistant` message must "+
				"start with a thinking block (preceding the lastmost set of `tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`.", i, blocks[0]["type"]))
		}
	}
	return nil
}

func anthropicWrong(message string) *Refusal {
	return &Refusal{Status: 400, Kind: "invalid_request_error", Message: message}
}

// anthropicMessages checks that tool results follow their calls at once and come first, and what each block is made of.
func anthropicMessages(messages []map[string]any) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	if len(messages) == 0 {
		return anthropicWrong("messages: at least one message is required")
	}
	owed := map[string]bool{} // tool calls of the last message
	for i, m := range messages {
		at, role := fmt.Sprintf("messages.%d", i), jsonText(m["role"])
		switch {
		case role == "system" && i > 0 && stranger(m, "role content cache_control") == "": // a reminder in the midst of a conversation
			continue
		case role != "user" && role != "assistant":
			return anthropicWrong(at + ".role: Input should be 'user' or 'assistant'")
		case i == 0 && role != "user":
			return anthropicWrong("messages: first message must use the \"user\" role")
		case stranger(m, "role content") != "":
			return anthropicWrong(at + "." + stranger(m, "role content") + ": Extra inputs are not permitted")
		}
		calls, others := map[string]bool{}, false
		for j, b := range anthropicBlocks(m["content"]) {
			at, id := fmt.Sprintf("%s.content.%d", at, j), jsonText(b["tool_use_id"])
			if refused := anthropicBlock(b, at); refused != nil {
				return refused
			}
			switch kind := jsonText(b["type"]); {
			case kind == "tool_use" && role == "assistant":
				calls[jsonText(b["id"])] = true
			case kind == "tool_use", kind == "thinking" && role == "user", kind == "image" && role == "assistant":
				return anthropicWrong(fmt.Sprintf("%s: `%s` blocks can not be in a message of the role %s", at, kind, role))
			case kind != "tool_result":
				others = true
			case !owed[id] || role != "user":
				return anthropicWrong(at + ": unexpected `tool_use_id` found in `tool_result` blocks: " + id +
					". Each `tool_result` block must have a corresponding `tool_use` block in the previous message.")
			case others:
				return anthropicWrong(at + ": `tool_result` blocks must come before all others")
			default:
				delete(owed, id)
			}
		}
		for id := range owed {
			return anthropicWrong(at + ": `tool_use` ids were found without `tool_result` blocks immediately after: " + id)
		}
		owed = calls
	}
	for id := range owed {
		return anthropicWrong("messages: `tool_use` ids were found without `tool_result` blocks immediately after: " + id)
	}
	return nil
}

// anthropicBlocks is content as blocks; a string is one of text.
func anthropicBlocks(content any) []map[string]any {
	if s, ok := content.(string); ok {
		return []map[string]any{{"type": "text", "text": s}}
	}
	if list, _ := content.([]any); len(list) == 0 {
		return []map[string]any{{"type": "missing"}}
	}
	return jsonObjects(content)
}

var anthropicBlockMembers = map[string]string{
	"text": "text citations", "image": "source", "document": "source title context citations", "tool_use": "id name input caller",
	"tool_result": "tool_use_id content is_error", "thinking": "thinking signature",
}

func anthropicBlock(b map[string]any, at string) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	kind := jsonText(b["type"])
	members, known := anthropicBlockMembers[kind]
	source := jsonObject(b["source"])
	switch unknown := stranger(b, "type cache_control "+members); {
	case !known:
		return anthropicWrong(at + ": Input tag '" + kind + "' found using 'type' does not match any of the expected tags")
	case unknown != "":
		return anthropicWrong(at + "." + kind + "." + unknown + ": Extra inputs are not permitted")
	case kind == "text" && strings.TrimSpace(jsonText(b["text"])) == "":
		return anthropicWrong("messages: text content blocks must contain non-whitespace text")
	case kind == "thinking" && jsonText(b["signature"]) == "":
		return anthropicWrong(at + ": Invalid `signature` in `thinking` block")
	case kind == "tool_use" && !toolName.MatchString(jsonText(b["id"])), kind == "tool_result" && !toolName.MatchString(jsonText(b["tool_use_id"])):
		return anthropicWrong(at + "." + kind + ".id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
	case kind == "tool_use" && (!isIdentifier(jsonText(b["name"])) || jsonObject(b["input"]) == nil):
		return anthropicWrong(at + ".tool_use.input: Input should be a valid dictionary")
	case kind == "image" && !anthropicImage.MatchString(quotedSource(source)):
		return anthropicWrong(at + ".image.source: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
	case kind == "document" && !anthropicDocument.MatchString(quotedSource(source)):
		return anthropicWrong(at + ".document.source: Input should be 'application/pdf'")
	case kind == "tool_result" && b["content"] != nil:
		for j, inner := range anthropicBlocks(b["content"]) {
			if refused := anthropicBlock(inner, fmt.Sprintf("%s.tool_result.content.%d", at, j)); refused != nil {
				return refused
			}
		}
	}
	return nil
}

// quotedSource is a source in one line: its type, its media type, and its data or its link.
func quotedSource(s map[string]any) string {
	return jsonText(s["type"]) + " " + jsonText(s["media_type"]) + " " + jsonText(s["data"]) + jsonText(s["url"])
}

var (
	anthropicImage    = regexp.MustCompile(`^(base64 image/(jpeg|png|gif|webp) [A-Za-z0-9+/]+=*|url  https?://.+)$`)
	anthropicDocument = regexp.MustCompile(`(?s)^(base64 application/pdf [A-Za-z0-9+/]+=*|text text/plain .+|url  https?://.+)$`)
)

func anthropicOptions(body map[string]any) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	tools := jsonObjects(body["tools"])
	for i, tool := range tools {
		if !isIdentifier(jsonText(tool["name"])) || jsonObject(tool["input_schema"])["type"] != "object" {
			return anthropicWrong(fmt.Sprintf("tools.%d.custom.input_schema.type: Field required", i))
		}
		if unknown := stranger(tool, "type name description input_schema strict cache_control allowed_callers defer_loading eager_input_streaming input_examples"); unknown != "" {
			return anthropicWrong(fmt.Sprintf("tools.%d.custom.%s: Extra inputs are not permitted", i, unknown))
		}
	}
	if choice := jsonObject(body["tool_choice"]); choice != nil {
		members, known := map[string]string{
			"auto": "disable_parallel_tool_use", "any": "disable_parallel_tool_use", "tool": "name disable_parallel_tool_use", "none": "type",
		}[jsonText(choice["type"])]
		switch unknown := stranger(choice, "type "+members); {
		case !known || unknown != "":
			return anthropicWrong("tool_choice." + jsonText(choice["type"]) + "." + unknown + ": Extra inputs are not permitted")
		case len(tools) == 0:
			return anthropicWrong("tool_choice: may only be specified while providing `tools`")
		case choice["type"] == "tool" && choice["name"] == nil:
			return anthropicWrong("tool_choice.tool.name: Field required")
		}
	}
	if system, given := body["system"]; given {
		for _, b := range anthropicBlocks(system) {
			if b["type"] != "text" || strings.TrimSpace(jsonText(b["text"])) == "" {
				return anthropicWrong("system: text content blocks must be non-empty")
			}
		}
	}
	format := jsonObject(jsonObject(body["output_config"])["format"])
	temperature, _ := body["temperature"].(float64)
	stops, _ := body["stop_sequences"].([]any)
	for _, s := range stops {
		if strings.TrimSpace(jsonText(s)) == "" {
			return anthropicWrong("stop_sequences: each stop sequence must contain non-whitespace")
		}
	}
	if refused := anthropicThinking(body); refused != nil {
		return refused
	}
	if user := jsonText(jsonObject(body["metadata"])["user_id"]); len(user) > 256 || strings.Contains(user, "@") {
		return anthropicWrong("metadata.user_id: user_id appears to contain an email address, or is longer than 256 characters")
	}
	switch {
	case strings.Count(quoted(body), `"cache_control":`) > 4:
		return anthropicWrong("A maximum of 4 blocks with cache_control may be provided.")
	case temperature < 0 || temperature > 1:
		return anthropicWrong("temperature: range: 0..1")
	case format != nil && !anthropicCloses(format["schema"]):
		return anthropicWrong("output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
	case format != nil && (format["type"] != "json_schema" || jsonObject(format["schema"]) == nil || stranger(format, "type schema") != ""):
		return anthropicWrong("output_config.format.json_schema: Extra inputs are not permitted")
	}
	return nil
}

// anthropicCloses reports whether the objects of a schema, one in another, have no other properties than those that they name.
func anthropicCloses(schema any) bool {
	s := jsonObject(schema)
	for _, p := range jsonObject(s["properties"]) {
		if !anthropicCloses(p) {
			return false
		}
	}
	return s["type"] != "object" || s["additionalProperties"] == false
}

// anthropicThinking checks what thinking may stand beside.
func anthropicThinking(body map[string]any) *Refusal {
	thinking := jsonObject(body["thinking"])
	kind := jsonText(thinking["type"])
	if kind == "" || kind == "disabled" {
		return nil
	}
	budget, _ := thinking["budget_tokens"].(float64)
	limit, _ := body["max_tokens"].(float64)
	choice := jsonText(jsonObject(body["tool_choice"])["type"])
	temperature, warm := body["temperature"].(float64)
	switch {
	case kind == "enabled" && (budget < 1024 || budget >= limit):
		return anthropicWrong("`max_tokens` must be greater than `thinking.budget_tokens`, which must be at least 1024")
	case choice == "any" || choice == "tool":
		return anthropicWrong("Thinking may not be enabled when tool_choice forces tool use.")
	case warm && temperature != 1:
		return anthropicWrong("`temperature` may only be set to 1 when thinking is enabled.")
	}
	return nil
}

// ErrorBody is Dialect's.
func (Anthropic) ErrorBody(r *Refusal) string {
	details := ""
	if r.Details != "" {
		details = `"details":` + r.Details + ","
	}
	return fmt.Sprintf(`{"type":"error","error":{`+details+`"type":%s,"message":%s},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}`, quoted(r.Kind), quoted(r.Message))
}
