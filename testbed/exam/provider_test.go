package exam

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// provider is a kind of provider that surfaces are served by.
type provider struct {
	name      string
	kind      string // of its channel
	model     string
	options   string
	dialect   standin.Dialect // nil: it is Bedrock's
	thinks    bool            // it says what it thinks
	signature string          // of what it thinks, and wants back; empty: it has none
	schemas   bool            // it is sent a JSON schema for its answers; else it is asked in words
	documents bool            // it takes a PDF
	begun     int             // writes of a stream up to the first piece of text
	usage     wire.Usage      // of an answer, as it is counted
	length    string          // its word for an answer that is as long as it may be,
	filter    string          // and for one that its filter has stopped
}

var (
	openAIUsage    = wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}
	anthropicUsage = wire.Usage{Uncached: 12, CacheRead: 10, CacheWrite5m: 3, Text: 7}
)

// providers are the kinds that there are.
func providers() []provider {
	var deepSeek standin.Vendor
	for _, v := range standin.Vendors() {
		if v.Type() == "deepseek" {
			deepSeek = v
		}
	}
	return []provider{
		{name: "openai", kind: "openai", options: ", api: chat", dialect: standin.OpenAI{}, schemas: true, documents: true, begun: 2, usage: openAIUsage, length: "length", filter: "content_filter"},
		{name: "openai responses", kind: "openai", options: ", api: responses", dialect: standin.Responses{}, thinks: true, signature: standin.ResponsesSealed, schemas: true, documents: true, begun: 5, usage: openAIUsage, length: "max_output_tokens", filter: "content_filter"},
		{name: "anthropic", kind: "anthropic", dialect: standin.Anthropic{}, thinks: true, signature: standin.AnthropicSignature, schemas: true, documents: true, begun: 4, usage: anthropicUsage, length: "max_tokens", filter: "refusal"},
		{name: "gemini", kind: "gemini", dialect: standin.Gemini{}, thinks: true, schemas: true, documents: true, begun: 1, usage: openAIUsage, length: "MAX_TOKENS", filter: "SAFETY"},
		{name: "bedrock claude", kind: "bedrock", model: standin.BedrockClaude, thinks: true, signature: standin.BedrockSignature, schemas: true, documents: true, begun: 3, usage: anthropicUsage, length: "max_tokens", filter: "refusal"},
		{name: "bedrock nova", kind: "bedrock", model: standin.BedrockNova, thinks: true, signature: standin.BedrockSignature, documents: true, begun: 2,
			usage: wire.Usage{Uncached: 12, CacheRead: 10, CacheWrite5m: 2, CacheWrite1h: 1, Text: 7}, length: "max_tokens", filter: "guardrail_intervened"},
		{name: "deepseek", kind: "deepseek", dialect: deepSeek, thinks: true, begun: 2, usage: openAIUsage, length: "length", filter: "content_filter"},
	}
}

// scene is a relay in front of a provider.
type scene struct {
	*harness.Relay
	provider
	u       *harness.Upstream
	asked   func() []standin.Asked
	refused func() []string
	spoils  atomic.Pointer[spoiling]
	fails   atomic.Pointer[standin.Refusal] // an error instead of an answer; nil: none
	figures map[string]string               // what of an answer is changed on its way
}

// spoiling is how a stream goes wrong once its first piece of text has been written.
type spoiling struct {
	after int // writes
	then  func(w http.ResponseWriter, r *http.Request)
}

// stage is a relay in front of a provider that gives these answers.
func (p provider) stage(t *testing.T, answers ...standin.Answer) *scene {
	t.Helper()
	return p.staged(t, nil, answers...)
}

func (p provider) staged(t *testing.T, figures map[string]string, answers ...standin.Answer) *scene {
	t.Helper()
	s := &scene{provider: p, figures: figures}
	var handle http.Handler
	key := standin.Key
	if p.dialect == nil {
		bedrock := &standin.Bedrock{Answers: answers}
		handle, s.asked, s.refused = bedrock, bedrock.Asked, bedrock.Refused
		key = standin.BedrockID + ":" + standin.BedrockSecret
		s.options += ", region: us-east-1"
	} else {
		server := &standin.Server{Dialect: p.dialect, Answers: answers}
		handle, s.asked, s.refused = server, server.Asked, server.Refused
		s.model = p.dialect.Model()
	}
	s.u = harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if e := s.fails.Load(); e != nil {
			s.fail(w, e)
			return
		}
		handle.ServeHTTP(&wayOut{w, r, s, 0}, r)
	})
	s.Relay = harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [%q], models: [m], model_mapping: {m: %q}%s}\n", p.kind, s.u.URL, key, s.model, s.options),
		harness.WithEnv("RETRY_TIMES", "0"))
	return s
}

// wayOut is the upstream's way out, where its stream may be spoilt.
type wayOut struct {
	http.ResponseWriter
	r *http.Request
	*scene
	n int
}

// Unwrap is http.ResponseController's.
func (w *wayOut) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *wayOut) Write(p []byte) (int, error) {
	spoil := w.spoils.Load()
	if w.n++; spoil != nil && w.n > spoil.after {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		spoil.then(w.ResponseWriter, w.r)
		return len(p), nil
	}
	said := string(p)
	for from, to := range w.figures {
		said = strings.ReplaceAll(said, from, to)
	}
	_, err := io.WriteString(w.ResponseWriter, said)
	return len(p), err
}

// spoil has the provider's next streams go wrong.
func (s *scene) spoil(after int, then func(w http.ResponseWriter, r *http.Request)) {
	s.spoils.Store(&spoiling{after, then})
}

// fail says an error as the provider words it.
func (s *scene) fail(w http.ResponseWriter, e *standin.Refusal) {
	body := `{"message":` + quoted(e.Message) + `}`
	if s.dialect == nil {
		w.Header().Set("X-Amzn-Errortype", e.Kind+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	} else {
		body = s.dialect.ErrorBody(e)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(e.Status)
	_, _ = io.WriteString(w, body)
}

// quiet is how many writes of a stream promise nothing: a client of the provider's own format is passed the beginnings of items.
func (p provider) quiet(q surface) int {
	if p.name == "openai responses" && (q.name == "responses" || q.name == "websocket") {
		return 2
	}
	return p.begun - 1
}

// lastAsked is what the provider was sent last.
func (s *scene) lastAsked() string {
	s.T.Helper()
	all := s.asked()
	require.NotEmpty(s.T, all)
	return string(all[len(all)-1].Text)
}

// everywhere runs a test for each surface in front of each provider, and for whole answers and streams.
func everywhere(t *testing.T, test func(t *testing.T, q surface, p provider, stream bool), but ...string) {
	t.Helper()
	for _, q := range surfaces {
		for _, p := range providers() {
			if slices.Contains(but, p.name) {
				continue
			}
			for _, stream := range []bool{false, true} {
				if stream && !q.streams || !stream && q.onlyStreams {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, streamed %v", q.name, p.name, stream), func(t *testing.T) {
					t.Parallel()
					test(t, q, p, stream)
				})
			}
		}
	}
}
