package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// WithPause sets the wait before another try at the same channel.
func WithPause(d time.Duration) RelayOption { return func(c *RelayConfig) { c.pause = d } }

const streamAnswer = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-2026\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":null}]}\n\n" +
	"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-2026\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

// AnswersAsAsked answers with a stream or whole.
func AnswersAsAsked(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.Contains(string(body), `"stream":true`) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, streamAnswer)
		return
	}
	Answers(200, WholeAnswer)(w, r)
}

func Refusing(status int) http.HandlerFunc {
	return Answers(status, `{"error":{"message":"Try again.","type":"server_error"}}`)
}

// TooLong refuses what is asked of the small model, in the words of OpenAI and of Anthropic, and answers what is asked of others.
func TooLong(small ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked struct {
			Model  string
			Stream bool
		}
		_ = json.Unmarshal(body, &asked)
		for _, model := range small {
			if asked.Model != model {
				continue
			}
			if strings.HasSuffix(r.URL.Path, "/messages") {
				Answers(400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`)(w, r)
			} else {
				Answers(400, `{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`)(w, r)
			}
			return
		}
		spoken := VoiceFor(r)
		if asked.Stream {
			Variant{Stream: true}.Header(w)
			Say(w, spoken.Opening("hello")+spoken.Closing())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		Say(w, spoken.Whole("hello"))
	}
}

const Stream = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// HalfStream is an upstream that sends one event at once and the rest when it is told to.
func HalfStream(t *testing.T) (u *Upstream, finish chan struct{}) {
	finish = make(chan struct{})
	return NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-finish:
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		case <-r.Context().Done():
		}
	}), finish
}

// OpenStream starts a stream and reads its first event.
func (r *Relay) OpenStream() (rest *bufio.Reader, close func()) {
	r.T.Helper()
	var conn net.Conn
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return conn, err
	}}
	request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(Stream))
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+Key)
	response, err := transport.RoundTrip(request)
	require.NoError(r.T, err)
	require.Equal(r.T, 200, response.StatusCode)
	rest = bufio.NewReader(response.Body)
	line, err := rest.ReadString('\n')
	require.NoError(r.T, err)
	require.Contains(r.T, line, "first")
	return rest, func() {
		_ = conn.Close() // closing the body would return before net/http's goroutine closes the connection
		_ = response.Body.Close()
	}
}

const WholeAnswer = `{"id":"c","object":"chat.completion","created":1,"model":"m-2026","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`

// Answers is an upstream's handler that says one thing at once.
func Answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// OpenAIChannel is the YAML of one channel.
func OpenAIChannel(name string, u *Upstream, more string) string {
	return fmt.Sprintf("channels:\n  - {name: %s, type: openai, base_url: %q, keys: [sk-upstream-secret], models: [m, m-other]%s}\n", name, u.URL, more)
}

const Chat = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`

func BeginAndWait(w http.ResponseWriter, r *http.Request) {
	Variant{Stream: true}.Begin(w, r, FromFaulty)
	<-r.Context().Done()
}

func OrElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

const Complained = "the provider says why"
