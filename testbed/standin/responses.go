package standin

import (
	"fmt"
	"net/http"
	"strings"
)

// Responses imitates OpenAI where its models are served on the Responses API and on nothing else.
type Responses struct{ OpenAI }

const responsesMembers = "background client_metadata conversation include input instructions max_output_tokens max_tool_calls metadata model parallel_tool_calls previous_response_id " +
	"prompt prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs " +
	"top_p truncation user"

// ResponsesAnswerID is the id of each answer.
const ResponsesAnswerID = "resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b"

// ResponsesSealed is reasoning that only OpenAI can read.
const ResponsesSealed = "gAAAAABoISQ24OyVRYbkYfukdJoqdzWT"

// responsesCounted is what the question for a number of tokens may have (https://platform.openai.com/docs/api-reference/responses/input-tokens).
const responsesCounted = "conversation input instructions model parallel_tool_calls previous_response_id reasoning text tool_choice tools truncation"

// Refuse is Dialect's.
func (d Responses) Refuse(r *http.Request, body map[string]any) *Refusal {
	counts := r.URL.Path == "/v1/responses/input_tokens"
	if r.URL.Path != "/v1/responses" && !counts {
		if refused := d.OpenAI.Refuse(r, body); refused != nil && refused.Status == http.StatusUnauthorized {
			return refused
		}
		return &Refusal{Status: 404, Kind: "invalid_request_error", Message: "This model is only supported in v1/responses and not in " + r.URL.Path + "."}
	}
	if r.Header.Get("Authorization") != "Bearer "+Key {
		return d.OpenAI.Refuse(r, body)
	}
	unknown := stranger(body, responsesMembers)
	if counts {
		unknown = stranger(body, responsesCounted)
	}
	most, limited := body["max_output_tokens"].(float64)
	switch {
	case unknown != "":
		return openAIWrong(unknown, "Unknown parameter: '"+unknown+"'.")
	case jsonText(body["model"]) == "":
		return openAIWrong("model", "Missing required parameter: 'model'.")
	case body["model"] != d.Model():
		return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "model_not_found", Param: "model", Message: "The requested model does not exist."}
	case limited && most < 16:
		return openAIWrong("max_output_tokens", "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.")
	case body["previous_response_id"] != nil && body["previous_response_id"] != ResponsesAnswerID:
		return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "previous_response_not_found", Param: "previous_response_id", Message: "Previous response with id '" + jsonText(body["previous_response_id"]) + "' not found."}
	}
	if refused := responsesTools(body); refused != nil {
		return refused
	}
	if text, ok := body["input"].(string); ok && text != "" {
		return nil
	}
	return responsesInput(jsonObjects(body["input"]), body["previous_response_id"] != nil)
}

func responsesTools(body map[string]any) *Refusal {
	tools := jsonObjects(body["tools"])
	for i, tool := range tools {
		at := fmt.Sprintf("tools[%d]", i)
		switch tool["type"] {
		case "function":
			if !isIdentifier(jsonText(tool["name"])) || jsonObject(tool["parameters"])["type"] != "object" {
				return openAIWrong(at, "Missing required parameter: '"+at+".name'.")
			}
			if strict, said := tool["strict"].(bool); (strict || !said) && jsonObject(tool["parameters"])["additionalProperties"] != false {
				return openAIWrong(at+".parameters", "Invalid schema for function '"+jsonText(tool["name"])+"': In context=(), 'additionalProperties' is required to be supplied and to be false.")
			}
		case "custom", "namespace", "web_search":
		default:
			return openAIWrong(at+".type", "Invalid value: '"+jsonText(tool["type"])+"'.")
		}
	}
	if choice := body["tool_choice"]; len(tools) == 0 && (choice == "required" || jsonObject(choice)["type"] == "function") {
		return openAIWrong("tool_choice", "Tool choice 'required' must be specified with 'tools' parameter.")
	}
	return nil
}

// responsesInput checks what each item is made of, and that what answers a call has one.
func responsesInput(items []map[string]any, stored bool) *Refusal {
	if len(items) == 0 {
		return openAIWrong("input", "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.")
	}
	called, answered := map[string]bool{}, map[string]bool{}
	for i, item := range items {
		at := fmt.Sprintf("input[%d]", i)
		id := jsonText(item["id"])
		if strings.Contains(id, "oneapi") {
			return &Refusal{Status: 404, Kind: "invalid_request_error", Param: "input", Message: "Item with id '" + id + "' not found."}
		}
		call := jsonText(item["call_id"])
		switch item["type"] {
		case nil, "message":
			if refused := responsesContent(item, at); refused != nil {
				return refused
			}
		case "function_call", "custom_tool_call":
			if call == "" || len(call) > 64 || jsonText(item["name"]) == "" {
				return openAIWrong(at+".call_id", "Invalid '"+at+".call_id'.")
			}
			called[call] = true
		case "function_call_output", "custom_tool_call_output":
			if !called[call] && !stored {
				return openAIWrong("input", "No tool call found for function call output with call_id "+call+".")
			}
			answered[call] = true
		case "reasoning":
			if sealed := item["encrypted_content"]; sealed != ResponsesSealed || item["summary"] == nil {
				return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "invalid_encrypted_content", Message: "The encrypted content could not be verified."}
			}
		default:
			return openAIWrong(at, "Invalid value: '"+jsonText(item["type"])+"'.")
		}
	}
	for call := range called {
		if !answered[call] {
			return openAIWrong("input", "No tool output found for function call "+call+".")
		}
	}
	return nil
}

func responsesContent(item map[string]any, at string) *Refusal {
	role := jsonText(item["role"])
	allowed := map[string]string{"user": "input_text input_image input_file", "assistant": "output_text refusal", "system": "input_text", "developer": "input_text"}[role]
	if allowed == "" {
		return openAIWrong(at+".role", "Invalid value: '"+role+"'.")
	}
	if _, ok := item["content"].(string); ok {
		return nil
	}
	parts := jsonObjects(item["content"])
	for _, part := range parts {
		if kind := jsonText(part["type"]); !strings.Contains(" "+allowed+" ", " "+kind+" ") {
			return openAIWrong(at+".content[0]", "Invalid value: '"+kind+"'. Supported values are: '"+strings.ReplaceAll(allowed, " ", "', '")+"'.")
		}
	}
	if len(parts) == 0 {
		return openAIWrong(at+".content", "Invalid type for '"+at+".content'.")
	}
	return nil
}

const responsesUsage = `{"input_tokens":25,"input_tokens_details":{"cached_tokens":10},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":32}`

// response is the whole object, in a status.
func response(status, output, usage, details string) string {
	return fmt.Sprintf(`{"id":%q,"object":"response","created_at":1741476542,"status":%q,"background":false,"error":null,"incomplete_details":%s,"instructions":null,"max_output_tokens":null,`+
		`"model":%q,"output":[%s],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":true,"temperature":1.0,`+
		`"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":%s,"user":null,"metadata":{}}`,
		ResponsesAnswerID, status, details, OpenAIAnswering, output, usage)
}

// responsesItem is an item of the answer, when it begins and when it is whole.
type responsesItem struct {
	id, open, whole string
	call            int // of a call: which one
}

func (a Answer) responsesItems() (items []responsesItem) {
	if a.Thought != "" {
		const head = `{"id":"rs_1","type":"reasoning","summary":[`
		items = append(items, responsesItem{id: "rs_1", open: head + `]}`, whole: head + `{"type":"summary_text","text":` + quoted(a.Thought) + `}],"encrypted_content":` + quoted(ResponsesSealed) + `}`})
	}
	if len(a.Text) > 0 {
		const head = `{"id":"msg_1","type":"message","role":"assistant",`
		items = append(items, responsesItem{id: "msg_1", open: head + `"status":"in_progress","content":[]}`,
			whole: head + `"status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":` + quoted(strings.Join(a.Text, "")) + `}]}`})
	}
	for i, c := range a.Calls {
		id := fmt.Sprintf("fc_%d", i)
		head := fmt.Sprintf(`{"id":%q,"type":"function_call","call_id":%q,"name":%q,`, id, c.ID, c.Name)
		items = append(items, responsesItem{call: i, id: id, open: head + `"status":"in_progress","arguments":""}`, whole: head + `"status":"completed","arguments":` + quoted(strings.Join(c.openAIArguments(), "")) + `}`})
	}
	return items
}

func (a Answer) responsesEnd() (status, details string) {
	if a.Ends == "" {
		return "completed", "null"
	}
	return "incomplete", fmt.Sprintf(`{"reason":%q}`, a.Ends)
}

// Whole is Dialect's.
func (Responses) Whole(a Answer) string {
	var all []string
	for _, item := range a.responsesItems() {
		all = append(all, item.whole)
	}
	status, details := a.responsesEnd()
	return response(status, strings.Join(all, ","), responsesUsage, details)
}

// Events is Dialect's.
func (Responses) Events(a Answer, _ map[string]any) (content, ending []string) {
	n := 0
	event := func(name, members string) string {
		n++
		return fmt.Sprintf("event: response.%s\ndata: {\"type\":\"response.%s\",\"sequence_number\":%d,%s}\n\n", name, name, n-1, members)
	}
	content = append(content, event("created", `"response":`+response("in_progress", "", "null", "null")), event("in_progress", `"response":`+response("in_progress", "", "null", "null")))
	var all []string
	for i, item := range a.responsesItems() {
		all = append(all, item.whole)
		of := fmt.Sprintf(`"item_id":%q,"output_index":%d`, item.id, i)
		content = append(content, event("output_item.added", fmt.Sprintf(`"output_index":%d,"item":%s`, i, item.open)))
		say := func(name, members string) { content = append(content, event(name, of+members)) }
		switch {
		case strings.HasPrefix(item.id, "rs_"):
			say("reasoning_summary_part.added", `,"summary_index":0,"part":{"type":"summary_text","text":""}`)
			say("reasoning_summary_text.delta", `,"summary_index":0,"delta":`+quoted(a.Thought))
			say("reasoning_summary_text.done", `,"summary_index":0,"text":`+quoted(a.Thought))
			say("reasoning_summary_part.done", `,"summary_index":0,"part":{"type":"summary_text","text":`+quoted(a.Thought)+`}`)
		case strings.HasPrefix(item.id, "msg_"):
			say("content_part.added", `,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}`)
			for _, piece := range a.Text {
				say("output_text.delta", `,"content_index":0,"delta":`+quoted(piece)+`,"logprobs":[],"obfuscation":"x1"`)
			}
			whole := quoted(strings.Join(a.Text, ""))
			say("output_text.done", `,"content_index":0,"text":`+whole+`,"logprobs":[]`)
			say("content_part.done", `,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":`+whole+`}`)
		default:
			call := a.Calls[item.call]
			for _, piece := range call.openAIArguments() {
				say("function_call_arguments.delta", `,"delta":`+quoted(piece))
			}
			say("function_call_arguments.done", `,"arguments":`+quoted(strings.Join(call.openAIArguments(), "")))
		}
		content = append(content, event("output_item.done", fmt.Sprintf(`"output_index":%d,"item":%s`, i, item.whole)))
	}
	status, details := a.responsesEnd()
	return content, []string{event(status, `"response":`+response(status, strings.Join(all, ","), responsesUsage, details))}
}

// ErrorEvent is Dialect's.
func (Responses) ErrorEvent() string {
	return "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"The server had an error while processing your request. Sorry about that!\",\"param\":null,\"sequence_number\":3}\n\n"
}
