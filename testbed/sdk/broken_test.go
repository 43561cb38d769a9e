package sdk

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

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// An answer that is wrong is worse than none: whatever spoils one, an SDK must not take what is left of it for the whole.

func TestASpoiltStreamIsAnErrorForTheSDK(t *testing.T) {
	harness.Long(t)
	for _, c := range []struct {
		name     string
		fault    sdktest.Fault
		timeouts string
		outcome  string
		says     string
	}{
		{"the connection breaks", sdktest.BreaksOff, "", "upstream_reset", "the connection to the upstream broke"},
		{"it ends without its terminator", sdktest.EndsShort, "", "upstream_truncated", "ended before it was complete"},
		{"it is reset", sdktest.IsReset, "", "upstream_reset", "the connection to the upstream broke"},
		{"it falls silent", sdktest.FallsSilent, "idle: 500ms", "idle_timeout", "fell silent"},
		{"it takes longer than it may in all", sdktest.FallsSilent, "total: 2s", "idle_timeout", "fell silent"},
		{"it reports an error", sdktest.ReportsError, "", "upstream_error_event", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once ", "upon "}, Fault: c.fault})
				r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, c.timeouts))
				var pieces []string
				text, err := s.Ask(sdktest.Question{
					Relay: r, OnText: func(piece string) { pieces = append(pieces, piece) }, Header: map[string]string{"X-Request-Id": "my-id-42"},
				})
				require.Error(t, err, "the SDK takes %q for a whole answer", text)
				assert.Equal(t, []string{"Once ", "upon "}, pieces, "what had come was passed on")
				assert.Contains(t, err.Error(), c.says)
				assert.Contains(t, err.Error(), "(request id: ")
				assert.NotContains(t, err.Error(), "my-id-42", "the id is always the relay's own")
				assert.Equal(t, []string{c.outcome}, r.Outcomes(1))
				if s.Name == "Anthropic's SDK" {
					failure := s.Failure(t, err)
					assert.NotEmpty(t, failure.Kind, "the SDK knows the type")
				} else {
					var e *ssestream.StreamError
					require.True(t, errors.As(err, &e))
					assert.NotEmpty(t, harness.ErrorOf(t, string(e.Event.Data))["type"])
				}
			})
		})
	}
}

func TestWhatAProviderReportsInsideAStreamIsTold(t *testing.T) {
	says := map[string]string{"openai": "Sorry about that!", "anthropic": "Overloaded", "xai": "The model is at capacity"}
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.ReportsError}))
		_, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.ErrorContains(t, err, says[d.Name()])
		if s.Name == "Anthropic's SDK" {
			want := map[string]string{"openai": "api_error", "anthropic": "overloaded_error", "xai": "api_error"}[d.Name()]
			assert.Equal(t, want, s.Failure(t, err).Kind)
		}
	})
}

// With its finish_reason, or stop_reason, an answer is complete: the terminator that is missing behind it is written.
func TestAStreamThatLacksOnlyItsTerminatorIsCompleteForTheSDK(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		content, ending := d.Events(sdktest.Turn{Text: []string{"Once"}}, nil)
		p := sdktest.NewProvider(t, d, sdktest.Turn{RawSSE: append(content, ending[:len(ending)-1]...)})
		r := sdktest.RelayTo(t, p)
		text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, "Once", text)
		assert.Equal(t, []string{"completed"}, r.Outcomes(1))
	})
}

func TestASpoiltToolCallIsAnErrorForTheSDK(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Calls: sdktest.TwoCalls[:1], Fault: sdktest.EndsShort}))
		_, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.ErrorContains(t, err, "ended before it was complete")
	})
}

func TestASpoiltWholeAnswerIsAnErrorForTheSDK(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    sdktest.Fault
		timeouts string
		status   int
		outcome  string
	}{
		{"the connection breaks", sdktest.BreaksOff, "", 502, "upstream_truncated"},
		{"it ends in its middle", sdktest.EndsShort, "", 502, "upstream_truncated"},
		{"it is reset", sdktest.IsReset, "", 502, "upstream_reset"},
		{"it stops in its middle", sdktest.FallsSilent, "header: 50ms", 504, "header_timeout"},
		{"it takes longer than it may in all", sdktest.FallsSilent, "total: 50ms", 504, "header_timeout"},
		{"it never comes", sdktest.NeverAnswers, "header: 50ms", 504, "header_timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once upon a time"}, Calls: sdktest.TwoCalls, Fault: c.fault})
				r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, c.timeouts))
				text, err := s.Ask(sdktest.Question{Relay: r})
				require.Error(t, err)
				assert.Empty(t, text)
				failure := s.Failure(t, err)
				assert.Equal(t, c.status, failure.Status)
				assert.Contains(t, failure.Message, "(request id: "+failure.Header.Get("X-Oneapi-Request-Id")+")")
				assert.Equal(t, []string{c.outcome}, r.Outcomes(1))
			})
		})
	}
}

func TestAStreamThatNeverBeginsIsATypedError(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		p := sdktest.NewProvider(t, d, sdktest.Turn{Fault: sdktest.NeverAnswers})
		r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, "header: 50ms"))
		_, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.Error(t, err)
		assert.Equal(t, 504, s.Failure(t, err).Status)
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
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		heard := make(chan struct{})
		p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once ", "upon"}, Wait: heard})
		r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, ""), harness.WithEnv("KEEPALIVE_INTERVAL", "50ms"))
		r.Client.Transport = &listener{RoundTripper: r.Client.Transport, heard: heard}
		text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.NoError(t, err)
		assert.Equal(t, "Once upon", text)
	})
}

func TestAnErrorBehindAKeepAliveIsAnErrorForTheSDK(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		heard := make(chan struct{})
		p := sdktest.NewProvider(t, d, sdktest.Turn{Refused: &sdktest.Refusal{Status: 503, Kind: "api_error", Message: "Come back later."}, Wait: heard})
		r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, ""), harness.WithEnv("KEEPALIVE_INTERVAL", "50ms"))
		r.Client.Transport = &listener{RoundTripper: r.Client.Transport, heard: heard}
		var answer *http.Response
		text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}, Answer: &answer})
		require.ErrorContains(t, err, "Come back later.")
		assert.Empty(t, text)
		assert.Equal(t, http.StatusOK, answer.StatusCode, "the status has gone with the first keep-alive")
	})
}

// What an accumulator holds after an error is what had come, so a user who looks at it all the same sees no end in it.
func TestAnAccumulatorOfASpoiltStreamHasNoReasonForItsEnd(t *testing.T) {
	for _, d := range sdktest.Dialects {
		r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.EndsShort}))
		client := sdktest.OpenAIClient(r)
		stream := client.Chat.Completions.NewStreaming(t.Context(), sdktest.OpenAIChat())
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
