package relay

import (
	"fmt"
	"net/http"
	"strings"
)

const openAIAnswerID = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"

const openAIUsage = `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":10,"audio_tokens":0},` +
	`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`

func (openAIDialect) chatter() map[string]string {
	return map[string]string{
		"Server": "cloudflare", "Set-Cookie": "__cf_bm=secret; path=/; HttpOnly", "Cf-Ray": "93f0-FRA", "X-Request-Id": "req_0a1b2c",
		"Openai-Organization": "acme-corp", "Openai-Project": "proj_hidden", "Openai-Processing-Ms": "312", "Openai-Version": "2020-10-01",
		"X-Ratelimit-Remaining-Requests": "9999", "X-Internal-Node": "10.0.0.7", "Alt-Svc": `h3=":443"`,
	}
}

// ending is the finish_reason of a turn.
func (t turn) ending(usual, withCalls string) string {
	switch {
	case t.ends != "":
		return t.ends
	case len(t.calls) > 0:
		return withCalls
	}
	return usual
}

// openAIArguments are never empty: a call without arguments has those of an empty object.
func (c toolCall) openAIArguments() []string {
	if len(c.arguments) == 0 {
		return []string{"{}"}
	}
	return c.arguments
}

func (openAIDialect) whole(t turn) string {
	content, calls := "null", ""
	if len(t.text) > 0 {
		content = quoted(strings.Join(t.text, ""))
	}
	for _, c := range t.calls {
		calls += fmt.Sprintf(`{"id":%q,"type":"function","function":{"name":%q,"arguments":%s}},`, c.id, c.name, quoted(strings.Join(c.openAIArguments(), "")))
	}
	if calls != "" {
		calls = `"tool_calls":[` + strings.TrimSuffix(calls, ",") + `],`
	}
	return fmt.Sprintf("{\n  \"id\": %q,\n  \"object\": \"chat.completion\",\n  \"created\": 1741569952,\n  \"model\": %q,\n"+
		`  "choices": [{"index":0,"message":{"role":"assistant","content":%s,%s"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":%q}],`+
		"\n  \"usage\": %s,\n  \"service_tier\": \"default\",\n  \"system_fingerprint\": \"fp_07871e2ad8\"\n}\n",
		openAIAnswerID, openAIAnswering, content, calls, t.ending("stop", "tool_calls"), openAIUsage)
}

func (openAIDialect) events(t turn, asked map[string]any) (content, ending []string) {
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
			openAIAnswerID, openAIAnswering, choices, usage, strings.Repeat("x", 1+n*5%11))
	}
	delta := func(d string) string {
		return chunk(`[{"index":0,"delta":` + d + `,"logprobs":null,"finish_reason":null}]`)
	}
	first := `""`
	if len(t.text) == 0 {
		first = "null"
	}
	content = append(content, delta(`{"role":"assistant","content":`+first+`,"refusal":null}`))
	for _, piece := range t.text {
		content = append(content, delta(`{"content":`+quoted(piece)+`}`))
	}
	for i, c := range t.calls {
		content = append(content, delta(fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":%q,"type":"function","function":{"name":%q,"arguments":""}}]}`, i, c.id, c.name)))
		for _, piece := range c.openAIArguments() {
			content = append(content, delta(fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, i, quoted(piece))))
		}
	}
	ending = append(ending, chunk(fmt.Sprintf(`[{"index":0,"delta":{},"logprobs":null,"finish_reason":%q}]`, t.ending("stop", "tool_calls"))))
	if wantsUsage {
		ending = append(ending, chunk("[]"))
	}
	return content, append(ending, "data: [DONE]\n\n")
}

func (openAIDialect) errorEvent() string {
	return `data: {"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}` + "\n\n"
}

// xaiDialect imitates xAI's API, which is OpenAI's but for its errors, its reasoning, and that it counts reasoning beside the
// completion.
type xaiDialect struct{ openAIDialect }

func (xaiDialect) name() string  { return "xai" }
func (xaiDialect) model() string { return "grok-4" }

const (
	xaiAnswering = "grok-4-0709"
	xaiReasoning = 5
)

const xaiUsage = `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":37,"prompt_tokens_details":{"text_tokens":25,"audio_tokens":0,"image_tokens":0,"cached_tokens":10},` +
	`"completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":0}`

func (d xaiDialect) refuse(r *http.Request, body map[string]any) *refusal {
	refused := d.openAIDialect.refuse(r, body)
	if refused != nil && refused.status == http.StatusUnauthorized {
		refused.status, refused.code = http.StatusBadRequest, "Client specified an invalid argument"
		refused.message = "Incorrect API key provided: sk***00. You can obtain an API key from https://console.x.ai."
	}
	return refused
}

func (xaiDialect) errorBody(r *refusal) string {
	return fmt.Sprintf(`{"code":%s,"error":%s}`, quoted(r.code), quoted(r.message))
}

func (xaiDialect) chatter() map[string]string {
	return map[string]string{"Server": "cloudflare", "X-Metrics-E2e-Ms": "411", "X-Zero-Data-Retention": "false", "Set-Cookie": "__cf_bm=secret"}
}

func (xaiDialect) asXAI(s string) string {
	return strings.NewReplacer(openAIUsage, xaiUsage, openAIAnswering, xaiAnswering, `"service_tier":"default",`, "").Replace(s)
}

func (d xaiDialect) whole(t turn) string {
	said := d.asXAI(d.openAIDialect.whole(t))
	if t.thought == "" {
		return said
	}
	return strings.Replace(said, `"role":"assistant",`, `"role":"assistant","reasoning_content":`+quoted(t.thought)+`,`, 1)
}

func (d xaiDialect) events(t turn, asked map[string]any) (content, ending []string) {
	content, ending = d.openAIDialect.events(t, asked)
	for _, events := range [][]string{content, ending} {
		for i := range events {
			events[i] = d.asXAI(events[i])
		}
	}
	if t.thought != "" {
		content[0] = strings.Replace(content[0], `"role":"assistant"`, `"role":"assistant","reasoning_content":`+quoted(t.thought), 1)
	}
	return content, ending
}

func (xaiDialect) errorEvent() string {
	return `data: {"code":"The service is currently unavailable","error":"The model is at capacity and cannot serve this request. Please try again later."}` + "\n\n"
}
