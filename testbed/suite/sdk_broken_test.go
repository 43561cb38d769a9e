package suite

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An answer that is wrong is worse than none: whatever spoils one, an SDK must not take what is left of it for the whole.

func TestASpoiltStreamIsAnErrorForTheSDK(t *testing.T) {
	long(t)
	for _, c := range []struct {
		name     string
		fault    fault
		timeouts string
		outcome  string
		says     string
	}{
		{"the connection breaks", breaksOff, "", "upstream_reset", "the connection to the upstream broke"},
		{"it ends without its terminator", endsShort, "", "upstream_truncated", "ended before it was complete"},
		{"it is reset", isReset, "", "upstream_reset", "the connection to the upstream broke"},
		{"it falls silent", fallsSilent, "idle: 500ms", "idle_timeout", "fell silent"},
		{"it takes longer than it may in all", fallsSilent, "total: 2s", "idle_timeout", "fell silent"},
		{"it reports an error", reportsError, "", "upstream_error_event", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyWay(t, func(t *testing.T, s sdk, d dialect) {
				t.Parallel()
				p := newProvider(t, d, turn{text: []string{"Once ", "upon "}, fault: c.fault})
				r := startRelay(t, "channels:\n"+p.channel("a", 0, c.timeouts))
				var pieces []string
				text, err := s.ask(question{
					relay: r, onText: func(piece string) { pieces = append(pieces, piece) }, header: map[string]string{"X-Request-Id": "my-id-42"},
				})
				require.Error(t, err, "the SDK takes %q for a whole answer", text)
				assert.Equal(t, []string{"Once ", "upon "}, pieces, "what had come was passed on")
				assert.Contains(t, err.Error(), c.says)
				assert.Contains(t, err.Error(), "(request id: ")
				assert.NotContains(t, err.Error(), "my-id-42", "the id is always the relay's own")
				assert.Equal(t, []string{c.outcome}, r.outcomes(1))
				if s.name == "Anthropic's SDK" {
					failure := s.failure(t, err)
					assert.NotEmpty(t, failure.kind, "the SDK knows the type")
				} else {
					var e *ssestream.StreamError
					require.True(t, errors.As(err, &e))
					assert.NotEmpty(t, errorOf(t, string(e.Event.Data))["type"])
				}
			})
		})
	}
}

func TestWhatAProviderReportsInsideAStreamIsTold(t *testing.T) {
	says := map[string]string{"openai": "Sorry about that!", "anthropic": "Overloaded", "xai": "The model is at capacity"}
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		r := relayTo(t, newProvider(t, d, turn{text: []string{"Once "}, fault: reportsError}))
		_, err := s.ask(question{relay: r, onText: func(string) {}})
		require.ErrorContains(t, err, says[d.name()])
		if s.name == "Anthropic's SDK" {
			want := map[string]string{"openai": "api_error", "anthropic": "overloaded_error", "xai": "api_error"}[d.name()]
			assert.Equal(t, want, s.failure(t, err).kind)
		}
	})
}

// With its finish_reason, or stop_reason, an answer is complete: the terminator that is missing behind it is written.
func TestAStreamThatLacksOnlyItsTerminatorIsCompleteForTheSDK(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		content, ending := d.events(turn{text: []string{"Once"}}, nil)
		p := newProvider(t, d, turn{rawSSE: append(content, ending[:len(ending)-1]...)})
		r := relayTo(t, p)
		text, err := s.ask(question{relay: r, onText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, "Once", text)
		assert.Equal(t, []string{"completed"}, r.outcomes(1))
	})
}

func TestASpoiltToolCallIsAnErrorForTheSDK(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		r := relayTo(t, newProvider(t, d, turn{calls: twoCalls[:1], fault: endsShort}))
		_, err := s.ask(question{relay: r, onText: func(string) {}})
		require.ErrorContains(t, err, "ended before it was complete")
	})
}

func TestASpoiltWholeAnswerIsAnErrorForTheSDK(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    fault
		timeouts string
		status   int
		outcome  string
	}{
		{"the connection breaks", breaksOff, "", 502, "upstream_truncated"},
		{"it ends in its middle", endsShort, "", 502, "upstream_truncated"},
		{"it is reset", isReset, "", 502, "upstream_reset"},
		{"it stops in its middle", fallsSilent, "header: 50ms", 504, "header_timeout"},
		{"it takes longer than it may in all", fallsSilent, "total: 50ms", 504, "header_timeout"},
		{"it never comes", neverAnswers, "header: 50ms", 504, "header_timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyWay(t, func(t *testing.T, s sdk, d dialect) {
				t.Parallel()
				p := newProvider(t, d, turn{text: []string{"Once upon a time"}, calls: twoCalls, fault: c.fault})
				r := startRelay(t, "channels:\n"+p.channel("a", 0, c.timeouts))
				text, err := s.ask(question{relay: r})
				require.Error(t, err)
				assert.Empty(t, text)
				failure := s.failure(t, err)
				assert.Equal(t, c.status, failure.status)
				assert.Contains(t, failure.message, "(request id: "+failure.header.Get("X-Oneapi-Request-Id")+")")
				assert.Equal(t, []string{c.outcome}, r.outcomes(1))
			})
		})
	}
}

func TestAStreamThatNeverBeginsIsATypedError(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		p := newProvider(t, d, turn{fault: neverAnswers})
		r := startRelay(t, "channels:\n"+p.channel("a", 0, "header: 50ms"))
		_, err := s.ask(question{relay: r, onText: func(string) {}})
		require.Error(t, err)
		assert.Equal(t, 504, s.failure(t, err).status)
	})
}

// listener passes answers on to an SDK and notices a keep-alive in them, which SDKs keep to themselves.
type listener struct {
	http.RoundTripper
	heard chan struct{}
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &overheard{ReadCloser: response.Body, tell: sync.OnceFunc(func() { close(l.heard) })}
	}
	return response, err
}

type overheard struct {
	io.ReadCloser
	tell func()
	tail []byte
}

func (o *overheard) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	o.tail = append(o.tail, p[:n]...)
	if bytes.Contains(o.tail, []byte(": ping\n\n")) {
		o.tell()
	}
	return n, err
}

func TestKeepAlivesInAStreamAreNothingToTheSDKs(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		heard := make(chan struct{})
		p := newProvider(t, d, turn{text: []string{"Once ", "upon"}, wait: heard})
		r := startRelay(t, "channels:\n"+p.channel("a", 0, ""), withEnv("KEEPALIVE_INTERVAL", "50ms"))
		r.client.Transport = &listener{RoundTripper: r.client.Transport, heard: heard}
		text, err := s.ask(question{relay: r, onText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, "Once upon", text)
	})
}

func TestAnErrorBehindAKeepAliveIsAnErrorForTheSDK(t *testing.T) {
	everyWay(t, func(t *testing.T, s sdk, d dialect) {
		t.Parallel()
		heard := make(chan struct{})
		p := newProvider(t, d, turn{refused: &refusal{status: 503, kind: "api_error", message: "Come back later."}, wait: heard})
		r := startRelay(t, "channels:\n"+p.channel("a", 0, ""), withEnv("KEEPALIVE_INTERVAL", "50ms"))
		r.client.Transport = &listener{RoundTripper: r.client.Transport, heard: heard}
		var answer *http.Response
		text, err := s.ask(question{relay: r, onText: func(string) {}, answer: &answer})
		require.ErrorContains(t, err, "Come back later.")
		assert.Empty(t, text)
		assert.Equal(t, http.StatusOK, answer.StatusCode, "the status has gone with the first keep-alive")
	})
}

// What an accumulator holds after an error is what had come, so a user who looks at it all the same sees no end in it.
func TestAnAccumulatorOfASpoiltStreamHasNoReasonForItsEnd(t *testing.T) {
	for _, d := range dialects {
		r := relayTo(t, newProvider(t, d, turn{text: []string{"Once "}, fault: endsShort}))
		client := openAIClient(r)
		stream := client.Chat.Completions.NewStreaming(t.Context(), openAIChat())
		var acc openaisdk.ChatCompletionAccumulator
		for stream.Next() {
			require.True(t, acc.AddChunk(stream.Current()))
		}
		require.Error(t, stream.Err())
		require.NoError(t, stream.Close())
		require.Len(t, acc.Choices, 1)
		assert.Empty(t, acc.Choices[0].FinishReason)
	}
}
