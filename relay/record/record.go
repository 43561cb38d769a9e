// Package record is what is told of the ends of requests and of their attempts, and whom it is told to: the log, the metrics and spans,
// and whoever else is to know. An exchange fills in an Attempt, the request has them in its End, and there are no other structs of
// an end.
package record

import (
	"context"
	"fmt"
	"log/slog"
)

// Recorder is told of the end of every request on a relayed endpoint, once, when nothing of it is held any more. It is called by the
// request's goroutine and does not wait for anything; one that may is a Waiter.
type Recorder interface {
	End(ctx context.Context, e *End)
}

// AttemptRecorder is a Recorder that is told of each attempt too, when that ends: it need not wait for the request's end.
type AttemptRecorder interface {
	Recorder
	Attempt(ctx context.Context, a *Attempt)
}

// Waiter is a Recorder that may wait, for a disk, a database or a network. It is told by a goroutine of its own, through a queue that is
// bounded: see Queue.
type Waiter interface {
	Recorder
	// Flush is called when the queue is empty: what was gathered of the ends so far may be written.
	Flush(ctx context.Context)
}

// Recorders tells several, one after the other. One that panics costs a line in the log, and no other recorder anything.
type Recorders struct {
	log      *slog.Logger
	all      []Recorder
	attempts []AttemptRecorder
	queues   []*Queue
}

// New makes Recorders of these, which are told in this order. One that may wait gets a queue and a goroutine, which Close ends.
func New(log *slog.Logger, recorders ...Recorder) *Recorders {
	r := &Recorders{log: log}
	for _, recorder := range recorders {
		if waiter, ok := recorder.(Waiter); ok {
			q := NewQueue(log, waiter, queued)
			r.queues, recorder = append(r.queues, q), q
		}
		r.all = append(r.all, recorder)
		if of, ok := recorder.(AttemptRecorder); ok {
			r.attempts = append(r.attempts, of)
		}
	}
	return r
}

// Attempt tells of an attempt's end. nil tells nobody.
func (r *Recorders) Attempt(ctx context.Context, a *Attempt) {
	if r == nil {
		return
	}
	for _, to := range r.attempts {
		r.tellOfAttempt(ctx, to, a)
	}
}

func (r *Recorders) tellOfAttempt(ctx context.Context, to AttemptRecorder, a *Attempt) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "panic in the recorder", "request_id", a.RequestID, "channel", a.Channel.Name, "panic", fmt.Sprint(p))
		}
	}()
	to.Attempt(ctx, a)
}

// End tells of a request's end.
func (r *Recorders) End(ctx context.Context, e *End) {
	for _, to := range r.all {
		tell(ctx, r.log, to, e)
	}
}

func tell(ctx context.Context, log *slog.Logger, to Recorder, e *End) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "panic in the recorder", "request_id", e.RequestID, "panic", fmt.Sprint(p))
		}
	}()
	to.End(ctx, e)
}

// Dropped is how many ends have not been told to a recorder because its queue was full, or because the relay stopped before its turn.
func (r *Recorders) Dropped() (n int64) {
	for _, q := range r.queues {
		n += q.Dropped()
	}
	return n
}

// Close has what is in the queues told, until ctx ends, and ends their goroutines.
func (r *Recorders) Close(ctx context.Context) {
	for _, q := range r.queues {
		q.Close(ctx)
	}
}
