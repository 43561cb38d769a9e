package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// The fault matrix on the formats and the websockets that the other tests of it are not about: the Responses API, over HTTP and over its
// websocket, and Gemini's, natively and converted. Each fault is done to all of them at once, whole and streamed, by the only channel and
// by the first of two, over HTTP/1.1 and over HTTP/2: in turn or, where every two circumstances are to come together, over both.

// formatWay is a client's format and a channel's.
type formatWay struct {
	name    string
	dialect standin.Dialect // of the channel
	options string
	gemini  bool       // the client is one of Gemini's; else of the Responses API
	socket  bool       // over its websocket
	large   int        // how long what it says is; 0: a word
	media   *mediaKind // the client is one of OpenAI's media; nil: of a conversation
}

var formatWays = []formatWay{
	{name: "responses", dialect: standin.Responses{}, options: ", api: responses"},
	{name: "responses-to-chat", dialect: standin.OpenAI{}},
	{name: "responses-to-messages", dialect: standin.Anthropic{}},
	{name: "responses-to-gemini", dialect: standin.Gemini{}},
	{name: "websocket", dialect: standin.Responses{}, options: ", api: responses", socket: true},
	{name: "websocket-to-messages", dialect: standin.Anthropic{}, socket: true},
	{name: "gemini", dialect: standin.Gemini{}, gemini: true},
	{name: "gemini-to-chat", dialect: standin.OpenAI{}, gemini: true},
	{name: "gemini-to-messages", dialect: standin.Anthropic{}, gemini: true},
}

// events is an answer as a stream: all but its end, and that.
func (w formatWay) events(text string) (content, ending string) {
	c, e := w.dialect.Events(standin.Answer{Text: []string{text}}, map[string]any{"stream_options": map[string]any{"include_usage": true}})
	return strings.Join(c, ""), strings.Join(e, "")
}

func (w formatWay) answer(rw http.ResponseWriter, stream bool, text string) {
	if !stream {
		rw.Header().Set("Content-Type", "application/json")
		harness.Say(rw, w.dialect.Whole(standin.Answer{Text: []string{text}}))
		return
	}
	w.begin(rw, text)
	_, ending := w.events(text)
	harness.Say(rw, ending)
}

// begin says all but the end of a stream.
func (w formatWay) begin(rw http.ResponseWriter, text string) {
	rw.Header().Set("Content-Type", "text/event-stream")
	content, _ := w.events(text)
	harness.Say(rw, content)
}

// ask makes the way's call. complete means that the client knows that it has all of the answer, honest that it was told of an error.
func (w formatWay) ask(ctx context.Context, r *harness.Relay, stream bool, opened func()) (text string, complete, honest bool) {
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	if w.socket {
		return w.askSocket(ctx, r, opened)
	}
	if w.media != nil {
		return w.askMedia(ctx, r, stream, opened)
	}
	said := "hi" + strings.Repeat(" there", w.large/6)
	path, body := "/v1/responses", fmt.Sprintf(`{"model":%q,"stream":%t,"input":%q}`, w.name, stream, said)
	if w.gemini {
		path, body = "/v1beta/models/"+w.name+":generateContent", fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":%q}]}]}`, said)
		if stream {
			path = "/v1beta/models/" + w.name + ":streamGenerateContent?alt=sse"
		}
	}
	response, err := r.Post(ctx, path, body)
	if err != nil {
		return "", false, false
	}
	defer func() { _ = response.Body.Close() }()
	opened()
	all, err := io.ReadAll(response.Body)
	text = string(all)
	switch {
	case err != nil:
		return text, false, false
	case response.StatusCode != http.StatusOK:
		return text, false, strings.Contains(text, `"error"`) && json.Valid(all)
	case w.gemini:
		return text, strings.Contains(text, `"finishReason":"STOP"`) || strings.Contains(text, `"finishReason": "STOP"`), strings.Contains(text, `"error"`)
	case stream:
		return text, strings.Contains(text, `"type":"response.completed"`), strings.Contains(text, `"type":"response.failed"`)
	}
	return text, strings.Contains(text, `"status":"completed"`), false
}

func (w formatWay) askSocket(ctx context.Context, r *harness.Relay, opened func()) (text string, complete, honest bool) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	conn, _, err := websocket.Dial(ctx, r.URL+"/v1/responses", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}},
	})
	if err != nil {
		return "", false, false
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	if conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"type":"response.create","model":%q,"input":"hi"}`, w.name)) != nil {
		return "", false, false
	}
	opened()
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return text, false, false
		}
		text += string(message) + "\n"
		var event struct{ Type string }
		_ = json.Unmarshal(message, &event)
		switch event.Type {
		case "response.completed":
			return text, true, false
		case "response.failed", "error":
			return text, false, true
		}
	}
}

// formatFault is what the channel that fails does.
type formatFault struct {
	class, name string
	timeouts    string
	do          func(f formatWay, w http.ResponseWriter, r *http.Request, stream bool)
	outcome     outcome.Outcome
	begun       bool        // a stream has begun by then: nobody else is asked
	streams     bool        // it is one of streams only
	heard       string      // it is none, and this arrives
	apart       bool        // one way after the other, for its size
	large       int         // what clients say is so long
	ahead       bool        // it does not wait for a request's body
	ways        []formatWay // nil: formatWays
}

func (f formatFault) all() []formatWay {
	if f.ways == nil {
		return formatWays
	}
	return f.ways
}

var formatFaults = []formatFault{
	{class: "F2", name: "an error whose body is reset half-way", outcome: outcome.UpstreamStatus, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.WriteHeader(http.StatusInternalServerError)
		harness.Say(w, `{"error":{"mess`)
		panic(http.ErrAbortHandler)
	}},
	{class: "F2", name: "an error", outcome: outcome.UpstreamStatus, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.WriteHeader(http.StatusServiceUnavailable)
		harness.Say(w, f.dialect.ErrorBody(&standin.Refusal{Status: 503, Kind: "server_error", Message: harness.Complained}))
	}},
	{class: "F3", name: "a web page", outcome: outcome.UpstreamMalformed, do: func(_ formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/html")
		harness.Say(w, "<html><body>welcome</body></html>")
	}},
	{class: "F8", name: "silence before the header", timeouts: "header: 1500ms", outcome: outcome.HeaderTimeout, do: func(_ formatWay, _ http.ResponseWriter, r *http.Request, _ bool) {
		<-r.Context().Done()
	}},
	{class: "F8", name: "silence in the middle", timeouts: "idle: 300ms", outcome: outcome.IdleTimeout, begun: true, streams: true, do: func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
		f.begin(w, harness.FromFaulty)
		<-r.Context().Done()
	}},
	{class: "F10", name: "a reset before the header", outcome: outcome.UpstreamReset, do: func(formatWay, http.ResponseWriter, *http.Request, bool) {
		panic(http.ErrAbortHandler)
	}},
	{class: "F10", name: "a reset in the middle", outcome: outcome.UpstreamReset, begun: true, streams: true, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		f.begin(w, harness.FromFaulty)
		panic(http.ErrAbortHandler)
	}},
	{class: "F14", name: "an error event in the place of content", outcome: outcome.UpstreamErrorEvent, streams: true, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, f.dialect.ErrorEvent())
	}},
	{class: "F14", name: "an error event behind content", outcome: outcome.UpstreamErrorEvent, begun: true, streams: true, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		f.begin(w, harness.FromFaulty)
		harness.Say(w, f.dialect.ErrorEvent())
	}},
	{class: "F14", name: "a stream without its end", outcome: outcome.UpstreamTruncated, begun: true, streams: true, do: func(f formatWay, w http.ResponseWriter, _ *http.Request, _ bool) {
		f.begin(w, harness.FromFaulty)
	}},
}

// formatScene is a relay with a channel for each way, and perhaps a healthy one behind each.
func formatScene(t *testing.T, fault formatFault, stream, second, http2 bool, options ...harness.RelayOption) (*harness.Relay, []*harness.Upstream) {
	t.Helper()
	over := harness.PlainHTTP
	if http2 {
		over = harness.TlsHTTP2
	}
	byName := map[string]formatWay{}
	for _, w := range fault.all() {
		byName[w.name] = w
	}
	upstreams := []*harness.Upstream{harness.NewUpstreamAhead(t, over, fault.ahead, func(w http.ResponseWriter, r *http.Request) {
		of := byName[r.Header.Get(caseHeader)]
		fault.do(of, w, r, stream || of.socket)
	})}
	if second {
		upstreams = append(upstreams, harness.NewUpstreamOver(t, over, func(w http.ResponseWriter, r *http.Request) {
			of := byName[r.Header.Get(caseHeader)]
			of.answer(w, stream || of.socket, harness.FromHealthy)
		}))
	}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, w := range fault.all() {
		for i, u := range upstreams {
			timeouts := ""
			if i == 0 {
				timeouts = fault.timeouts
			}
			fmt.Fprintf(&yaml, "  - {name: %s-%d, type: %s, base_url: %q, keys: [%s], models: [%s], priority: %d, timeouts: {%s}, headers: {%s: %q}%s}\n",
				w.name, i, w.dialect.Type(), u.URL, standin.Key, w.name, -i, timeouts, caseHeader, w.name, w.options)
		}
	}
	r := harness.StartRelay(t, yaml.String(), append(options, harness.Trusting(upstreams...), harness.WithEnv("RETRY_TIMES", fmt.Sprint(len(upstreams)-1)))...)
	version := "HTTP 1.1"
	if http2 {
		version = "HTTP 2"
	}
	kind, size := map[bool]string{true: "stream", false: "whole"}[stream], "small"
	if fault.large > 64<<10 {
		size = "large"
	}
	position := map[bool]string{true: "first of two", false: "only one"}[second]
	r.Tried = func() (all []harness.Tried) {
		for _, w := range fault.all() {
			if stream || !w.socket {
				all = append(all, harness.Tried{About: fault.name, Under: []string{version, size, kind, position, w.name}})
			}
		}
		return all
	}
	return r, upstreams
}

// requireFormatFaults does all faults of a class to all ways.
func requireFormatFaults(t *testing.T, class string) {
	harness.InMatrix(t, class)
	requireFaults(t, class, formatFaults)
}

func requireFaults(t *testing.T, class string, faults []formatFault) {
	for n, fault := range faults {
		if fault.class != class {
			continue
		}
		for _, stream := range []bool{true, false} {
			for _, second := range []bool{true, false} {
				if !stream && fault.streams {
					continue
				}
				for _, http2 := range []bool{true, false} {
					inTurn := http2 == ((n+harness.Number(stream)+harness.Number(second))%2 == 0)
					if !inTurn && harness.Thorough() <= harness.EachOnce {
						continue
					}
					t.Run(fmt.Sprintf("%s, stream %t, second %t, HTTP 2 %t", fault.name, stream, second, http2), func(t *testing.T) {
						harness.Matrix.StandsFor(t)
						requireFormatFault(t, fault, stream, second, http2)
					})
				}
			}
		}
	}
}

func requireFormatFault(t *testing.T, fault formatFault, stream, second, http2 bool) {
	r, upstreams := formatScene(t, fault, stream, second, http2)
	before := runtime.NumGoroutine()
	var calls sync.WaitGroup
	type heard struct {
		text             string
		complete, honest bool
	}
	var mu sync.Mutex
	all := map[string]heard{}
	for _, w := range fault.all() {
		if w.socket && !stream {
			continue
		}
		w.large = fault.large
		if fault.apart {
			calls.Wait()
		}
		calls.Go(func() {
			text, complete, honest := w.ask(context.Background(), r, stream, func() {})
			mu.Lock()
			defer mu.Unlock()
			all[w.name] = heard{text, complete, honest}
		})
	}
	calls.Wait()
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == len(all) })
	r.Eventually("connections to upstreams", func() bool {
		r.Server.Pool().Close()
		return r.OpenConnections() == 0
	})
	r.RequireQuiet(before, upstreams...)
	for name, h := range all {
		require.NotContains(t, h.text, standin.Key, name)
		switch {
		case fault.heard != "":
			require.True(t, h.complete && !h.honest && strings.Contains(h.text, fault.heard), "%s: %.2000s", name, h.text)
		case second && !fault.begun:
			require.True(t, h.complete && !h.honest, "%s: %s", name, h.text)
			require.Contains(t, h.text, harness.FromHealthy, name)
			require.NotContains(t, h.text, harness.FromFaulty, name)
		default:
			require.True(t, h.honest && !h.complete, "%s: %.2000s", name, h.text)
			require.NotContains(t, h.text, harness.FromHealthy, "%s: no second answer behind the first", name)
		}
		for _, a := range r.Recorded() {
			if a.Channel.Name == name+"-0" {
				require.Equal(t, fault.outcome.String(), a.Outcome.String(), "%s: %s", name, h.text)
			}
		}
	}
}

func TestErrorsOfResponsesAndGeminiAreHonest(t *testing.T)            { requireFormatFaults(t, "F2") }
func TestWhatIsNoAnswerOfResponsesAndGeminiIsUnderstood(t *testing.T) { requireFormatFaults(t, "F3") }
func TestSilenceOfResponsesAndGeminiIsBounded(t *testing.T)           { requireFormatFaults(t, "F8") }
func TestResetsOfResponsesAndGeminiAreUnderstood(t *testing.T)        { requireFormatFaults(t, "F10") }
func TestErrorsInsideResponsesAndGeminiAreUnderstood(t *testing.T)    { requireFormatFaults(t, "F14") }

// TestClientsOfResponsesAndGeminiThatLeaveTakeTheirCallsAlong is for all of them in the midst of a stream, and before its header.
func TestClientsOfResponsesAndGeminiThatLeaveTakeTheirCallsAlong(t *testing.T) {
	harness.InMatrix(t, "F1")
	for _, begun := range []bool{true, false} {
		t.Run(map[bool]string{true: "in the midst of a stream", false: "before the header"}[begun], func(t *testing.T) {
			var there, gone atomic.Int64
			fault := formatFault{name: "the client leaves", do: func(f formatWay, w http.ResponseWriter, r *http.Request, _ bool) {
				if begun {
					f.begin(w, harness.FromFaulty)
				}
				there.Add(1)
				<-r.Context().Done()
				gone.Add(1)
			}}
			r, upstreams := formatScene(t, fault, true, true, begun)
			before := runtime.NumGoroutine()
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			var calls sync.WaitGroup
			for _, w := range formatWays {
				calls.Go(func() { w.ask(ctx, r, true, func() {}) })
			}
			r.Eventually("every upstream was asked", func() bool { return there.Load() == int64(len(formatWays)) })
			leave()
			calls.Wait()
			r.Eventually("every upstream has seen its request end", func() bool { return gone.Load() == int64(len(formatWays)) })
			for _, o := range r.Outcomes(len(formatWays)) {
				require.Equal(t, "client_gone", o)
			}
			r.Eventually("connections to upstreams", func() bool {
				r.Server.Pool().Close()
				return r.OpenConnections() == 0
			})
			r.RequireQuiet(before, upstreams...)
		})
	}
}
