package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"one-api/testbed/internal/process"
)

// leaving is when a client gives up.
type leaving uint8

const (
	stays      leaving = iota
	leavesMid          // after three events
	leavesSoon         // once the upstream has been asked, before any answer
)

// call is one request of the load: what is asked, and what its client got.
type call struct {
	instance, id, model string
	stream              bool
	do                  map[string]behaviour // by channel
	leaves              leaving
	key, body           string // instead of the right ones
	after               time.Duration

	status   int // 0: no answer
	events   int
	finished bool // the answer was complete, in its client's eyes
	first    time.Duration
	duration time.Duration
	ended    time.Time
}

// lanes is the load on one relay. Calls of one lane follow each other, lanes run side by side. all: the whole of it, otherwise
// less, for the outage.
func lanes(prefix string, all bool) [][]call {
	rounds := 1
	if all {
		rounds = 3
	}
	names := 0
	lane := func(times int, calls ...call) []call {
		var out []call
		for range times * rounds {
			for _, c := range calls {
				names++
				c.id = fmt.Sprintf("%s-%d", prefix, names)
				out = append(out, c)
			}
		}
		return out
	}
	prompt := call{model: "check-prompt", stream: true}
	flaky := func(does behaviour) call {
		return call{model: "check-flaky", stream: true, do: map[string]behaviour{"flaky": does}}
	}
	failover := func(does behaviour) call {
		return call{model: "check-failover", stream: true, do: map[string]behaviour{"failing": does}}
	}
	return [][]call{
		lane(8, prompt),
		lane(8, prompt, call{model: "check-prompt"}),
		lane(6, call{model: "check-slow", stream: true}),
		lane(1, flaky(healthy), flaky(serverError), flaky(reset), flaky(resetMid), flaky(truncated), flaky(silent), call{model: "check-flaky"}),
		lane(2, failover(serverError), failover(reset), failover(healthy)), // never five failures in a row: it would rest
		lane(4, call{model: "check-limited", stream: true, do: map[string]behaviour{"limited": limited}, after: 300 * time.Millisecond}),
		lane(1, call{model: "check-third", stream: true, do: map[string]behaviour{"broken": serverError, "worse": serverError}}),
		lane(2, call{model: "check-cut", stream: true, do: map[string]behaviour{"cut": truncated}}, call{model: "check-cut", stream: true}),
		lane(2, call{model: "check-leaving", stream: true, do: map[string]behaviour{"leaving": endless}, leaves: leavesMid},
			call{model: "check-leaving", stream: true, do: map[string]behaviour{"leaving": hanging}, leaves: leavesSoon}),
		lane(1, call{model: "check-prompt", key: "sk-wrong"}, call{model: "check-unknown"}, call{model: "check-prompt", body: "{"}),
	}
}

// runLanes makes all calls and returns them with what they got.
func runLanes(ctx context.Context, r *relay, u *upstream, all [][]call) []call {
	var done []call
	var mu sync.Mutex
	var running sync.WaitGroup
	for _, lane := range all {
		running.Go(func() {
			client := newClient()
			defer client.CloseIdleConnections()
			for _, c := range lane {
				process.Pause(ctx, c.after)
				c.instance = r.instance
				c.make(ctx, client, r, u.meeting(c.id))
				mu.Lock()
				done = append(done, c)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return done
}
