package failover

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// More that spoils an answer: what cannot be read, what is too much, and a relay that has to stop.

// TestAStreamThatCannotBeReadIsAnErrorForTheSDK: what comes behind the chunk that is spoilt would look like a good end.
func TestAStreamThatCannotBeReadIsAnErrorForTheSDK(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, malformedAfterTen(d)))
		text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
		require.ErrorContains(t, err, "could not be understood")
		assert.Equal(t, strings.Join(sixtyWords()[:10], ""), text)
		assert.Equal(t, []string{"upstream_malformed"}, r.Outcomes(1))
	})
}

func TestAWholeAnswerThatCannotBeReadIsAnErrorForTheSDK(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"JSON that is wrong":   func(s string) string { return strings.Replace(s, "Once", `On"ce`, 1) },
		"two answers":          func(s string) string { return s + s },
		"no answer but a page": func(string) string { return "<!doctype html><title>502 Bad Gateway</title>" },
		"no object":            func(string) string { return "null" },
	} {
		t.Run(name, func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Raw: spoil(d.Whole(sdktest.Turn{Text: []string{"Once"}}))}))
				_, err := s.Ask(sdktest.Question{Relay: r})
				require.Error(t, err)
				assert.Equal(t, 502, s.Failure(t, err).Status)
				assert.Equal(t, []string{"upstream_malformed"}, r.Outcomes(1))
			})
		})
	}
}

// endless is a provider's answer that does not end: its beginning, and then the same again and again.
func endless(w http.ResponseWriter, r *http.Request, kind, beginning string) {
	w.Header().Set("Content-Type", kind)
	_, _ = io.WriteString(w, beginning)
	sdktest.FlushOut(w)
	for more := strings.Repeat("x", 1<<20); r.Context().Err() == nil; {
		if _, err := io.WriteString(w, more); err != nil {
			return
		}
	}
}

// TestAnAnswerThatIsTooLargeIsAnErrorForTheSDK is not parallel: each way reads as much as the relay keeps at most.
func TestAnAnswerThatIsTooLargeIsAnErrorForTheSDK(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		if d.Name() == "xai" {
			t.Skip("reads as OpenAI's channels do, and this is slow")
		}
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("stream %t", stream), func(t *testing.T) {
				p := newFlaky(t, d, func(_ int, w http.ResponseWriter, r *http.Request) bool {
					if stream {
						content, _ := d.Events(sdktest.Turn{Text: []string{"Once "}}, nil)
						endless(w, r, "text/event-stream", strings.Join(content, "")+"data: {\"x\":\"")
					} else {
						endless(w, r, "application/json", `{"x":"`)
					}
					return true
				}, sdktest.Turn{})
				r := alone(t, p, "")
				q := sdktest.Question{Relay: r.Relay}
				if stream {
					q.OnText = func(string) {}
				}
				text, err := s.Ask(q)
				require.Error(t, err)
				assert.Equal(t, map[bool]string{true: "Once "}[stream], text)
				if stream {
					assert.ErrorContains(t, err, "larger than the relay accepts")
				} else {
					assert.Equal(t, 502, s.Failure(t, err).Status)
					assert.Contains(t, s.Failure(t, err).Message, "larger than the relay accepts")
				}
				assert.Equal(t, []string{"too_large"}, r.Outcomes(1))
			})
		}
	})
}

// TestARelayThatHasToStopIsAnErrorForTheSDK: the call outlasts the time that it is given to end.
func TestARelayThatHasToStopIsAnErrorForTheSDK(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream %t", stream), func(t *testing.T) {
			sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once ", "upon "}, Fault: sdktest.FallsSilent})
				r := sdktest.RelayTo(t, p, harness.WithEnv("SHUTDOWN_TIMEOUT", "0.05"))
				q := sdktest.Question{Relay: r}
				if stream {
					q.OnText = func(piece string) {
						if piece == "upon " {
							r.Stop()
						}
					}
				} else {
					go func() {
						assert.Eventually(t, func() bool { return p.Requests.Load() == 1 }, harness.Patience, time.Millisecond)
						r.Stop()
					}()
				}
				text, err := s.Ask(q)
				require.Error(t, err)
				assert.Equal(t, map[bool]string{true: "Once upon "}[stream], text)
				if stream {
					assert.ErrorContains(t, err, "shutting down")
				} else {
					assert.Equal(t, 503, s.Failure(t, err).Status)
					assert.Contains(t, s.Failure(t, err).Message, "shutting down")
				}
				assert.Equal(t, []string{"shutdown"}, r.Outcomes(1))
				require.ErrorIs(t, <-r.Ended, relay.ErrCut)
				r.Ended <- nil // for the harness
			})
		})
	}
}

// TestASpoiltStreamHasNothingThatLooksLikeAnEnd looks at the events themselves, as a client does that is no SDK.
func TestASpoiltStreamHasNothingThatLooksLikeAnEnd(t *testing.T) {
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		for _, f := range []sdktest.Fault{sdktest.BreaksOff, sdktest.IsReset, sdktest.EndsShort, sdktest.ReportsError} {
			r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Once "}, Fault: f}))
			_, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
			require.Error(t, err)
			path := "/v1/chat/completions"
			if s.Name == "Anthropic's SDK" {
				path = "/v1/messages"
			}
			_, answer, _ := r.Ask(path, `{"model":"m","stream":true,"max_tokens":10,"messages":[{"role":"user","content":"Hi!"}]}`)
			events := strings.Split(strings.TrimSpace(answer), "\n\n")
			assert.Contains(t, events[len(events)-1], `"error"`, "the last event")
			for _, end := range []string{"[DONE]", "message_stop", "message_delta", `"finish_reason":"stop"`} {
				assert.NotContains(t, answer, end)
			}
		}
	})
}

// TestTheSDKKnowsWhatKindOfErrorEndedAStream keeps what the status would have said where there is none any more.
func TestTheSDKKnowsWhatKindOfErrorEndedAStream(t *testing.T) {
	p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Once "}, Fault: sdktest.BreaksOff})
	r := sdktest.RelayTo(t, p)
	client := sdktest.OpenAIClient(r)
	stream := client.Chat.Completions.NewStreaming(t.Context(), sdktest.OpenAIChat())
	for stream.Next() {
		require.NotEmpty(t, stream.Current().Choices)
	}
	var failure *ssestream.StreamError
	require.True(t, errors.As(stream.Err(), &failure))
	require.Equal(t, "upstream_reset", harness.ErrorOf(t, string(failure.Event.Data))["code"])
	var api *openaisdk.Error
	require.False(t, errors.As(stream.Err(), &api), "an error of the API has a status of its own")
	require.NoError(t, stream.Close())
}
