package standin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// OpenAI imitates OpenAI's API; Lenient: a compatible server's, which takes members that it does not know.
type OpenAI struct{ Lenient bool }

// Type is Dialect's.
func (OpenAI) Type() string { return "openai" }

// Model is Dialect's.
func (OpenAI) Model() string { return "gpt-4o" }

// OpenAIAnswering is the model that answers, as OpenAI spells it out.
const OpenAIAnswering = "gpt-4o-2024-08-06"

const (
	openAIChatMembers = "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata modalities model n " +
		"parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort response_format safety_identifier seed service_tier stop store stream " +
		"stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
	openAIMessageMembers    = "annotations audio content function_call name refusal role tool_call_id tool_calls"
	openAICompletionMembers = "best_of echo frequency_penalty logit_bias logprobs max_tokens model n presence_penalty prompt seed stop stream stream_options suffix temperature top_p user"
	openAIEmbeddingMembers  = "dimensions encoding_format input model user"
)

// Refuse is Dialect's.
func (d OpenAI) Refuse(r *http.Request, body map[string]any) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	switch {
	case r.Header.Get("Authorization") != "Bearer "+Key:
		return &Refusal{
			Status: 401, Kind: "invalid_request_error", Code: "invalid_api_key",
			Message: "Incorrect API key provided: sk-wrong**********0000. You can find your API key at https://platform.openai.com/account/api-keys.",
		}
	case r.Header.Get("Content-Type") != "application/json":
		return openAIWrong("", "you must provide a body that is application/json")
	}
	members, models := openAIChatMembers, "gpt-4o grok-4"
	switch r.URL.Path {
	case "/v1/chat/completions":
	case "/v1/completions":
		members, models = openAICompletionMembers, "gpt-3.5-turbo-instruct"
	case "/v1/embeddings":
		members, models = openAIEmbeddingMembers, "text-embedding-3-small"
	default:
		return &Refusal{Status: 404, Kind: "invalid_request_error", Message: "Invalid URL (POST " + r.URL.Path + ")"}
	}
	model := jsonText(body["model"])
	switch unknown := stranger(body, members); {
	case model == "":
		return openAIWrong("", "you must provide a model parameter")
	case !strings.Contains(" "+models+" ", " "+model+" "):
		return &Refusal{
			Status: 404, Kind: "invalid_request_error", Code: "model_not_found",
			Message: "The model `" + model + "` does not exist or you do not have access to it.",
		}
	case unknown != "" && !d.Lenient:
		return openAIWrong(unknown, "Unknown parameter: '"+unknown+"'.")
	case r.URL.Path == "/v1/completions" && body["prompt"] == nil:
		return openAIWrong("prompt", "you must provide a prompt")
	case r.URL.Path == "/v1/embeddings" && body["input"] == nil:
		return openAIWrong("input", "'$.input' is invalid.")
	case r.URL.Path != "/v1/chat/completions":
		return nil
	}
	if most := mostOf(body); model == "gpt-4o" && most > 16384 && !d.Lenient {
		return openAIWrong("max_tokens", fmt.Sprintf("max_tokens is too large: %v. This model supports at most 16384 completion tokens", most))
	}
	messages := jsonObjects(body["messages"])
	for i, m := range messages {
		if unknown := stranger(m, openAIMessageMembers); unknown != "" && !d.Lenient {
			at := fmt.Sprintf("messages[%d].%s", i, unknown)
			return openAIWrong(at, "Unknown parameter: '"+at+"'.")
		}
		for j, call := range jsonObjects(m["tool_calls"]) {
			at := fmt.Sprintf("messages[%d].tool_calls[%d]", i, j)
			if unknown := stranger(call, "id type function"); unknown != "" && !d.Lenient {
				return openAIWrong(at+"."+unknown, "Unknown parameter: '"+at+"."+unknown+"'.")
			}
			if n := len(jsonText(call["id"])); n > 40 && !d.Lenient {
				return openAIWrong(at+".id", fmt.Sprintf("Invalid '%s.id': string too long. Expected a string with maximum length 40, but got a string with length %d instead.", at, n))
			}
		}
	}
	if refused := openAIMessages(messages); refused != nil {
		return refused
	}
	return openAIOptions(body)
}

func openAIWrong(param, message string) *Refusal {
	return &Refusal{Status: 400, Kind: "invalid_request_error", Param: param, Message: message}
}

// openAIMessages checks the order of a conversation and what each message is made of.
func openAIMessages(messages []map[string]any) *Refusal {
	if len(messages) == 0 {
		return openAIWrong("messages", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	owed := map[string]bool{} // tool calls whose result has not come yet
	const unanswered = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
	for i, m := range messages {
		at, role := fmt.Sprintf("messages.[%d]", i), jsonText(m["role"])
		if role != "tool" && len(owed) > 0 {
			return openAIWrong("messages", unanswered)
		}
		parts := "text"
		switch role {
		case "system", "developer":
		case "user":
			parts = "text image_url input_audio file"
		case "tool":
			id := jsonText(m["tool_call_id"])
			if !owed[id] {
				return openAIWrong(at+".role", "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
			}
			delete(owed, id)
		case "assistant":
			parts = "text refusal"
			for _, call := range jsonObjects(m["tool_calls"]) {
				f := jsonObject(call["function"])
				if jsonText(call["id"]) == "" || call["type"] != "function" || !isShort(jsonText(f["name"])) || f["arguments"] == nil {
					return openAIWrong(at+".tool_calls", "Missing required parameter: '"+at+".tool_calls[0]'.")
				}
				owed[jsonText(call["id"])] = true
			}
			if m["content"] == nil && len(owed) > 0 {
				continue
			}
		default:
			return openAIWrong(at+".role", "Invalid value: '"+role+"'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.")
		}
		if refused := openAIContent(m["content"], parts, at+".content"); refused != nil {
			return refused
		}
	}
	if len(owed) > 0 {
		return openAIWrong("messages", unanswered)
	}
	return nil
}

func openAIContent(content any, allowed, at string) *Refusal {
	switch content.(type) {
	case string:
		return nil
	case []any:
	default:
		return openAIWrong(at, "Invalid type for '"+at+"': expected one of a string or array of objects, but got something else instead.")
	}
	for _, part := range jsonObjects(content) {
		kind := jsonText(part["type"])
		wrong := !strings.Contains(" "+allowed+" ", " "+kind+" ")
		switch kind {
		case "text":
			wrong = wrong || jsonText(part["text"]) == ""
		case "image_url":
			link := jsonText(jsonObject(part["image_url"])["url"])
			wrong = wrong || !openAIImage.MatchString(link)
		case "file":
			file := jsonObject(part["file"])
			wrong = wrong || jsonText(file["filename"]) == "" || !strings.HasPrefix(jsonText(file["file_data"]), "data:application/pdf;base64,")
		}
		if wrong {
			return openAIWrong(at, "Invalid value for '"+at+"': a part of the type '"+kind+"' is not like that.")
		}
	}
	return nil
}

var openAIImage = regexp.MustCompile(`^https?://.|^data:image/(png|jpeg|gif|webp);base64,.`)

func openAIOptions(body map[string]any) *Refusal { //nolint:cyclop // a list of what the provider refuses, in the order in which it does
	tools := jsonObjects(body["tools"])
	for i, tool := range tools {
		f := jsonObject(tool["function"])
		schema, given := f["parameters"]
		switch {
		case tool["type"] != "function" || !isShort(jsonText(f["name"])) || given && jsonObject(schema)["type"] != "object",
			stranger(tool, "type function") != "" || stranger(f, "name description parameters strict") != "":
			return openAIWrong(fmt.Sprintf("tools[%d].function", i), "Invalid schema for function.")
		case f["strict"] == true && !isClosed(schema):
			return openAIWrong(fmt.Sprintf("tools[%d].function.parameters", i), "Invalid schema for function: 'required' is required to be supplied and to be an array including every key in properties.")
		}
	}
	switch choice := body["tool_choice"]; {
	case choice == nil:
	case len(tools) == 0:
		return openAIWrong("tool_choice", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
	case choice == "auto" || choice == "none" || choice == "required":
	case jsonObject(choice)["type"] != "function" || jsonText(jsonObject(jsonObject(choice)["function"])["name"]) == "":
		return openAIWrong("tool_choice", "Invalid value for 'tool_choice'.")
	}
	format := jsonObject(body["response_format"])
	schema := jsonObject(format["json_schema"])
	stops, _ := body["stop"].([]any)
	temperature, _ := body["temperature"].(float64)
	switch {
	case body["parallel_tool_calls"] != nil && len(tools) == 0:
		return openAIWrong("parallel_tool_calls", "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.")
	case body["stream_options"] != nil && body["stream"] != true:
		return openAIWrong("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	case body["max_tokens"] != nil && body["max_completion_tokens"] != nil:
		return openAIWrong("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	case format["type"] == "json_schema" && (!isIdentifier(jsonText(schema["name"])) || schema["schema"] == nil):
		return openAIWrong("response_format.json_schema", "Missing required parameter: 'response_format.json_schema'.")
	case schema["strict"] == true && !isClosed(schema["schema"]):
		return openAIWrong("response_format", "Invalid schema for response_format: 'additionalProperties' is required to be supplied and to be false.")
	case len(jsonText(body["user"])) > 64:
		return openAIWrong("user", "Invalid 'user': string too long. Expected a string with maximum length 64.")
	case len(stops) > 4:
		return openAIWrong("stop", "Invalid 'stop': array too long.")
	case temperature < 0 || temperature > 2:
		return openAIWrong("temperature", "Invalid 'temperature': decimal above maximum value.")
	}
	return nil
}

// mostOf is the limit of an answer.
func mostOf(body map[string]any) float64 {
	old, _ := body["max_tokens"].(float64)
	today, _ := body["max_completion_tokens"].(float64)
	return max(old, today)
}

// isShort tells what OpenAI takes as the name of a function.
func isShort(name string) bool { return isIdentifier(name) && len(name) <= 64 }

// isClosed reports whether OpenAI takes a schema with strict, as far down as objects in objects go.
func isClosed(schema any) bool {
	s := jsonObject(schema)
	properties := jsonObject(s["properties"])
	required, _ := s["required"].([]any)
	for _, p := range properties {
		if jsonObject(p)["type"] == "object" && !isClosed(p) {
			return false
		}
	}
	return s["type"] != "object" || s["additionalProperties"] == false && len(required) == len(properties)
}

// ErrorBody is Dialect's.
func (OpenAI) ErrorBody(r *Refusal) string {
	nullable := func(s string) string {
		if s == "" {
			return "null"
		}
		return quoted(s)
	}
	return fmt.Sprintf("{\n  \"error\": {\n    \"message\": %s,\n    \"type\": %s,\n    \"param\": %s,\n    \"code\": %s\n  }\n}",
		quoted(r.Message), quoted(r.Kind), nullable(r.Param), nullable(r.Code))
}
