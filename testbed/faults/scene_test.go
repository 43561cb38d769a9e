package faults

import (
	"bytes"
	"cmp"
	"context"
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

	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

const (
	caseHeader = "X-Case"
	casePrefix = "the case: " // a channel's headers may be secrets, and those are not repeated to clients: a case's name alone may be a word
)

// caseOf is the case that a call is for, as its upstream sees it: by its slug. The channel says so, since an upstream may not have
// read the request.
func caseOf(r *http.Request) string { return strings.TrimPrefix(r.Header.Get(caseHeader), casePrefix) }

func path(w harness.Way) string {
	if w.Client == wire.Anthropic {
		return wire.Messages.Path()
	}
	return wire.ChatCompletions.Path()
}

func secondOf(w harness.Way) string { return w.Name + "-second" }

func ahead(w harness.Way) string { return w.Name + "-ahead" }

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
	ways     []harness.Way       // nil: each way once
	keys     string              // of all channels, as YAML; empty: one
	options  []harness.RelayOption
}

// scene is a relay in front of a channel for each way, and the healthy ones behind those.
type scene struct {
	*harness.Relay
	harness.Variant
	ways                   []harness.Way
	ahead, faulty, healthy *harness.Upstream // nil: there is none
	door                   *harness.Tunnel   // on the way to all of them; nil: there is none
	before                 int               // goroutines
	yaml                   string            // its configuration
	called                 sync.Map          // the names of the ways that were called
	crowded                bool              // each way was called by many, by half of them for a stream
}

func newScene(t *testing.T, v harness.Variant, p plan) *scene {
	t.Helper()
	s := &scene{Variant: v, ways: p.ways}
	if s.ways == nil {
		s.ways = harness.Ways
	}
	door := ""
	if s.door = v.Transport.Door(t); s.door != nil {
		door = s.door.Url()
	}
	if p.at == "" {
		s.faulty = harness.NewUpstreamAhead(t, v.Transport, p.ahead, p.handle)
		p.at = s.faulty.URL
		p.options = append(p.options, harness.Trusting(s.faulty))
	}
	if v.Second {
		s.healthy = harness.NewUpstreamOver(t, v.Transport, func(w http.ResponseWriter, r *http.Request) { v.AsIn(r).Answer(w, r, harness.FromHealthy) })
		p.options = append(p.options, harness.Trusting(s.healthy))
	}
	if v.Last {
		s.ahead = harness.NewUpstreamOver(t, v.Transport, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			harness.Say(w, harness.VoiceFor(r).Complaint("authentication_error", "invalid_api_key", "Incorrect API key provided: sk-up-0."))
		})
		p.options = append(p.options, harness.Trusting(s.ahead))
	}
	if p.keys == "" {
		p.keys = "sk-up-a"
	}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, w := range s.ways {
		fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s], priority: 10, proxy: %q, timeouts: {%s}, headers: {%s: %q}}\n",
			w.Name, p.kinds+w.Kind, v.Transport.At(p.at), p.keys, w.Name, cmp.Or(p.proxy, door), p.timeouts+w.Timeouts, caseHeader, casePrefix+w.Of)
		if v.Second {
			fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up-b], models: [%s], priority: 1, proxy: %q}\n",
				secondOf(w), w.Kind, v.Transport.At(s.healthy.URL), w.Name, door)
		}
		if v.Last {
			fmt.Fprintf(&yaml, "  - {name: %s, type: %s, base_url: %q, keys: [sk-up-0], models: [%s], priority: 20, proxy: %q}\n",
				ahead(w), w.Kind, v.Transport.At(s.ahead.URL), w.Name, door)
		}
	}
	s.yaml = yaml.String()
	s.Relay = harness.StartRelay(t, s.yaml, p.options...)
	s.Tried = s.whatWasTried
	require.Eventually(t, func() bool { return s.Server.Serving() }, harness.Patience, time.Millisecond, "serving")
	s.before = runtime.NumGoroutine()
	if p.waits {
		s.before = harness.AmongOthers
	}
	return s
}

// whatWasTried is each way that was called, under the scene's circumstances.
func (s *scene) whatWasTried() (all []harness.Tried) {
	under := s.Circumstances()
	if s.crowded {
		under[2] = "half streams"
	}
	for _, w := range s.ways {
		if _, called := s.called.Load(w.Name); !called {
			continue
		}
		adaptor, _, _ := strings.Cut(w.Name, ".")
		about := ""
		if w.Of != "" {
			about = w.About
		}
		all = append(all, harness.Tried{About: about, Under: append(slices.Clone(under), adaptor)})
	}
	if all == nil { // the test has made its calls in a way of its own
		return []harness.Tried{{Under: under}}
	}
	return all
}

// call makes the way's call and reads all that comes.
func (s *scene) call(ctx context.Context, w harness.Way, e harness.Ear) harness.Heard {
	s.called.Store(w.Name, true)
	return hear(s.Relay, ctx, w, s.Variant, e)
}

// hear makes a way's call and reads all that comes.
func hear(r *harness.Relay, ctx context.Context, w harness.Way, v harness.Variant, e harness.Ear) (h harness.Heard) {
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	response, err := r.Post(ctx, path(w), v.Body(w))
	if err != nil {
		return harness.Heard{Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	if e.Opened != nil {
		e.Opened()
	}
	h.Status, h.Header = response.StatusCode, response.Header
	var text bytes.Buffer
	block := make([]byte, 4<<10)
	for {
		n, err := response.Body.Read(block)
		text.Write(block[:n])
		if e.Told != nil && n > 0 {
			e.Told(w, text.String())
		}
		if err != nil {
			h.Text = text.String()
			if err != io.EOF {
				h.Err = err
			}
			return h
		}
	}
}

// callAll makes every way's call at the same time.
func (s *scene) callAll(ctx context.Context, e harness.Ear) map[string]harness.Heard {
	return s.callAllWhile(ctx, e, func() {})
}

// callAllWhile does something while the calls are made. They end when the upstreams say so, or ctx.
func (s *scene) callAllWhile(ctx context.Context, e harness.Ear, do func()) map[string]harness.Heard {
	var mu sync.Mutex
	all := make(map[string]harness.Heard, len(s.ways))
	var calls sync.WaitGroup
	for _, w := range s.ways {
		calls.Go(func() {
			h := s.call(ctx, w, e)
			mu.Lock()
			defer mu.Unlock()
			all[w.Name] = h
		})
	}
	do()
	calls.Wait()
	return all
}

// quiet is requireQuiet for the scene.
func (s *scene) quiet() {
	s.T.Helper()
	s.Eventually("connections to upstreams", func() bool {
		s.Server.Pool().Close() // again and again: an HTTP/2 connection is not idle at once when its last answer has been read
		for _, c := range s.Server.Pool().Set().All() {
			if c.Snapshot(time.Now()).OpenConnections != 0 {
				return false
			}
		}
		return true
	})
	if s.door != nil {
		s.Eventually("connections through the proxy", func() bool { return s.door.Open.Load() == 0 })
	}
	s.RequireQuiet(s.before, s.upstreams()...)
}

func (s *scene) upstreams() []*harness.Upstream {
	return slices.DeleteFunc([]*harness.Upstream{s.ahead, s.faulty, s.healthy}, func(u *harness.Upstream) bool { return u == nil })
}

// outcomesOf is how the attempts at a channel ended, in order.
func (s *scene) outcomesOf(name string) (outcomes []outcome.Outcome) {
	for _, a := range s.Recorded() {
		if a.Channel.Name == name {
			outcomes = append(outcomes, a.Outcome)
		}
	}
	return outcomes
}

// endsOf is how the requests for a model ended.
func (s *scene) endsOf(model string) (ends []record.End) {
	for _, end := range s.RequestEnds() {
		if end.Model == model {
			ends = append(ends, end)
		}
	}
	return ends
}
