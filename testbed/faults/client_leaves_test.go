package faults

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F1: the client leaves.

// TestAClientThatLeavesTakesItsUpstreamCallAlong looks at each moment at which the relay waits for its upstream. The upstream
// would hold on for ever: what ends its request is the relay.
func TestAClientThatLeavesTakesItsUpstreamCallAlong(t *testing.T) {
	harness.InMatrix(t, "F1")
	cases := map[string]struct {
		say    func(v harness.Variant, w http.ResponseWriter, r *http.Request)
		bodies int64 // of each call, that are open when the moment has come
		heard  bool  // the client has got a part of the stream by then
	}{
		"before the upstream's header":           {func(harness.Variant, http.ResponseWriter, *http.Request) {}, 0, false},
		"between the header and the first event": {func(v harness.Variant, w http.ResponseWriter, _ *http.Request) { v.Header(w) }, 1, false},
		"behind a keep-alive":                    {keepAliveFirst, 1, false},
		"in the middle of the answer":            {func(v harness.Variant, w http.ResponseWriter, r *http.Request) { v.Begin(w, r, harness.FromFaulty) }, 1, true},
		"in the middle of the body of an error": {func(_ harness.Variant, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			harness.Say(w, `{"error`)
		}, 1, false},
	}
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		var there atomic.Int64
		p := plan{}
		bodies, hearing := int64(0), newTally()
		for name, tc := range cases {
			p.ways = append(p.ways, harness.WaysOf(name, "")...)
			bodies += tc.bodies * int64(len(harness.Ways))
			if tc.heard && v.Stream {
				hearing.due += len(harness.Ways)
			}
		}
		bySlug := map[string]string{}
		for name := range cases {
			bySlug[harness.Slug(name)] = name
		}
		p.handle = func(w http.ResponseWriter, r *http.Request) {
			cases[bySlug[caseOf(r)]].say(v, w, r)
			there.Add(1)
			<-r.Context().Done()
		}
		s := newScene(t, v, p)
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		all := s.callAllWhile(ctx, harness.Ear{Told: hearing.told}, func() {
			s.Eventually("every upstream was asked", func() bool { return there.Load() == int64(len(s.ways)) })
			s.Eventually("every answer was begun", func() bool { return s.Server.Pool().OpenBodies() == bodies })
			s.Eventually("every client has heard something", hearing.complete)
			leave()
		})
		s.requireGone(t, all, outcome.ClientGone)
	})
}

func keepAliveFirst(v harness.Variant, w http.ResponseWriter, _ *http.Request) {
	v.Header(w)
	if v.Stream {
		harness.Say(w, ": one moment\n\n")
	}
}

// TestAClientThatLeavesWhileTheRelayIsBlockedWritingTakesItsUpstreamCallAlong is for the other direction: the relay does not
// wait for its upstream but for its client, and learns of its leaving all the same.
func TestAClientThatLeavesWhileTheRelayIsBlockedWritingTakesItsUpstreamCallAlong(t *testing.T) {
	harness.InMatrix(t, "F1")
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		flood := harness.NewFlood(v)
		s := newScene(t, v, plan{handle: flood.Handle, options: []harness.RelayOption{harness.WithListener(harness.Narrow)}})
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		all := s.callUnread(ctx, func() {
			requireStuck(flood, t, s)
			leave()
		})
		s.requireGone(t, all, outcome.ClientGone, outcome.ClientStalled)
	})
}

// requireGone is the end of a case in which the clients were to blame.
func (s *scene) requireGone(t *testing.T, all map[string]harness.Heard, outcomes ...outcome.Outcome) {
	t.Helper()
	s.quiet()
	if s.healthy != nil {
		require.Zero(t, s.healthy.Requests.Load(), "nobody was left who could have wanted another answer")
	}
	for _, w := range s.ways {
		t.Run(w.Name, func(t *testing.T) {
			h := all[w.Name]
			require.Error(t, h.Err)
			require.NotContains(t, h.Text, `"error":{`, "nobody was left to be told")
			ended := s.outcomesOf(w.Name)
			require.Len(t, ended, 1)
			require.Contains(t, outcomes, ended[0])
			ends := s.endsOf(w.Name)
			require.Len(t, ends, 1)
			require.Equal(t, ended[0], ends[0].Outcome)
			require.Contains(t, []int{0, http.StatusOK, 499}, ends[0].Status, "only one that has but half closed its connection is left to be told")
			require.Equal(t, s.attemptsAhead()+1, ends[0].Asked())
			s.requireAhead(t, w)
			s.requireUnharmed(t, w.Name)
		})
	}
}

// tally notes which ways' clients have heard the faulty channel.
type tally struct {
	due   int // how many are to hear it
	mu    sync.Mutex
	heard map[string]bool
}

func newTally() *tally { return &tally{heard: map[string]bool{}} }

func (c *tally) told(w harness.Way, soFar string) {
	if strings.Contains(soFar, harness.FromFaulty) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard[w.Name] = true
	}
}

func (c *tally) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.heard) == c.due
}
