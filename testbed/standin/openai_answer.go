package standin

import (
	"fmt"
	"strings"
)

// OpenAIAnswerID is the id of each answer.
const OpenAIAnswerID = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"

const openAIUsage = `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":10,"audio_tokens":0},` +
	`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`

// Headers is Dialect's.
func (OpenAI) Headers() map[string]string {
	return map[string]string{
		"Server": "cloudflare", "Set-Cookie": "__cf_bm=secret; path=/; HttpOnly", "Cf-Ray": "93f0-FRA", "X-Request-Id": "req_0a1b2c",
		"Openai-Organization": "acme-corp", "Openai-Project": "proj_hidden", "Openai-Processing-Ms": "312", "Openai-Version": "2020-10-01",
		"X-Ratelimit-Remaining-Requests": "9999", "X-Internal-Node": "10.0.0.7", "Alt-Svc": `h3=":443"`,
	}
}

// ending is the finish_reason of a turn.
func (a Answer) ending(usual, withCalls string) string {
	switch {
	case a.Ends != "":
		return a.Ends
	case len(a.Calls) > 0:
		return withCalls
	}
	return usual
}

// openAIArguments are never empty: a call without arguments has those of an empty object.
func (c Call) openAIArguments() []string {
	if len(c.Arguments) == 0 {
		return []string{"{}"}
	}
	return c.Arguments
}

// Whole is Dialect's.
func (OpenAI) Whole(a Answer) string {
	content, calls := "null", ""
	if len(a.Text) > 0 {
		content = quoted(strings.Join(a.Text, ""))
	}
	for _, c := range a.Calls {
		calls += fmt.Sprintf(`{"id":%q,"type":"function","function":{"name":%q,"arguments":%s}},`, c.ID, c.Name, quoted(strings.Join(c.openAIArguments(), "")))
	}
	if calls != "" {
		calls = `"tool_calls":[` + strings.TrimSuffix(calls, ",") + `],`
	}
	return fmt.Sprintf("{\n  \"id\": %q,\n  \"object\": \"chat.completion\",\n  \"created\": 1741569952,\n  \"model\": %q,\n"+
		`  "choices": [{"index":0,"message":{"role":"assistant","content":%s,%s"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":%q}],`+
		"\n  \"usage\": %s,\n  \"service_tier\": \"default\",\n  \"system_fingerprint\": \"fp_07871e2ad8\"\n}\n",
		OpenAIAnswerID, OpenAIAnswering, content, calls, a.ending("stop", "tool_calls"), openAIUsage)
}

// Events is Dialect's.
func (OpenAI) Events(a Answer, asked map[string]any) (content, ending []string) {
	wantsUsage := jsonObject(asked["stream_options"])["include_usage"] == true
	n := 0
	chunk := func(choices string) string {
		usage := ""
		if wantsUsage {
			usage = `"usage":null,`
			if choices == "[]" {
				usage = `"usage":` + openAIUsage + `,`
			}
		}
		n++
		return fmt.Sprintf(`data: {"id":%q,"object":"chat.completion.chunk","created":1741569952,"model":%q,"service_tier":"default",`+
			`"system_fingerprint":"fp_07871e2ad8","choices":%s,%s"obfuscation":%q}`+"\n\n",
			OpenAIAnswerID, OpenAIAnswering, choices, usage, strings.Repeat("x", 1+n*5%11))
	}
	delta := func(d string) string {
		return chunk(`[{"index":0,"delta":` + d + `,"logprobs":null,"finish_reason":null}]`)
	}
	first := `""`
	if len(a.Text) == 0 {
		first = "null"
	}
	content = append(content, delta(`{"role":"assistant","content":`+first+`,"refusal":null}`))
	for _, piece := range a.Text {
		content = append(content, delta(`{"content":`+quoted(piece)+`}`))
	}
	for i, c := range a.Calls {
		content = append(content, delta(fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":%q,"type":"function","function":{"name":%q,"arguments":""}}]}`, i, c.ID, c.Name)))
		for _, piece := range c.openAIArguments() {
			content = append(content, delta(fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, i, quoted(piece))))
		}
	}
	ending = append(ending, chunk(fmt.Sprintf(`[{"index":0,"delta":{},"logprobs":null,"finish_reason":%q}]`, a.ending("stop", "tool_calls"))))
	if wantsUsage {
		ending = append(ending, chunk("[]"))
	}
	return content, append(ending, "data: [DONE]\n\n")
}

// ErrorEvent is Dialect's.
func (OpenAI) ErrorEvent() string {
	return `data: {"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}` + "\n\n"
}
