package standin

import (
	"fmt"
	"strings"
)

// AnthropicSignature is of every thought.
const AnthropicSignature = "EqoBCkgIARABGAIiQ=="

// AnthropicAnswerID is the id of each answer.
const AnthropicAnswerID = "msg_01XFDUDYJgAACzvnptvVoYEL"

// Headers is Dialect's.
func (Anthropic) Headers() map[string]string {
	return map[string]string{
		"Server": "cloudflare", "Set-Cookie": "_cfuvid=secret; path=/; HttpOnly", "Cf-Ray": "93f0-FRA", "Request-Id": "req_011CSHoEeqs5C35K2UUqR7Fy",
		"Anthropic-Organization-Id": "8f0c-hidden", "Anthropic-Ratelimit-Requests-Remaining": "3999", "Via": "1.1 google", "X-Internal-Node": "10.0.0.7",
		"Strict-Transport-Security": "max-age=31536000",
	}
}

func anthropicUsage(output int) string {
	return fmt.Sprintf(`{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":10,`+
		`"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":0},"output_tokens":%d,"service_tier":"standard","inference_geo":"not_available"}`, output)
}

func (a Answer) stopSequence() string {
	if a.Stop == "" {
		return "null"
	}
	return quoted(a.Stop)
}

// Whole is Dialect's.
func (Anthropic) Whole(a Answer) string {
	var blocks []string
	if a.Thought != "" {
		blocks = append(blocks, fmt.Sprintf(`{"type":"thinking","thinking":%s,"signature":"EqoBCkgIARABGAIiQ=="}`, quoted(a.Thought)))
	}
	if len(a.Text) > 0 {
		blocks = append(blocks, `{"type":"text","text":`+quoted(strings.Join(a.Text, ""))+`}`)
	}
	for _, c := range a.Calls {
		input := strings.Join(c.Arguments, "")
		if input == "" {
			input = "{}"
		}
		blocks = append(blocks, fmt.Sprintf(`{"type":"tool_use","id":%q,"name":%q,"input":%s}`, c.ID, c.Name, input))
	}
	return fmt.Sprintf(`{"model":%q,"id":%q,"type":"message","role":"assistant","content":[%s],"stop_reason":%q,"stop_sequence":%s,"usage":%s}`,
		AnthropicAnswering, AnthropicAnswerID, strings.Join(blocks, ","), a.ending("end_turn", "tool_use"), a.stopSequence(), anthropicUsage(Output))
}

// Events is Dialect's.
func (Anthropic) Events(a Answer, _ map[string]any) (content, ending []string) {
	event := func(name, format string, args ...any) {
		content = append(content, "event: "+name+"\ndata: "+fmt.Sprintf(`{"type":%q`+format+`}`, append([]any{name}, args...)...)+"\n\n")
	}
	event("message_start", `,"message":{"model":%q,"id":%q,"type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":%s}`,
		AnthropicAnswering, AnthropicAnswerID, anthropicUsage(1))
	index, pinged := 0, false
	block := func(start, kind, member string, pieces ...string) {
		event("content_block_start", `,"index":%d,"content_block":%s`, index, start)
		if !pinged {
			event("ping", "")
			pinged = true
		}
		for _, piece := range pieces {
			event("content_block_delta", `,"index":%d,"delta":{"type":%q,%q:%s}`, index, kind, member, quoted(piece))
		}
	}
	stop := func() {
		event("content_block_stop", `,"index":%d`, index)
		index++
	}
	if a.Thought != "" {
		block(`{"type":"thinking","thinking":"","signature":""}`, "thinking_delta", "thinking", a.Thought)
		event("content_block_delta", `,"index":%d,"delta":{"type":"signature_delta","signature":"EqoBCkgIARABGAIiQ=="}`, index)
		stop()
	}
	open := false // a fault after the last piece leaves that piece's block open
	if len(a.Text) > 0 {
		block(`{"type":"text","text":""}`, "text_delta", "text", a.Text...)
		open = true
	}
	for _, c := range a.Calls {
		if open {
			stop()
		}
		block(fmt.Sprintf(`{"type":"tool_use","id":%q,"name":%q,"input":{}}`, c.ID, c.Name), "input_json_delta", "partial_json", append([]string{""}, c.Arguments...)...)
		open = true
	}
	said := len(content)
	if open {
		stop()
	}
	event("message_delta", `,"delta":{"stop_reason":%q,"stop_sequence":%s},"usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":10,"output_tokens":%d}`,
		a.ending("end_turn", "tool_use"), a.stopSequence(), Output)
	event("message_stop", "")
	return content[:said:said], content[said:]
}

// ErrorEvent is Dialect's.
func (Anthropic) ErrorEvent() string {
	return "event: error\ndata: " + `{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}` + "\n\n"
}
