package standin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

func (s *Bedrock) refuse(r *http.Request, raw []byte, body map[string]any) *Refusal {
	if refused := s.signed(r, raw); refused != nil {
		return refused
	}
	model, verb, ok := bedrockPath(r)
	switch {
	case !ok || r.Method != http.MethodPost:
		return &Refusal{Status: 404, Kind: "UnknownOperationException", Message: ""}
	case strings.ContainsAny(r.URL.EscapedPath(), ":@") || strings.Count(r.URL.EscapedPath(), "/") != 3:
		return &Refusal{Status: 404, Kind: "UnknownOperationException", Message: ""}
	case r.Header.Get("Content-Type") != "application/json":
		return bedrockWrong("Content-Type must be application/json")
	case r.Header.Get("Anthropic-Beta") != "" || r.Header.Get("Anthropic-Version") != "" || r.Header.Get("X-Api-Key") != "":
		return bedrockWrong("a header of another API's")
	case body == nil:
		return bedrockWrong("Malformed input request: #: expected type: JSONObject, please reformat your input and try again.")
	case strings.HasPrefix(model, "anthropic.claude-sonnet-4-5") && verb != bedrockCounting:
		return bedrockWrong("Invocation of model ID " + model + " with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.")
	}
	return s.refuseCall(model, verb, body)
}

// refuseCall refuses what its API does not take.
func (s *Bedrock) refuseCall(model, verb string, body map[string]any) *Refusal {
	switch {
	case verb == bedrockCounting:
		return s.refuseCount(model, body)
	case strings.HasPrefix(verb, "invoke") && (verb == "invoke" || verb == "invoke-with-response-stream") && model == BedrockClaude:
		return s.refuseInvoke(body)
	case (verb == "converse" || verb == "converse-stream") && (model == BedrockNova || model == BedrockARN):
		return s.refuseConverse(model, body)
	case strings.HasPrefix(verb, "invoke"):
		return bedrockWrong("Malformed input request, please reformat your input and try again.")
	}
	return bedrockWrong("The provided model identifier is invalid.")
}

const bedrockCounting = "count-tokens"

// refuseCount refuses what CountTokens does not take: a model behind an inference profile, and any that is not of Anthropic's.
func (s *Bedrock) refuseCount(model string, body map[string]any) *Refusal {
	input := jsonObject(body["input"])
	invoked, converse := jsonObject(input["invokeModel"]), jsonObject(input["converse"])
	switch {
	case stranger(body, "input") != "" || stranger(input, "invokeModel converse") != "" || len(input) != 1:
		return bedrockWrong("1 validation error detected: Value at 'input' failed to satisfy constraint: Member must not be null")
	case model != strings.TrimPrefix(BedrockClaude, "us."):
		return bedrockWrong("The provided model doesn't support counting tokens.")
	case invoked != nil:
		text, err := base64.StdEncoding.DecodeString(jsonText(invoked["body"]))
		var inner map[string]any
		if err != nil || json.Unmarshal(text, &inner) != nil {
			return bedrockWrong("Invalid base64: the body of invokeModel is a blob")
		}
		if limit, _ := inner["max_tokens"].(float64); limit > 64000 {
			return bedrockWrong(fmt.Sprintf("max_tokens: %.0f > 64000, which is the maximum allowed number of output tokens for this model", limit))
		}
		return s.refuseInvoke(inner)
	case stranger(converse, "messages system toolConfig additionalModelRequestFields") != "":
		return bedrockWrong("Unexpected field: " + stranger(converse, "messages system toolConfig additionalModelRequestFields"))
	}
	return s.refuseConverse(model, converse)
}

func bedrockWrong(message string) *Refusal {
	return &Refusal{Status: 400, Kind: "ValidationException", Message: message}
}

const invokeMembers = "anthropic_version anthropic_beta max_tokens messages system stop_sequences temperature top_p top_k tools tool_choice thinking output_config metadata context_management"

var knownBetas = "interleaved-thinking-2025-05-14 context-1m-2025-08-07 context-management-2025-06-27 effort-2025-11-24 fine-grained-tool-streaming-2025-05-14"

func (s *Bedrock) refuseInvoke(body map[string]any) *Refusal {
	limit, _ := body["max_tokens"].(float64)
	betas, _ := body["anthropic_beta"].([]any)
	switch unknown := stranger(body, invokeMembers); {
	case unknown != "":
		return bedrockWrong("Malformed input request: #: extraneous key [" + unknown + "] is not permitted, please reformat your input and try again.")
	case body["anthropic_version"] != "bedrock-2023-05-31":
		return bedrockWrong("Malformed input request: #: required key [anthropic_version] not found, please reformat your input and try again.")
	case limit < 1:
		return bedrockWrong("Malformed input request: #: required key [max_tokens] not found, please reformat your input and try again.")
	case body["context_management"] != nil && !strings.Contains(fmt.Sprint(betas), "context-management-2025-06-27"):
		return bedrockWrong("context_management: Extra inputs are not permitted")
	case stranger(jsonObject(body["metadata"]), "user_id") != "":
		return bedrockWrong("metadata." + stranger(jsonObject(body["metadata"]), "user_id") + ": Extra inputs are not permitted")
	}
	for _, beta := range betas {
		if !strings.Contains(" "+knownBetas+" ", " "+jsonText(beta)+" ") {
			return bedrockWrong("invalid beta flag")
		}
	}
	messages := jsonObjects(body["messages"])
	for i, m := range messages {
		if i > 0 && m["role"] == messages[i-1]["role"] {
			return bedrockWrong("messages: roles must alternate between \"user\" and \"assistant\"")
		}
		for j, b := range anthropicBlocks(m["content"]) {
			if b["type"] == "thinking" && b["signature"] != s.signature() {
				return bedrockWrong(fmt.Sprintf("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j))
			}
		}
	}
	refused := anthropicMessages(messages)
	if refused == nil {
		refused = anthropicOptions(body)
	}
	if refused != nil {
		return bedrockWrong(refused.Message)
	}
	return nil
}

const converseMembers = "messages system inferenceConfig toolConfig additionalModelRequestFields outputConfig guardrailConfig performanceConfig requestMetadata serviceTier additionalModelResponseFieldPaths promptVariables"

func (s *Bedrock) refuseConverse(model string, body map[string]any) *Refusal { //nolint:cyclop // a list of what the provider refuses
	inference := jsonObject(body["inferenceConfig"])
	temperature, _ := inference["temperature"].(float64)
	limit, limited := inference["maxTokens"].(float64)
	switch {
	case stranger(body, converseMembers) != "":
		return bedrockWrong("Unexpected field: " + stranger(body, converseMembers))
	case stranger(inference, "maxTokens temperature topP stopSequences") != "":
		return bedrockWrong("inferenceConfig: unexpected field " + stranger(inference, "maxTokens temperature topP stopSequences"))
	case temperature < 0 || temperature > 1:
		return bedrockWrong("1 validation error detected: Value at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1")
	case limited && limit < 1:
		return bedrockWrong("1 validation error detected: Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}
	system, _ := body["system"].([]any)
	for _, b := range jsonObjects(system) {
		if refused := s.converseBlock(b, "system", "text cachePoint"); refused != nil {
			return refused
		}
	}
	schema := jsonObject(jsonObject(jsonObject(jsonObject(body["outputConfig"])["textFormat"])["structure"])["jsonSchema"])["schema"]
	if _, text := schema.(string); schema != nil && (!text || model == BedrockNova) {
		return bedrockWrong("outputConfig.textFormat is not supported by this model")
	}
	tools := jsonObject(body["toolConfig"])
	names := map[string]bool{}
	for _, tool := range jsonObjects(tools["tools"]) {
		spec := jsonObject(tool["toolSpec"])
		if spec == nil {
			continue // a cachePoint
		}
		name := jsonText(spec["name"])
		description, described := spec["description"].(string)
		switch {
		case !toolName.MatchString(name) || stranger(spec, "name description inputSchema strict") != "":
			return bedrockWrong("1 validation error detected: Value at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
		case jsonObject(jsonObject(spec["inputSchema"])["json"])["type"] != "object":
			return bedrockWrong("The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.")
		case described && description == "":
			return bedrockWrong("toolSpec.description: Member must have length greater than or equal to 1")
		}
		names[name] = true
	}
	if tools != nil && len(names) == 0 {
		return bedrockWrong("toolConfig.tools: Member must have length greater than or equal to 1")
	}
	if choice := jsonObject(tools["toolChoice"]); choice != nil && stranger(choice, "auto any tool") != "" {
		return bedrockWrong("toolChoice: unexpected " + stranger(choice, "auto any tool"))
	}
	return s.converseMessages(jsonObjects(body["messages"]), tools != nil)
}

var (
	toolName     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	documentName = regexp.MustCompile(`^[a-zA-Z0-9\-()\[\]]+( [a-zA-Z0-9\-()\[\]]+)*$`)
	base64Text   = regexp.MustCompile(`^[A-Za-z0-9+/]+=*$`)
)

func (s *Bedrock) converseMessages(messages []map[string]any, tools bool) *Refusal { //nolint:cyclop // a list of what the provider refuses
	if len(messages) == 0 {
		return bedrockWrong("messages: Member must have length greater than or equal to 1")
	}
	owed := map[string]bool{}
	for i, m := range messages {
		role := jsonText(m["role"])
		switch {
		case stranger(m, "role content") != "":
			return bedrockWrong("messages: unexpected field " + stranger(m, "role content"))
		case role != "user" && role != "assistant":
			return bedrockWrong("messages.role must be user or assistant")
		case i == 0 && role != "user":
			return bedrockWrong("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
		case i > 0 && messages[i-1]["role"] == m["role"]:
			return bedrockWrong("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
		}
		calls, texts, documents := map[string]bool{}, 0, 0
		blocks := jsonObjects(m["content"])
		if len(blocks) == 0 {
			return bedrockWrong(fmt.Sprintf("The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", i))
		}
		for _, b := range blocks {
			if refused := s.converseBlock(b, fmt.Sprintf("messages.%d.content", i), "text image document toolUse toolResult reasoningContent cachePoint"); refused != nil {
				return refused
			}
			use, result := jsonObject(b["toolUse"]), jsonObject(b["toolResult"])
			id := jsonText(result["toolUseId"])
			switch {
			case (use != nil || result != nil) && !tools:
				return bedrockWrong("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
			case use != nil:
				calls[jsonText(use["toolUseId"])] = true
			case result != nil && !owed[id]:
				return bedrockWrong("The number of toolResult blocks at messages." + fmt.Sprint(i) + ".content exceeds the number of toolUse blocks of previous turn.")
			case result != nil:
				delete(owed, id)
			case b["text"] != nil:
				texts++
			case b["document"] != nil:
				documents++
			}
		}
		if documents > 0 && texts == 0 {
			return bedrockWrong("A text block is required with a document")
		}
		for id := range owed {
			return bedrockWrong("Expected toolResult blocks at messages." + fmt.Sprint(i) + ".content for the following Ids: " + id)
		}
		owed = calls
	}
	return nil
}

func (s *Bedrock) converseBlock(b map[string]any, at, known string) *Refusal { //nolint:cyclop // a list of what the provider refuses
	if len(b) != 1 || stranger(b, known) != "" {
		return bedrockWrong(at + " must be set one of the following keys: " + known)
	}
	if text, is := b["text"].(string); is && strings.TrimSpace(text) == "" {
		return bedrockWrong("The text field in the ContentBlock object at " + at + " is blank. Add text to the text field, and try again.")
	}
	if image := jsonObject(b["image"]); image != nil {
		if !strings.Contains(" png jpeg gif webp ", " "+jsonText(image["format"])+" ") || !base64Text.MatchString(jsonText(jsonObject(image["source"])["bytes"])) {
			return bedrockWrong(at + ".image: The model returned the following errors: invalid image")
		}
	}
	if document := jsonObject(b["document"]); document != nil {
		if !documentName.MatchString(jsonText(document["name"])) || !base64Text.MatchString(jsonText(jsonObject(document["source"])["bytes"])) {
			return bedrockWrong("The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.")
		}
	}
	if use := jsonObject(b["toolUse"]); use != nil {
		if !toolName.MatchString(jsonText(use["name"])) || !toolName.MatchString(jsonText(use["toolUseId"])) || jsonObject(use["input"]) == nil {
			return bedrockWrong("1 validation error detected: Value at '" + at + ".member.toolUse.toolUseId' failed to satisfy constraint")
		}
	}
	if result := jsonObject(b["toolResult"]); result != nil {
		inner := jsonObjects(result["content"])
		if len(inner) == 0 || stranger(result, "toolUseId content status") != "" {
			return bedrockWrong(at + ".toolResult.content is empty")
		}
		for _, part := range inner {
			if refused := s.converseBlock(part, at+".toolResult.content", "text json image document"); refused != nil {
				return refused
			}
		}
	}
	if reasoning := jsonObject(jsonObject(b["reasoningContent"])["reasoningText"]); reasoning != nil && reasoning["signature"] != s.signature() {
		return bedrockWrong("The model returned the following errors: " + at + ": Invalid `signature` in `thinking` block")
	}
	return nil
}
