package npm

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// retryAfter is how long the provider asks to be left alone for, in seconds. It is more than any of the programs waits for by itself at first.
const (
	retryAfter     = "3"
	longRetryAfter = 3 * time.Second
)

// trouble is what goes wrong at a provider with the first request that has tools: it is one of the turn, and not for a title or a summary.
type trouble struct {
	kind   string // one of scenesOfAgents
	always bool   // with every request
	server *standin.Server

	mu   sync.Mutex
	when []time.Time // the requests of the turn
}

func (f *trouble) asked() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Time(nil), f.when...)
}

func (f *trouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	var body map[string]any
	_ = json.Unmarshal(text, &body)
	if body["tools"] == nil && !f.always {
		f.server.ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	f.when = append(f.when, time.Now())
	n := len(f.when)
	f.mu.Unlock()
	if n > 1 && !f.always || f.kind == "turn" {
		f.server.ServeHTTP(w, r)
		return
	}
	d := f.server.Dialect
	if f.kind == "cut" {
		content, _ := d.Events(standin.Answer{Text: []string{"The file ", "says "}}, body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, strings.Join(content, ""))
		_ = http.NewResponseController(w).Flush()
		harness.ResetTCP(w)
		return
	}
	refusal := troubles[d.Type()][f.kind]
	if f.kind == "limited" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	_, _ = io.WriteString(w, d.ErrorBody(&refusal))
}

// troubles is how each provider words what goes wrong (research, and the providers' SDKs).
var troubles = map[string]map[string]standin.Refusal{
	"openai": {
		"limited": {Status: 429, Kind: "tokens", Code: "rate_limit_exceeded", Message: "Rate limit reached for gpt-4o in organization org-hidden on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. " +
			"Please try again in 3s. Visit https://platform.openai.com/account/rate-limits to learn more."},
		"overload": {Status: 503, Kind: "service_unavailable_error", Code: "server_is_overloaded", Message: "Our servers are currently overloaded. Please try again later."},
		"overflow": {Status: 400, Kind: "invalid_request_error", Code: "context_length_exceeded", Param: "messages", Message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens. " +
			"Please reduce the length of the messages."},
	},
	"anthropic": {
		"limited": {Status: 429, Kind: "rate_limit_error", Message: "This request would exceed your organization's rate limit of 30,000 input tokens per minute (org: 00000000-hidden, model: claude-sonnet-4-5). " +
			"For details, refer to: https://docs.claude.com/en/api/rate-limits."},
		"overload": {Status: 529, Kind: "overloaded_error", Message: "Overloaded"},
		"overflow": {Status: 400, Kind: "invalid_request_error", Message: "prompt is too long: 208310 tokens > 200000 maximum"},
	},
	"gemini": {
		"limited":  {Status: 429, Kind: "RESOURCE_EXHAUSTED", Message: "You exceeded your current quota, please check your plan and billing details. Please retry in 3s."},
		"overload": {Status: 503, Kind: "UNAVAILABLE", Message: "The model is overloaded. Please try again later."},
		"overflow": {Status: 400, Kind: "INVALID_ARGUMENT", Message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."},
	},
}
