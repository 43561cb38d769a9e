package standin

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// XAI imitates xAI's API, which is OpenAI's but for its errors, its reasoning, and that it counts reasoning beside the
// completion.
type XAI struct{ OpenAI }

// Type is Dialect's.
func (XAI) Type() string { return "xai" }

// Model is Dialect's.
func (XAI) Model() string { return "grok-4" }

// The model that answers, as xAI spells it out, and how much it thinks.
const (
	XAIAnswering = "grok-4-0709"
	XAIReasoning = 5
)

const xaiUsage = `{"prompt_tokens":25,"completion_tokens":7,"total_tokens":37,"prompt_tokens_details":{"text_tokens":25,"audio_tokens":0,"image_tokens":0,"cached_tokens":10},` +
	`"completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":0}`

// Refuse is Dialect's.
func (d XAI) Refuse(r *http.Request, body map[string]any) *Refusal {
	body = maps.Clone(body)
	if messages, ok := body["messages"].([]any); ok { // it takes its thoughts back
		body["messages"] = without(messages, "reasoning_content")
	}
	refused := d.OpenAI.Refuse(r, body)
	if refused != nil && refused.Status == http.StatusUnauthorized {
		refused.Status, refused.Code = http.StatusBadRequest, "Client specified an invalid argument"
		refused.Message = "Incorrect API key provided: sk***00. You can obtain an API key from https://console.x.ai."
	}
	return refused
}

// without is messages without one of their members.
func without(messages []any, member string) []any {
	out := make([]any, len(messages))
	for i := range messages {
		out[i] = messages[i]
		if m := jsonObject(messages[i]); m != nil {
			m = maps.Clone(m)
			delete(m, member)
			out[i] = m
		}
	}
	return out
}

// ErrorBody is Dialect's.
func (XAI) ErrorBody(r *Refusal) string {
	return fmt.Sprintf(`{"code":%s,"error":%s}`, quoted(r.Code), quoted(r.Message))
}

// Headers is Dialect's.
func (XAI) Headers() map[string]string {
	return map[string]string{"Server": "cloudflare", "X-Metrics-E2e-Ms": "411", "X-Zero-Data-Retention": "false", "Set-Cookie": "__cf_bm=secret"}
}

func (XAI) asXAI(s string) string {
	return strings.NewReplacer(openAIUsage, xaiUsage, OpenAIAnswering, XAIAnswering, `"service_tier":"default",`, "").Replace(s)
}

// Whole is Dialect's.
func (d XAI) Whole(a Answer) string {
	said := d.asXAI(d.OpenAI.Whole(a))
	if a.Thought == "" {
		return said
	}
	return strings.Replace(said, `"role":"assistant",`, `"role":"assistant","reasoning_content":`+quoted(a.Thought)+`,`, 1)
}

// Events is Dialect's.
func (d XAI) Events(a Answer, asked map[string]any) (content, ending []string) {
	content, ending = d.OpenAI.Events(a, asked)
	for _, events := range [][]string{content, ending} {
		for i := range events {
			events[i] = d.asXAI(events[i])
		}
	}
	if a.Thought != "" {
		content[0] = strings.Replace(content[0], `"role":"assistant"`, `"role":"assistant","reasoning_content":`+quoted(a.Thought), 1)
	}
	return content, ending
}

// ErrorEvent is Dialect's.
func (XAI) ErrorEvent() string {
	return `data: {"code":"The service is currently unavailable","error":"The model is at capacity and cannot serve this request. Please try again later."}` + "\n\n"
}
