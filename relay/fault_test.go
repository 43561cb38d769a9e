package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/controller"
	"one-api/relay/wire"
)

// The fault tests do to the assembled relay what upstreams and clients do to one in production. Each case runs on every way
// through the adaptors at once, against HTTP/1.1 and HTTP/2, streaming and not, with the failing channel as the only one, as the
// first of two and as the last of two; and at its end nothing may be left.

// What the two channels of a case say.
const (
	fromFaulty  = "words of the faulty channel"
	fromHealthy = "words of the healthy channel"
)

// way is a client's format and a channel's type. Its name is also that of its model and of its channel.
type way struct {
	name     string
	client   wire.Format
	kind     string
	of       string // which of several cases in one scene it is for
	timeouts string // of the channel that fails, as YAML, beside the plan's
}

var ways = []way{
	{name: "openai", client: wire.OpenAI, kind: "openai"},
	{name: "anthropic", client: wire.Anthropic, kind: "anthropic"},
	{name: "openai-to-anthropic", client: wire.OpenAI, kind: "anthropic"},
	{name: "anthropic-to-openai", client: wire.Anthropic, kind: "openai"},
	{name: "xai", client: wire.OpenAI, kind: "xai"},
}

// waysOf is all ways for one of several cases that share a scene, so that they share their waiting.
func waysOf(of, timeouts string) (all []way) {
	for _, w := range ways {
		w.name, w.of, w.timeouts = w.name+"."+of, of, timeouts
		all = append(all, w)
	}
	return all
}

// modelOf is the model that an upstream is asked for: the name of the way.
func modelOf(r *http.Request) string {
	var asked struct{ Model string }
	_ = json.NewDecoder(r.Body).Decode(&asked)
	return asked.Model
}

// caseOf is the case that a call is for, as its upstream sees it.
func caseOf(r *http.Request) string {
	_, of, _ := strings.Cut(modelOf(r), ".")
	return of
}

func (w way) path() string {
	if w.client == wire.Anthropic {
		return wire.Messages.Path()
	}
	return wire.ChatCompletions.Path()
}

func (w way) second() string { return w.name + "-second" }

func (w way) ahead() string { return w.name + "-ahead" }

// variant is the circumstances of a case.
type variant struct {
	http2  bool // the upstream's protocol
	stream bool
	second bool // a healthy channel stands behind the one that fails
	last   bool // a channel that refuses its key stands before it
}

func (v variant) String() string { return strings.Join(v.circumstances(), " ") }

func (v variant) circumstances() []string {
	words := []string{"HTTP 1.1", "whole", "only one"}
	if v.http2 {
		words[0] = "HTTP 2"
	}
	if v.stream {
		words[1] = "stream"
	}
	switch {
	case v.second:
		words[2] = "first of two"
	case v.last:
		words[2] = "last of two"
	}
	return words
}

// inEveryVariant runs a case under all circumstances that fits accepts; nil: all.
func inEveryVariant(t *testing.T, fits func(variant) bool, run func(t *testing.T, v variant)) {
	for i := range 12 {
		v := variant{http2: i&1 != 0, stream: i&2 != 0, second: i>>2 == 1, last: i>>2 == 2}
		if fits == nil || fits(v) {
			t.Run(v.String(), func(t *testing.T) { run(t, v) })
		}
	}
}

func streaming(v variant) bool { return v.stream }

// plan is what is special about a case.
type plan struct {
	handle   http.HandlerFunc // of the channel that fails
	at       string           // its base URL, where it is not one of newUpstream's
	proxy    string           // on the way to it; empty: none
	kinds    string           // a prefix to the channel's type
	timeouts string           // of the channel that fails, as YAML
	ways     []way            // nil: each way once
	keys     string           // of all channels, as YAML; empty: one
	options  []relayOption
}

// scene is a relay in front of a channel for each way, and the healthy ones behind those.
type scene struct {
	*testRelay
	variant
	ways                   []way
	ahead, faulty, healthy *upstream // nil: there is none
	before                 int       // goroutines
	yaml                   string    // its configuration
	called                 sync.Map  // the names of the ways that were called
	crowded                bool      // each way was called by many, by half of them for a stream
}

func newScene(t *testing.T, v variant, p plan) *scene {
	t.Helper()
	s := &scene{variant: v, ways: p.ways}
	if s.ways == nil {
		s.ways = ways
	}
	if p.at == "" {
		s.faulty = newUpstream(t, v.http2, p.handle)
		p.at = s.faulty.URL
		p.options = append(p.options, trusting(s.faulty))
	}
	if v.second {
		s.healthy = newUpstream(t, v.http2, func(w http.ResponseWriter, r *http.Request) { v.asIn(r).answer(w, r, fromHealthy) })
		p.options = append(p.options, trusting(s.healthy))
	}
	if v.last {
		s.ahead = newUpstream(t, v.http2, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			say(w, voiceFor(r).complaint("authentication_error", "invalid_api_key", "Incorrect API key provided: sk-up-0."))
		})
		p.options = append(p.options, trusting(s.ahead))
	}
	if p.keys == "" {
		p.keys = "sk-up-a"
	}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, w := range s.ways {
		fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s], priority: 10, proxy: %q, timeouts: {%s}}\n",
			w.name, p.kinds+w.kind, p.at, p.keys, w.name, p.proxy, p.timeouts+w.timeouts)
		if v.second {
			fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up-b], models: [%s], priority: 1}\n",
				w.second(), w.kind, s.healthy.URL, w.name)
		}
		if v.last {
			fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up-0], models: [%s], priority: 20}\n",
				w.ahead(), w.kind, s.ahead.URL, w.name)
		}
	}
	s.yaml = yaml.String()
	s.testRelay = startRelay(t, s.yaml, p.options...)
	s.scene = s
	require.Eventually(t, func() bool { return s.server.baseline.Load() != 0 }, patience, time.Millisecond, "serving")
	s.before = runtime.NumGoroutine()
	return s
}

// heard is what a client got.
type heard struct {
	err    error // the answer did not arrive whole
	status int
	header http.Header
	text   string
}

// ear is how clients take their answers.
type ear struct {
	opened func()                    // is called when the header has come, before anything is read
	told   func(w way, soFar string) // what has come so far, each time that more has
}

// call makes the way's call and reads all that comes.
func (s *scene) call(ctx context.Context, w way, e ear) heard {
	s.called.Store(w.name, true)
	return s.hear(ctx, w, s.stream, e)
}

// hear makes a way's call and reads all that comes.
func (r *testRelay) hear(ctx context.Context, w way, stream bool, e ear) (h heard) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":64,"messages":[{"role":"user","content":"hi"}]}`, w.name, stream)
	response, err := r.post(ctx, w.path(), body)
	if err != nil {
		return heard{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	if e.opened != nil {
		e.opened()
	}
	h.status, h.header = response.StatusCode, response.Header
	var text bytes.Buffer
	block := make([]byte, 4<<10)
	for {
		n, err := response.Body.Read(block)
		text.Write(block[:n])
		if e.told != nil && n > 0 {
			e.told(w, text.String())
		}
		if err != nil {
			h.text = text.String()
			if err != io.EOF {
				h.err = err
			}
			return h
		}
	}
}

// callAll makes every way's call at the same time.
func (s *scene) callAll(ctx context.Context, e ear) map[string]heard {
	return s.callAllWhile(ctx, e, func() {})
}

// callAllWhile does something while the calls are made. They end when the upstreams say so, or ctx.
func (s *scene) callAllWhile(ctx context.Context, e ear, do func()) map[string]heard {
	var mu sync.Mutex
	all := make(map[string]heard, len(s.ways))
	var calls sync.WaitGroup
	for _, w := range s.ways {
		calls.Go(func() {
			h := s.call(ctx, w, e)
			mu.Lock()
			defer mu.Unlock()
			all[w.name] = h
		})
	}
	do()
	calls.Wait()
	return all
}

// quiet is requireQuiet for the scene.
func (s *scene) quiet() {
	s.t.Helper()
	s.eventually("connections to upstreams", func() bool {
		s.server.pool.Close() // again and again: an HTTP/2 connection is not idle at once when its last answer has been read
		for _, c := range s.server.pool.Set().All() {
			if c.Snapshot(time.Now()).OpenConnections != 0 {
				return false
			}
		}
		return true
	})
	s.requireQuiet(s.before, s.upstreams()...)
}

func (s *scene) upstreams() []*upstream {
	return slices.DeleteFunc([]*upstream{s.ahead, s.faulty, s.healthy}, func(u *upstream) bool { return u == nil })
}

// outcomesOf is how the attempts at a channel ended, in order.
func (s *scene) outcomesOf(name string) (outcomes []channel.Outcome) {
	for _, a := range s.recorded() {
		if a.Channel.Name == name {
			outcomes = append(outcomes, a.Outcome)
		}
	}
	return outcomes
}

// endsOf is how the requests for a model ended.
func (s *scene) endsOf(model string) (ends []controller.RequestEnd) {
	for _, end := range s.requestEnds() {
		if end.Model == model {
			ends = append(ends, end)
		}
	}
	return ends
}
