package faults

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// The fault matrix on the Responses API, its websocket and Gemini, further: how a stream is written (F6), clients that do not read (F7),
// health (F17), preambles (F18), signs of life (F19) and connections that are used again (F20).

// delta is what an answer is told in: what comes before the text, and the event that has it.
func (w formatWay) delta(text string) (before []string, delta string) {
	content, _ := w.dialect.Events(standin.Answer{Text: []string{text}}, map[string]any{})
	for i, event := range content {
		if strings.Contains(event, text) {
			return content[:i], event
		}
	}
	panic("the text is in no event")
}

// preamble is what comes before an answer and promises none of it.
func (w formatWay) preamble() (events string) {
	if w.dialect.Type() == "gemini" { // which has none of its own: a count, and nobody who speaks
		return "data: {\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":3},\"modelVersion\":\"m\"}\r\n\r\n"
	}
	before, _ := w.delta(harness.FromFaulty)
	for _, event := range before {
		if strings.Contains(event, "output_item.added") {
			break
		}
		events += event
	}
	return events
}

// spelled is a good stream, written in another way.
func spelled(text string, shape func(string) string, say func(http.ResponseWriter, string)) func(formatWay, http.ResponseWriter, *http.Request, bool) {
	if say == nil {
		say = harness.Say
	}
	return func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		content, ending := f.events(text)
		events := content + ending
		if shape != nil {
			events = shape(strings.ReplaceAll(events, "\r\n", "\n"))
		}
		w.Header().Set("Content-Type", "text/event-stream")
		say(w, events)
	}
}

func flooding(beginning func(formatWay) string) func(formatWay, http.ResponseWriter, *http.Request, bool) {
	return func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, beginning(f))
		for n := 0; n < 60<<20 && r.Context().Err() == nil; n += len(padding) {
			if _, err := w.Write([]byte(padding)); err != nil {
				return
			}
		}
	}
}

// forever says something again and again until nobody listens.
func forever(before func(formatWay) string, again string, pace time.Duration) func(formatWay, http.ResponseWriter, *http.Request, bool) {
	return func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, before(f))
		harness.Every(r, pace, func() bool {
			harness.Say(w, again)
			return true
		})
	}
}

func nothing(formatWay) string { return "" }

func content(f formatWay) string {
	events, _ := f.events(harness.FromFaulty)
	return events
}

const formatSpoken = "naïve “quotes”, 日本語, Ελληνικά, 😀"

var formatStreamFaults = []formatFault{
	{class: "F6", name: "CR LF", heard: formatSpoken, do: spelled(formatSpoken, replacing("\n", "\r\n"), nil)},
	{class: "F6", name: "lone CR", heard: formatSpoken, do: spelled(formatSpoken, replacing("\n", "\r"), nil)},
	{class: "F6", name: "multi-line data", heard: formatSpoken, do: spelled(formatSpoken, replacing(`,"`, ",\ndata: \""), nil)},
	{class: "F6", name: "a byte order mark", heard: formatSpoken, do: spelled(formatSpoken, func(events string) string { return "\uFEFF" + events }, nil)},
	{class: "F6", name: "comments", heard: formatSpoken, do: spelled(formatSpoken, replacing("data: ", ": one moment\ndata: ", "\n\n", "\n: and one more\n\n: between\n\n"), nil)},
	{class: "F6", name: "other fields", heard: formatSpoken, do: spelled(formatSpoken, replacing("data: ", "id: 7\nretry: 100\nunknown: x\nneither\ndata:"), nil)},
	{class: "F6", name: "no last line end", heard: formatSpoken, do: spelled(formatSpoken, func(events string) string { return strings.TrimRight(events, "\n") }, nil)},
	{class: "F6", name: "split inside of runes", heard: formatSpoken, do: spelled(formatSpoken, nil, func(w http.ResponseWriter, text string) {
		sayInPieces(w, text, func(at int) bool { return !utf8.RuneStart(text[at]) })
	})},
	{class: "F6", name: "lines of 70 KB", heard: strings.Repeat("日本", 70<<10/6), do: spelled(strings.Repeat("日本", 70<<10/6), nil, nil)},
	{class: "F6", name: "lines of 1 MiB", heard: strings.Repeat("日本", 1<<20/6), apart: true, do: spelled(strings.Repeat("日本", 1<<20/6), nil, nil)},
	{class: "F6", name: "a first event of 60 MiB", outcome: outcome.TooLarge, apart: true, do: flooding(func(formatWay) string { return `data: {"type":"` })},
	{class: "F6", name: "a later event of 60 MiB", outcome: outcome.TooLarge, apart: true, begun: true, do: flooding(func(f formatWay) string { return content(f) + `data: {"type":"` })},
	{class: "F6", name: "no newline at all, and the end", outcome: outcome.UpstreamTruncated, do: func(_ formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, `data: {"type":"mess`)
	}},
	{class: "F18", name: "a preamble, then an error", outcome: outcome.UpstreamErrorEvent, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, f.preamble())
		harness.Say(w, f.dialect.ErrorEvent())
	}},
	{class: "F18", name: "a preamble, then nothing", outcome: outcome.UpstreamTruncated, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, f.preamble())
	}},
	{class: "F18", name: "a preamble, then a reset", outcome: outcome.UpstreamReset, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, f.preamble())
		panic(http.ErrAbortHandler)
	}},
	{class: "F18", name: "a preamble, then silence", timeouts: "first_token: 1500ms", outcome: outcome.FirstTokenTimeout, do: func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, f.preamble())
		<-r.Context().Done()
	}},
	{class: "F19", name: "comments for ever, before content", timeouts: "first_token: 1500ms", outcome: outcome.FirstTokenTimeout, do: forever(nothing, ": one moment\n\n", 20*time.Millisecond)},
	{class: "F19", name: "comments for ever, behind a preamble", timeouts: "first_token: 1500ms", outcome: outcome.FirstTokenTimeout, do: forever(formatWay.preamble, ": one moment\n\n", 20*time.Millisecond)},
	{class: "F19", name: "comments for ever, behind content", timeouts: "header: 3s", outcome: outcome.IdleTimeout, begun: true, do: forever(content, ": one moment\n\n", 20*time.Millisecond)},
	{class: "F19", name: "single bytes for ever", timeouts: "idle: 1500ms", outcome: outcome.IdleTimeout, do: forever(func(formatWay) string { return "data: " }, "x", 20*time.Millisecond)},
	{class: "F19", name: "single bytes for ever, behind content", timeouts: "idle: 1500ms", outcome: outcome.IdleTimeout, begun: true, do: forever(func(f formatWay) string { return content(f) + "data: " }, "x", 20*time.Millisecond)},
	{class: "F20", name: "an early refusal of a large body", large: 1 << 20, ahead: true, outcome: outcome.UpstreamStatus, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.WriteHeader(http.StatusServiceUnavailable)
		harness.Say(w, f.dialect.ErrorBody(&standin.Refusal{Status: 503, Kind: "server_error", Message: harness.Complained}))
	}},
	{class: "F20", name: "a fresh connection that dies before a byte", outcome: outcome.UpstreamReset, do: func(_ formatWay, _ http.ResponseWriter, r *http.Request, _ bool) {
		_ = harness.ConnOf(r).Close()
		panic(http.ErrAbortHandler)
	}},
}

func init() {
	for _, f := range formatStreamFaults {
		f.streams = f.class != "F20"
		formatFaults = append(formatFaults, f)
	}
}

func TestAStreamOfResponsesAndGeminiArrivesHoweverItsLinesCome(t *testing.T) {
	requireFormatFaults(t, "F6")
}
func TestAPreambleOfResponsesAndGeminiIsNoContent(t *testing.T) { requireFormatFaults(t, "F18") }
func TestSignsOfLifeOfResponsesAndGeminiHoldNoCallForEver(t *testing.T) {
	requireFormatFaults(t, "F19")
}
func TestDeadConnectionsAndEarlyAnswersOfResponsesAndGemini(t *testing.T) {
	requireFormatFaults(t, "F20")
}

// TestAReusedConnectionThatDiesCostsNoCallOfResponsesAndGemini any more than one of the others.
func TestAReusedConnectionThatDiesCostsNoCallOfResponsesAndGemini(t *testing.T) {
	harness.InMatrix(t, "F20")
	for _, http2 := range []bool{false, true} {
		for _, stream := range []bool{false, true} {
			t.Run(map[bool]string{false: "HTTP 1.1", true: "HTTP 2"}[http2]+map[bool]string{false: ", whole", true: ", stream"}[stream], func(t *testing.T) {
				r, upstreams := formatScene(t, formatFault{name: "a reused connection that dies", do: func(f formatWay, w http.ResponseWriter, r *http.Request, stream bool) {
					if harness.ConnOf(r).Requests.Add(1) > 1 {
						_ = harness.ConnOf(r).Close()
						panic(http.ErrAbortHandler)
					}
					f.answer(w, stream, harness.FromFaulty)
				}}, stream, false, http2)
				before, asked := runtime.NumGoroutine(), 0
				for range 3 {
					for _, w := range formatWays {
						if w.socket && !stream {
							continue
						}
						asked++
						text, complete, _ := w.ask(context.Background(), r, stream, func() {})
						require.True(t, complete && strings.Contains(text, harness.FromFaulty), "%s: %s", w.name, text)
					}
				}
				for _, o := range r.Outcomes(asked) {
					require.Equal(t, "completed", o)
				}
				require.Len(t, r.Recorded(), asked, "once each")
				require.Greater(t, upstreams[0].Requests.Load(), int64(asked), "connections were used again, and died")
				r.Eventually("connections to upstreams", func() bool {
					r.Server.Pool().Close()
					return r.OpenConnections() == 0
				})
				r.RequireQuiet(before, upstreams...)
			})
		}
	}
}

// TestClientsOfResponsesAndGeminiThatStopReadingLoseTheirCalls, also over a websocket.
func TestClientsOfResponsesAndGeminiThatStopReadingLoseTheirCalls(t *testing.T) {
	harness.InMatrix(t, "F7")
	for _, http2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP 1.1", true: "HTTP 2"}[http2], func(t *testing.T) {
			r, upstreams := formatScene(t, formatFault{name: "a client that stops reading", do: func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
				w.Header().Set("Content-Type", "text/event-stream")
				before, delta := f.delta(padding[:32<<10])
				harness.Say(w, strings.Join(before, ""))
				for r.Context().Err() == nil {
					if _, err := w.Write([]byte(delta)); err != nil {
						return
					}
				}
			}}, true, false, http2, harness.WithListener(harness.Narrow), harness.WithEnv("CLIENT_WRITE_TIMEOUT", "100ms"))
			requireStalled(t, r, upstreams, formatWays, true)
		})
	}
}

// TestHealthAnswersWhileCallsOfResponsesAndGeminiHang before their header, and in the midst of a stream.
func TestHealthAnswersWhileCallsOfResponsesAndGeminiHang(t *testing.T) {
	harness.InMatrix(t, "F17")
	r, upstreams := formatScene(t, formatFault{name: "calls that hang", do: func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
		if f.socket || f.gemini {
			f.begin(w, harness.FromFaulty)
		}
		<-r.Context().Done()
	}}, true, false, false)
	before := runtime.NumGoroutine()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	const each = 10
	var calls sync.WaitGroup
	for _, w := range formatWays {
		for range each {
			calls.Go(func() { w.ask(ctx, r, true, func() {}) })
		}
	}
	r.Eventually("all hang", func() bool { return upstreams[0].Open.Load() == int64(each*len(formatWays)) })
	for range 20 {
		status, health := r.Get("/api/monitor/health")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ok", health["status"])
		require.EqualValues(t, each*len(formatWays), health["in_flight"])
	}
	leave()
	calls.Wait()
	r.Outcomes(each * len(formatWays))
	r.Eventually("connections to upstreams", func() bool {
		r.Server.Pool().Close()
		return r.OpenConnections() == 0
	})
	r.RequireQuiet(before, upstreams...)
}

// requireStalled has a client of each way that stops reading, and all of them lose their calls.
func requireStalled(t *testing.T, r *harness.Relay, upstreams []*harness.Upstream, ways []formatWay, stream bool) {
	t.Helper()
	before := runtime.NumGoroutine()
	r.Client = harness.LazyClient()
	done := make(chan struct{})
	var calls sync.WaitGroup
	for _, w := range ways {
		calls.Go(func() { _, _, _ = w.ask(context.Background(), r, stream, func() { <-done }) })
	}
	outcomes := r.Outcomes(len(ways))
	close(done)
	calls.Wait()
	for i, o := range outcomes {
		require.Equal(t, "client_stalled", o, r.Attempt(i).Channel.Name)
	}
	r.Client.CloseIdleConnections()
	r.Eventually("connections to upstreams", func() bool {
		r.Server.Pool().Close()
		return r.OpenConnections() == 0
	})
	r.RequireQuiet(before, upstreams...)
}
