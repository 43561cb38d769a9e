// Package live is what the operator's page shows of now and of the last hours, without a database and without Prometheus: it counts the
// ends of calls, looks at the relay at fixed intervals, and tells every page that is open by one stream.
package live

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/channel"
	"one-api/relay/record"
)

// Kind is how a request ended, in the few words of a picture.
type Kind uint8

// The kinds.
const (
	Good     Kind = iota // the client has all of its answer
	Left                 // the client left, or did not read
	Refused              // by the relay itself: key, model, limits, no channel
	Failed               // an upstream's failure that no other channel made good
	TimedOut             // an upstream's silence
	Ours                 // an operator ended it, or the relay did

	Kinds // how many there are
)

// KindNames are the kinds as the page knows them.
var KindNames = [Kinds]string{"good", "left", "refused", "failed", "timed_out", "ours"}

// Traffic counts how requests end, and what the last attempts at each channel took. It is a record.AttemptRecorder. The zero value has
// counted nothing.
type Traffic struct {
	requests [Kinds]atomic.Int64
	first    histogram // times to the first token
	tokens   atomic.Int64
	cost     atomic.Int64 // nano-dollars

	channels sync.Map // name -> *channelTraffic
}

// End counts a request.
func (t *Traffic) End(_ context.Context, e *record.End) {
	t.requests[kindOf(e.Outcome)].Add(1)
	if e.FirstToken > 0 {
		t.first.add(e.FirstToken)
	}
	for i := range e.Attempts {
		a := &e.Attempts[i]
		if n := a.Usage.Input() + a.Usage.Output(); n > 0 {
			t.tokens.Add(n)
		}
		if a.Cost.Cost > 0 {
			t.cost.Add(a.Cost.Cost)
		}
	}
}

// Attempt counts an attempt at a channel.
func (t *Traffic) Attempt(_ context.Context, a *record.Attempt) {
	if !a.Sent {
		return
	}
	of, known := t.channels.Load(a.Channel.Name)
	if !known {
		of, _ = t.channels.LoadOrStore(a.Channel.Name, new(channelTraffic))
	}
	of.(*channelTraffic).add(a)
}

// How much is remembered of a channel: its last good attempts, and its last failures.
const (
	latest   = 128
	failures = 16
)

// channelTraffic is what the last attempts at a channel took, and how the last of them that failed did.
type channelTraffic struct {
	mu     sync.Mutex
	took   ring[float32] // ms, of those that completed
	first  ring[float32] // ms, of those that streamed
	failed ring[Failure]
	left   channel.Left
	now    running
	slots  ring[slot]
}

// Failure is how an attempt failed.
type Failure struct {
	At        time.Time `json:"at"`
	RequestID string    `json:"request_id"`
	Token     string    `json:"token"`
	Model     string    `json:"model"`
	Outcome   string    `json:"outcome"`
	Status    int       `json:"status"`
	Detail    string    `json:"detail"`
	MS        int64     `json:"ms"`
}

func (c *channelTraffic) add(a *record.Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(a)
	c.leaves(a)
	if a.FirstEvent > 0 {
		c.first.add(milliseconds(a.FirstEvent), latest)
	}
	if a.Failure == nil {
		c.took.add(milliseconds(a.Duration), latest)
		return
	}
	c.failed.add(Failure{
		At: a.Began.Add(a.Duration).UTC(), RequestID: a.RequestID, Token: a.Token, Model: a.Model, Outcome: a.Outcome.String(),
		Status: a.Failure.Status, Detail: a.Failure.Detail, MS: a.Duration.Milliseconds(),
	}, failures)
}

func milliseconds(d time.Duration) float32 { return float32(d.Seconds() * 1000) }

// Recent is what a channel's last attempts were like.
type Recent struct {
	Took       Spread    `json:"took"`        // whole attempts that completed
	FirstToken Spread    `json:"first_token"` // of streams
	Failures   []Failure `json:"failures"`    // newest first
}

// Spread is a few milliseconds' worth of numbers, in short.
type Spread struct {
	N   int     `json:"n"`
	P50 float32 `json:"p50_ms"`
	P95 float32 `json:"p95_ms"`
}

// Recent is what is known of a channel; all zero if nothing is.
func (t *Traffic) Recent(channel string) Recent {
	of, known := t.channels.Load(channel)
	if !known {
		return Recent{Failures: []Failure{}}
	}
	c := of.(*channelTraffic)
	c.mu.Lock()
	took, first, failed := c.took.all(), c.first.all(), c.failed.all()
	c.mu.Unlock()
	slices.Reverse(failed)
	return Recent{Took: spread(took), FirstToken: spread(first), Failures: failed}
}

// Keep forgets the channels that are not in the configuration any more.
func (t *Traffic) Keep(names []string) {
	t.channels.Range(func(name, _ any) bool {
		if !slices.Contains(names, name.(string)) {
			t.channels.Delete(name)
		}
		return true
	})
}

func spread(of []float32) Spread {
	if len(of) == 0 {
		return Spread{}
	}
	slices.Sort(of)
	return Spread{N: len(of), P50: of[(len(of)-1)/2], P95: of[(len(of)-1)*95/100]}
}

// counts is what a Traffic had counted at some moment.
type counts struct {
	requests [Kinds]int64
	first    [buckets]int64
	tokens   int64
	cost     int64
}

func (t *Traffic) counts() (c counts) {
	for i := range t.requests {
		c.requests[i] = t.requests[i].Load()
	}
	c.first = t.first.counts()
	c.tokens, c.cost = t.tokens.Load(), t.cost.Load()
	return c
}
