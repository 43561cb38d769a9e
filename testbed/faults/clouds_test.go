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
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// The fault matrix on the clouds: Amazon Bedrock, whose streams are binary, Vertex AI, whose tokens are fetched, and Azure, for clients of
// three formats each. Each fault is done to all of them at once, by the only channel and by the first of two.

// cloudPlace is what is spoken to a cloud.
type cloudPlace struct {
	name    string
	channel string         // the rest of it, where $ is the address
	pieces  func() []piece // a stream
	whole   func() string
	binary  bool
	refused func(w http.ResponseWriter) // an outage, in the provider's words
	trouble piece                       // an error inside a stream
}

type piece []byte

// eventsOf is a stream of events of a dialect.
func eventsOf(d standin.Dialect) func() []piece {
	return func() (all []piece) {
		content, ending := d.Events(standin.Answer{Text: []string{harness.FromFaulty}}, map[string]any{"stream_options": map[string]any{"include_usage": true}})
		for _, event := range append(content, ending...) {
			all = append(all, piece(event))
		}
		return all
	}
}

func inWords(d standin.Dialect) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		harness.Say(w, d.ErrorBody(&standin.Refusal{Status: 503, Kind: "UNAVAILABLE", Code: "overloaded", Message: harness.Complained}))
	}
}

func byEvents(name string, d standin.Dialect, channel string) cloudPlace {
	return cloudPlace{
		name: name, channel: channel, pieces: eventsOf(d), refused: inWords(d), trouble: piece(d.ErrorEvent()),
		whole: func() string { return d.Whole(standin.Answer{Text: []string{harness.FromFaulty}}) },
	}
}

func onBedrock(name, model string, frames func(standin.Answer) [][]byte, whole func(standin.Answer) string) cloudPlace {
	return cloudPlace{
		name: name, binary: true, channel: `type: bedrock, region: us-east-1, base_url: "$", keys: ["` + standin.BedrockID + ":" + standin.BedrockSecret + `"], model_mapping: {%s: "` + model + `"}`,
		pieces: func() (all []piece) {
			for _, frame := range frames(standin.Answer{Text: []string{harness.FromFaulty}}) {
				all = append(all, frame)
			}
			return all
		},
		whole: func() string { return whole(standin.Answer{Text: []string{harness.FromFaulty}}) },
		refused: func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Amzn-Errortype", "ServiceUnavailableException:http://internal.amazon.com/coral/com.amazon.bedrock/")
			w.WriteHeader(http.StatusServiceUnavailable)
			harness.Say(w, `{"message":"`+harness.Complained+`"}`)
		},
		trouble: standin.ExceptionFrame("internalServerException", "Oops."),
	}
}

const (
	vertexChannel = `type: vertex, base_url: "$", project: ` + standin.Project + `, model_mapping: {%s: `
	azureChannel  = `type: azure, base_url: "$", api: chat, keys: [` + standin.Key + `], model_mapping: {%s: ` + standin.Deployment + `}`
)

var cloudPlaces = []cloudPlace{
	onBedrock("invoke", standin.BedrockClaude, (&standin.Bedrock{}).InvokeFramesOf, standin.Anthropic{}.Whole),
	onBedrock("converse", standin.BedrockNova, (&standin.Bedrock{}).FramesOf, (&standin.Bedrock{}).WholeOf),
	byEvents("vertex-gemini", standin.VertexGemini{}, vertexChannel+`gemini-2.5-flash}`),
	byEvents("vertex-claude", standin.VertexClaude{}, vertexChannel+`"claude-sonnet-4-5@20250929"}`),
	byEvents("azure", standin.OpenAI{}, azureChannel),
	byEvents("azure-classic", standin.OpenAI{}, azureChannel+`, api_version: 2024-10-21`),
}

var cloudClients = []string{"chat", "messages", "gemini"}

// cloudWay is a client's format and a place.
type cloudWay struct {
	cloudPlace
	client string
}

func (w cloudWay) model() string { return w.name + "-for-" + w.client }

func cloudWays() (all []cloudWay) {
	for _, p := range cloudPlaces {
		for _, client := range cloudClients {
			all = append(all, cloudWay{p, client})
		}
	}
	return all
}

// say writes pieces of a stream.
func (p cloudPlace) say(w http.ResponseWriter, pieces ...piece) {
	w.Header().Set("Content-Type", map[bool]string{true: "application/vnd.amazon.eventstream", false: "text/event-stream"}[p.binary])
	for _, piece := range pieces {
		_, _ = w.Write(piece)
		_ = http.NewResponseController(w).Flush()
	}
}

// begun is a stream until behind its content.
func (p cloudPlace) begun() []piece {
	all, n := p.pieces(), 0
	for i, piece := range all {
		if strings.Contains(string(piece), harness.FromFaulty) {
			n = i + 1
		}
	}
	if n == 0 { // in base64: the third frame
		n = 3
	}
	return all[:n]
}

// half is the beginning of what comes next.
func (p cloudPlace) half() piece {
	next := p.pieces()[len(p.begun())]
	return next[:len(next)/2]
}

// ask makes the way's call. complete means that the client knows that it has all of the answer, honest that it was told of an error.
func (w cloudWay) ask(r *harness.Relay, stream bool) (text string, complete, honest bool) {
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	path, body := "/v1/chat/completions", fmt.Sprintf(`{"model":%q,"max_tokens":99,"stream":%t,"messages":[{"role":"user","content":"hi"}]}`, w.model(), stream)
	switch w.client {
	case "messages":
		path = "/v1/messages"
	case "gemini":
		path, body = "/v1beta/models/"+w.model()+":generateContent", `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`
		if stream {
			path = "/v1beta/models/" + w.model() + ":streamGenerateContent?alt=sse"
		}
	}
	response, err := r.Post(ctx, path, body)
	if err != nil {
		return "", false, false
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	text = string(all)
	switch {
	case err != nil:
		return text, false, false
	case response.StatusCode != http.StatusOK:
		return text, false, strings.Contains(text, `"error"`) && json.Valid(all)
	case w.client == "gemini":
		return text, strings.Contains(strings.ReplaceAll(text, `": "`, `":"`), `"finishReason":"STOP"`), strings.Contains(text, `"error"`)
	case w.client == "messages":
		return text, strings.Contains(text, `"message_stop"`) || !stream && strings.Contains(text, `"end_turn"`), strings.Contains(text, `"type":"error"`)
	}
	return text, strings.Contains(text, "[DONE]") || !stream && strings.Contains(text, `"stop"`), strings.Contains(text, `"error":`)
}

// cloudFault is what goes wrong.
type cloudFault struct {
	class, name string
	timeouts    string
	begun       bool // there has been content
	streams     bool // and it can go wrong in streams only
	outcome     outcome.Outcome
	do          func(p cloudPlace, w http.ResponseWriter, r *http.Request)
}

// spoilt is a frame whose checksum is wrong, or an event that is none.
func (p cloudPlace) spoilt() piece {
	if !p.binary {
		return piece("data: {\"choices\n\n")
	}
	frame := append(piece(nil), p.pieces()[len(p.begun())]...)
	frame[len(frame)-1] ^= 1
	return frame
}

var cloudFaults = []cloudFault{
	{class: "F2", name: "an outage in the provider's words", outcome: outcome.UpstreamStatus, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		p.refused(w)
	}},
	{class: "F3", name: "a web page", outcome: outcome.UpstreamMalformed, do: func(_ cloudPlace, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		harness.Say(w, "<html><body>welcome</body></html>")
	}},
	{class: "F3", name: "a frame with a wrong checksum, or an event that is none", begun: true, streams: true, outcome: outcome.UpstreamMalformed, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		p.say(w, append(p.begun(), p.spoilt())...)
	}},
	{class: "F3", name: "a frame that says it has gigabytes", streams: true, outcome: outcome.UpstreamMalformed, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		if !p.binary {
			p.say(w, p.spoilt())
			return
		}
		p.say(w, piece{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})
	}},
	{class: "F8", name: "silence before the header", timeouts: "header: 1500ms", outcome: outcome.HeaderTimeout, do: func(_ cloudPlace, _ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}},
	{class: "F8", name: "silence within a frame, or within an event", timeouts: "idle: 1500ms", begun: true, streams: true, outcome: outcome.IdleTimeout, do: func(p cloudPlace, w http.ResponseWriter, r *http.Request) {
		p.say(w, append(p.begun(), p.half())...)
		<-r.Context().Done()
	}},
	{class: "F10", name: "a reset before the header", outcome: outcome.UpstreamReset, do: func(cloudPlace, http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}},
	{class: "F10", name: "a reset within a frame, or within an event", begun: true, streams: true, outcome: outcome.UpstreamReset, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		p.say(w, append(p.begun(), p.half())...)
		panic(http.ErrAbortHandler)
	}},
	{class: "F14", name: "an error inside a 200, in the place of content", streams: true, outcome: outcome.UpstreamErrorEvent, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		p.say(w, p.trouble)
	}},
	{class: "F14", name: "an error inside a 200, behind content", begun: true, streams: true, outcome: outcome.UpstreamErrorEvent, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		p.say(w, append(p.begun(), p.trouble)...)
	}},
	{class: "F14", name: "an end within a frame, or without its event", begun: true, streams: true, outcome: outcome.UpstreamTruncated, do: func(p cloudPlace, w http.ResponseWriter, _ *http.Request) {
		pieces := p.begun()
		if p.binary {
			pieces = append(pieces, p.half())
		}
		p.say(w, pieces...)
	}},
}

// requireCloudFaults does all faults of a class to all ways.
func requireCloudFaults(t *testing.T, class string) {
	harness.InMatrix(t, class)
	for _, fault := range cloudFaults {
		if fault.class != class {
			continue
		}
		for _, stream := range []bool{true, false} {
			for _, second := range []bool{true, false} {
				if !stream && fault.streams {
					continue
				}
				t.Run(fmt.Sprintf("%s, stream %t, second %t", fault.name, stream, second), func(t *testing.T) {
					harness.Matrix.StandsFor(t)
					requireCloudFault(t, fault, stream, second)
				})
			}
		}
	}
}

// cloudScene is a relay with a channel for each way, and perhaps a healthy one behind each.
func cloudScene(t *testing.T, fault cloudFault, stream, second bool) (*harness.Relay, []*harness.Upstream) {
	t.Helper()
	places := map[string]cloudPlace{}
	for _, p := range cloudPlaces {
		places[p.name] = p
	}
	tokens := &standin.Tokens{}
	issuer := harness.NewUpstream(t, false, tokens.ServeHTTP)
	upstreams := []*harness.Upstream{issuer, harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fault.do(places[r.Header.Get(caseHeader)], w, r)
	})}
	if second {
		upstreams = append(upstreams, harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
			p := places[r.Header.Get(caseHeader)]
			if stream {
				p.say(w, p.pieces()...)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			harness.Say(w, p.whole())
		}))
	}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, w := range cloudWays() {
		for i, u := range upstreams[1:] {
			timeouts := ""
			if i == 0 {
				timeouts = fault.timeouts
			}
			fmt.Fprintf(&yaml, "  - {name: %s-%d, %s, models: [%s], priority: %d, timeouts: {%s}, headers: {%s: %q}, resume: false}\n", w.model(), i,
				strings.Replace(fmt.Sprintf(w.channel, w.model()), "$", u.URL, 1), w.model(), -i, timeouts, caseHeader, w.name)
		}
	}
	r := harness.StartRelay(t, yaml.String(), harness.WithEnv("RETRY_TIMES", fmt.Sprint(len(upstreams)-2)),
		harness.WithEnv("GCE_METADATA_HOST", strings.TrimPrefix(issuer.URL, "http://")))
	r.Tried = func() (all []harness.Tried) {
		for _, w := range cloudWays() {
			all = append(all, harness.Tried{About: fault.name, Under: []string{"HTTP 1.1", "small", map[bool]string{true: "stream", false: "whole"}[stream],
				map[bool]string{true: "first of two", false: "only one"}[second], w.client + "-to-" + w.name}})
		}
		return all
	}
	return r, upstreams
}

func requireCloudFault(t *testing.T, fault cloudFault, stream, second bool) {
	r, upstreams := cloudScene(t, fault, stream, second)
	before := runtime.NumGoroutine()
	type heard struct {
		text             string
		complete, honest bool
	}
	var calls sync.WaitGroup
	var mu sync.Mutex
	all := map[string]heard{}
	for _, w := range cloudWays() {
		calls.Go(func() {
			text, complete, honest := w.ask(r, stream)
			mu.Lock()
			defer mu.Unlock()
			all[w.model()] = heard{text, complete, honest}
		})
	}
	calls.Wait()
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == len(all) })
	r.Eventually("connections to upstreams", func() bool {
		r.Server.Pool().Close()
		return r.OpenConnections() == 0
	})
	r.RequireQuiet(before, upstreams...)
	for _, w := range cloudWays() {
		h := all[w.model()]
		for _, secret := range []string{standin.Key, standin.BedrockSecret, standin.Project, "ya29."} {
			require.NotContains(t, h.text, secret, w.model())
		}
		if second && !fault.begun {
			require.True(t, h.complete && !h.honest, "%s: %s", w.model(), h.text)
		} else {
			require.True(t, h.honest && !h.complete, "%s: %s", w.model(), h.text)
		}
		require.LessOrEqual(t, strings.Count(h.text, harness.FromFaulty), 1, "%s: nothing is said twice: %s", w.model(), h.text)
		if fault.begun {
			require.Contains(t, h.text, harness.FromFaulty, w.model())
		}
		found := 0
		for _, a := range r.Recorded() {
			if a.Channel.Name == w.model()+"-0" {
				found++
				require.Equal(t, fault.outcome.String(), a.Outcome.String(), "%s: %s", w.model(), h.text)
			}
		}
		require.NotZero(t, found, w.model())
	}
}

func TestOutagesOfCloudsAreHonest(t *testing.T)               { requireCloudFaults(t, "F2") }
func TestWhatIsNoAnswerOfACloudsIsUnderstood(t *testing.T)    { requireCloudFaults(t, "F3") }
func TestSilenceOfCloudsIsBounded(t *testing.T)               { requireCloudFaults(t, "F8") }
func TestResetsOfCloudsAreUnderstood(t *testing.T)            { requireCloudFaults(t, "F10") }
func TestErrorsInsideCloudsAnswersAreUnderstood(t *testing.T) { requireCloudFaults(t, "F14") }
