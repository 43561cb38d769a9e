package suite

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// The fault tests do to the assembled relay what upstreams and clients do to one in production. Each case runs on every way
// through the adaptors at once, over every transport, with a prompt that is small and one that is not, streaming and not, with the
// failing channel as the only one, as the first of two and as the last of two; and at its end nothing may be left.

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
	of       string // which of several cases in one scene it is for; empty: there is one
	about    string // what that case is called
	timeouts string // of the channel that fails, as YAML, beside the plan's
}

var ways = []way{
	{name: "openai", client: wire.OpenAI, kind: "openai"},
	{name: "anthropic", client: wire.Anthropic, kind: "anthropic"},
	{name: "openai-to-anthropic", client: wire.OpenAI, kind: "anthropic"},
	{name: "anthropic-to-openai", client: wire.Anthropic, kind: "openai"},
	{name: "xai", client: wire.OpenAI, kind: "xai"},
}

// waysOf is all ways for one of several cases that share a scene, so that they share its cost and their waiting.
func waysOf(of, timeouts string) (all []way) {
	short := slug(of)
	for _, w := range ways {
		w.name, w.of, w.about, w.timeouts = w.name+"."+short, short, of, timeouts
		all = append(all, w)
	}
	return all
}

// slug is a case's name as a part of a channel's, which has no blanks and an end.
func slug(of string) string {
	short := strings.Map(func(r rune) rune {
		if r == ' ' || strings.ContainsRune(".,'/:;()\"", r) {
			return '-'
		}
		return r
	}, of)
	const most = 64 - len("anthropic-to-openai.") - len("-second") - len("-12345678")
	if len(short) <= most {
		return short
	}
	return fmt.Sprintf("%s-%08x", short[:most], crc32.ChecksumIEEE([]byte(of)))
}

const (
	caseHeader = "X-Case"
	casePrefix = "the case: " // a channel's headers may be secrets, and those are not repeated to clients: a case's name alone may be a word
)

// modelOf is the model that an upstream is asked for: the name of the way.
func modelOf(r *http.Request) string { return asked(r).Model }

// caseOf is the case that a call is for, as its upstream sees it: by its slug. The channel says so, since an upstream may not have
// read the request.
func caseOf(r *http.Request) string { return strings.TrimPrefix(r.Header.Get(caseHeader), casePrefix) }

func (w way) path() string {
	if w.client == wire.Anthropic {
		return wire.Messages.Path()
	}
	return wire.ChatCompletions.Path()
}

func (w way) second() string { return w.name + "-second" }

func (w way) ahead() string { return w.name + "-ahead" }

// plan is what is special about a case.
type plan struct {
	handle   http.HandlerFunc    // of the channel that fails
	ahead    bool                // it is called before the request's body has come
	at       string              // its base URL, where it is not one of newUpstream's
	proxy    string              // on the way to it, instead of the transport's; empty: that one
	kinds    string              // a prefix to the channel's type
	timeouts string              // of the channel that fails, as YAML
	waits    bool                // its scenes mostly wait: they may run beside others
	longer   map[string][]string // timeouts instead of some, for a machine that is too slow for those: all happens again with them
	ways     []way               // nil: each way once
	keys     string              // of all channels, as YAML; empty: one
	options  []relayOption
}

// scene is a relay in front of a channel for each way, and the healthy ones behind those.
type scene struct {
	*testRelay
	variant
	ways                   []way
	ahead, faulty, healthy *upstream // nil: there is none
	door                   *tunnel   // on the way to all of them; nil: there is none
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
	door := ""
	if s.door = v.transport.door(t); s.door != nil {
		door = s.door.url()
	}
	if p.at == "" {
		s.faulty = newUpstreamAhead(t, v.transport, p.ahead, p.handle)
		p.at = s.faulty.URL
		p.options = append(p.options, trusting(s.faulty))
	}
	if v.second {
		s.healthy = newUpstreamOver(t, v.transport, func(w http.ResponseWriter, r *http.Request) { v.asIn(r).answer(w, r, fromHealthy) })
		p.options = append(p.options, trusting(s.healthy))
	}
	if v.last {
		s.ahead = newUpstreamOver(t, v.transport, func(w http.ResponseWriter, r *http.Request) {
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
		fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s], priority: 10, proxy: %q, timeouts: {%s}, headers: {%s: %q}}\n",
			w.name, p.kinds+w.kind, v.transport.at(p.at), p.keys, w.name, cmp.Or(p.proxy, door), p.timeouts+w.timeouts, caseHeader, casePrefix+w.of)
		if v.second {
			fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up-b], models: [%s], priority: 1, proxy: %q}\n",
				w.second(), w.kind, v.transport.at(s.healthy.URL), w.name, door)
		}
		if v.last {
			fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up-0], models: [%s], priority: 20, proxy: %q}\n",
				w.ahead(), w.kind, v.transport.at(s.ahead.URL), w.name, door)
		}
	}
	s.yaml = yaml.String()
	s.testRelay = startRelay(t, s.yaml, p.options...)
	s.tried = s.whatWasTried
	require.Eventually(t, func() bool { return s.server.Serving() }, patience, time.Millisecond, "serving")
	s.before = runtime.NumGoroutine()
	if p.waits {
		s.before = amongOthers
	}
	return s
}

// whatWasTried is each way that was called, under the scene's circumstances.
func (s *scene) whatWasTried() (all []tried) {
	under := s.circumstances()
	if s.crowded {
		under[2] = "half streams"
	}
	for _, w := range s.ways {
		if _, called := s.called.Load(w.name); !called {
			continue
		}
		adaptor, _, _ := strings.Cut(w.name, ".")
		about := ""
		if w.of != "" {
			about = w.about
		}
		all = append(all, tried{about, append(slices.Clone(under), adaptor)})
	}
	if all == nil { // the test has made its calls in a way of its own
		return []tried{{under: under}}
	}
	return all
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
	return s.hear(ctx, w, s.variant, e)
}

// hear makes a way's call and reads all that comes.
func (r *testRelay) hear(ctx context.Context, w way, v variant, e ear) (h heard) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	response, err := r.post(ctx, w.path(), v.body(w))
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
		s.server.Pool().Close() // again and again: an HTTP/2 connection is not idle at once when its last answer has been read
		for _, c := range s.server.Pool().Set().All() {
			if c.Snapshot(time.Now()).OpenConnections != 0 {
				return false
			}
		}
		return true
	})
	if s.door != nil {
		s.eventually("connections through the proxy", func() bool { return s.door.open.Load() == 0 })
	}
	s.requireQuiet(s.before, s.upstreams()...)
}

func (s *scene) upstreams() []*upstream {
	return slices.DeleteFunc([]*upstream{s.ahead, s.faulty, s.healthy}, func(u *upstream) bool { return u == nil })
}

// outcomesOf is how the attempts at a channel ended, in order.
func (s *scene) outcomesOf(name string) (outcomes []outcome.Outcome) {
	for _, a := range s.recorded() {
		if a.Channel.Name == name {
			outcomes = append(outcomes, a.Outcome)
		}
	}
	return outcomes
}

// endsOf is how the requests for a model ended.
func (s *scene) endsOf(model string) (ends []record.End) {
	for _, end := range s.requestEnds() {
		if end.Model == model {
			ends = append(ends, end)
		}
	}
	return ends
}
