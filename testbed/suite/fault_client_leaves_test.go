package suite

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// F1: the client leaves.

// TestAClientThatLeavesTakesItsUpstreamCallAlong looks at each moment at which the relay waits for its upstream. The upstream
// would hold on for ever: what ends its request is the relay.
func TestAClientThatLeavesTakesItsUpstreamCallAlong(t *testing.T) {
	inMatrix(t, "F1")
	cases := map[string]struct {
		say    func(v variant, w http.ResponseWriter, r *http.Request)
		bodies int64 // of each call, that are open when the moment has come
		heard  bool  // the client has got a part of the stream by then
	}{
		"before the upstream's header":           {func(variant, http.ResponseWriter, *http.Request) {}, 0, false},
		"between the header and the first event": {func(v variant, w http.ResponseWriter, _ *http.Request) { v.header(w) }, 1, false},
		"behind a keep-alive":                    {keepAliveFirst, 1, false},
		"in the middle of the answer":            {func(v variant, w http.ResponseWriter, r *http.Request) { v.begin(w, r, fromFaulty) }, 1, true},
		"in the middle of the body of an error": {func(_ variant, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			say(w, `{"error`)
		}, 1, false},
	}
	inEveryVariant(t, nil, func(t *testing.T, v variant) {
		var there atomic.Int64
		p := plan{}
		bodies, hearing := int64(0), newTally()
		for name, tc := range cases {
			p.ways = append(p.ways, waysOf(name, "")...)
			bodies += tc.bodies * int64(len(ways))
			if tc.heard && v.stream {
				hearing.due += len(ways)
			}
		}
		bySlug := map[string]string{}
		for name := range cases {
			bySlug[slug(name)] = name
		}
		p.handle = func(w http.ResponseWriter, r *http.Request) {
			cases[bySlug[caseOf(r)]].say(v, w, r)
			there.Add(1)
			<-r.Context().Done()
		}
		s := newScene(t, v, p)
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		all := s.callAllWhile(ctx, ear{told: hearing.told}, func() {
			s.eventually("every upstream was asked", func() bool { return there.Load() == int64(len(s.ways)) })
			s.eventually("every answer was begun", func() bool { return s.server.Pool().OpenBodies() == bodies })
			s.eventually("every client has heard something", hearing.complete)
			leave()
		})
		s.requireGone(t, all, outcome.ClientGone)
	})
}

func keepAliveFirst(v variant, w http.ResponseWriter, _ *http.Request) {
	v.header(w)
	if v.stream {
		say(w, ": one moment\n\n")
	}
}

// TestAClientThatLeavesWhileTheRelayIsBlockedWritingTakesItsUpstreamCallAlong is for the other direction: the relay does not
// wait for its upstream but for its client, and learns of its leaving all the same.
func TestAClientThatLeavesWhileTheRelayIsBlockedWritingTakesItsUpstreamCallAlong(t *testing.T) {
	inMatrix(t, "F1")
	inEveryVariant(t, nil, func(t *testing.T, v variant) {
		flood := newFlood(v)
		s := newScene(t, v, plan{handle: flood.handle, options: []relayOption{withListener(narrow)}})
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		all := s.callUnread(ctx, func() {
			flood.requireStuck(t, s)
			leave()
		})
		s.requireGone(t, all, outcome.ClientGone, outcome.ClientStalled)
	})
}

// requireGone is the end of a case in which the clients were to blame.
func (s *scene) requireGone(t *testing.T, all map[string]heard, outcomes ...outcome.Outcome) {
	t.Helper()
	s.quiet()
	if s.healthy != nil {
		require.Zero(t, s.healthy.requests.Load(), "nobody was left who could have wanted another answer")
	}
	for _, w := range s.ways {
		t.Run(w.name, func(t *testing.T) {
			h := all[w.name]
			require.Error(t, h.err)
			require.NotContains(t, h.text, `"error":{`, "nobody was left to be told")
			ended := s.outcomesOf(w.name)
			require.Len(t, ended, 1)
			require.Contains(t, outcomes, ended[0])
			ends := s.endsOf(w.name)
			require.Len(t, ends, 1)
			require.Equal(t, ended[0], ends[0].Outcome)
			require.Contains(t, []int{0, http.StatusOK, 499}, ends[0].Status, "only one that has but half closed its connection is left to be told")
			require.Equal(t, s.attemptsAhead()+1, ends[0].Asked())
			s.requireAhead(t, w)
			s.requireUnharmed(t, w.name)
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

func (c *tally) told(w way, soFar string) {
	if strings.Contains(soFar, fromFaulty) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard[w.name] = true
	}
}

func (c *tally) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.heard) == c.due
}
