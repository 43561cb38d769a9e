// Package ledger is what the relay remembers of its requests: a row an attempt, with what it cost, and sums by day. It is told of ends and
// keeps nobody waiting: rows are in memory first, one goroutine takes them to the database in batches, and those that the database has
// not taken in time go to a file beside it, from where they are taken later. A row is in the database once, however often it was tried.
//
//	End -> pending -> chunks -> relay_attempts, relay_daily, relay_budgets
//	                    '-> spill (while the database is away, slow, full, locked or read-only)
package ledger

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/store"
)

// How long rows may be nowhere but in memory: takeEvery until they are gathered, and from then on spillAfter until they are written to the
// spill if the database has not taken them. Together they are less than the 100 ms that a kill -9 may cost.
const (
	takeEvery  = 40 * time.Millisecond
	spillAfter = 30 * time.Millisecond
)

// Bounds of what waits.
const (
	mostPending = 1 << 16 // rows that wait to be gathered, some 25 MiB; that there is room for no more takes a disk that hangs
	usualRows   = 512     // that are gathered at once, without a wait for more
	mostHeld    = 1 << 14 // rows that wait for the database in memory; the spill alone has the others
)

// rejectedPerSecond is how many refusals a second are kept: a crowd that is refused must not fill the disk.
const rejectedPerSecond = 20

// Options is what a ledger is made of.
type Options struct {
	Store *store.Store // not off
	Log   *slog.Logger
	Zone  *time.Location // of days; nil: time.Local
	// SpillDir is where rows wait that the database does not take; empty: beside SQLite's file, or the directory for temporary files.
	SpillDir string
	// KeepRows and KeepSums are how many days rows and daily sums are kept; 0: for ever.
	KeepRows, KeepSums int
}

// Ledger remembers. Close it.
type Ledger struct {
	options Options
	spill   *spill
	write   writer
	wrote   chan error         // what became of the chunk that the writer was given
	todo    chan job           // for the writer, which does one thing at a time
	news    chan struct{}      // there are pending rows, or something else has changed
	adopted chan struct{}      // what former relays have spilled has been found
	ended   chan struct{}      // the goroutines have ended
	stop    context.CancelFunc // the writer
	rest    context.CancelFunc // its upkeep

	mu        sync.Mutex
	pending   []Row
	since     time.Time // since when there are any
	closed    bool
	closing   time.Time // until when the rest may be written
	waiters   []waiter
	refusals  int // kept in second
	second    int64
	free      []Row // that are not in use
	gathered  int64 // chunks, so far
	committed int64 // chunks, so far: they are in the database in their order
	why       error // nil: the database took the last chunk

	// What is shown of it.
	waiting  atomic.Int64 // rows that are not in the database yet
	oldest   atomic.Int64 // Unix nanoseconds of the first of them; 0: there are none
	spilled  atomic.Int64
	replayed atomic.Int64
	lost     atomic.Int64
	balance  balance
	losses   losses
	tidyIn   atomic.Int64 // nanoseconds until the next upkeep
}

// waiter waits until a chunk is committed.
type waiter struct {
	chunk int64
	done  chan error
}

// New makes a ledger, and takes what a former one has spilled.
func New(options Options) *Ledger {
	if options.Zone == nil {
		options.Zone = time.Local
	}
	l := &Ledger{
		options: options, wrote: make(chan error, 1), todo: make(chan job, 1), news: make(chan struct{}, 1), ended: make(chan struct{}),
		adopted: make(chan struct{}),
		write:   writer{store: options.Store}, spill: newSpill(options.Log, spillDirs(options), options.Store.Target()),
		why: options.Store.State(),
	}
	ctx, stop := context.WithCancel(context.Background())
	upkeep, rest := context.WithCancel(ctx)
	l.stop, l.rest = stop, rest
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		l.writes(ctx, upkeep)
	}()
	auditing := make(chan struct{})
	go func() {
		defer close(auditing)
		l.audits(upkeep)
	}()
	go func() {
		defer close(l.ended)
		l.keep()
		close(l.todo)
		<-writing
		<-auditing
	}()
	return l
}

// spillDirs is where the spill may be, the best place first.
func spillDirs(o Options) []string {
	switch at := o.Store.Target(); {
	case o.SpillDir != "":
		return []string{o.SpillDir}
	case at.Kind == store.SQLite:
		return []string{filepath.Dir(at.Path), ""}
	}
	return []string{""}
}

// End takes down how a request ended. It allocates nothing once it has run for a while, and waits for nothing but its turn.
func (l *Ledger) End(_ context.Context, e *record.End) {
	now := time.Now()
	n := max(1, len(e.Attempts))
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(e.Attempts) == 0 && !l.keeps(e, now) {
		return
	}
	if l.closed || len(l.pending)+n > mostPending {
		l.lost.Add(int64(n))
		return
	}
	first := len(l.pending)
	for range n {
		l.pending = append(l.pending, Row{})
	}
	if len(e.Attempts) == 0 {
		l.pending[first].rejected(e, now)
	}
	for i := range e.Attempts {
		l.pending[first+i].fill(e, i, now)
	}
	l.waiting.Add(int64(n))
	if first == 0 {
		l.since = now
	}
	if first == 0 || len(l.pending) >= usualRows && first < usualRows {
		l.wake()
	}
}

// keeps reports whether a request that no attempt was made for is taken down: if it is known whose it was, and while there are few.
func (l *Ledger) keeps(e *record.End, now time.Time) bool {
	if e.Token == "" || e.Reason == outcome.BadAuth {
		return false
	}
	if second := now.Unix(); second != l.second {
		l.second, l.refusals = second, 0
	}
	l.refusals++
	return l.refusals <= rejectedPerSecond
}

func (l *Ledger) wake() {
	select {
	case l.news <- struct{}{}:
	default: // it has not seen the last one yet
	}
}

// ErrClosed is the error of a ledger that is closed.
var ErrClosed = errors.New("the relay stops")

// Flush has what ended before it written, and what a former relay has left, and returns when it is in the database. Its error says why it
// is not: the database is away, or ctx has ended.
func (l *Ledger) Flush(ctx context.Context) error {
	select {
	case <-l.adopted:
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	w := waiter{chunk: l.gathered, done: make(chan error, 1)}
	if len(l.pending) > 0 {
		w.chunk, l.since = w.chunk+1, time.Time{}
	}
	if w.chunk <= l.committed {
		l.mu.Unlock()
		return nil
	}
	l.waiters = append(l.waiters, w)
	l.wake()
	l.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close writes what there is, to the database until ctx ends, and else to the spill, and ends the goroutines.
func (l *Ledger) Close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	l.closing = time.Now()
	if until, ok := ctx.Deadline(); ok {
		l.closing = until
	}
	l.mu.Unlock()
	l.rest()
	l.wake()
	select {
	case <-l.ended:
	case <-ctx.Done():
		l.stop() // of what the writer waits for
		<-l.ended
	}
	l.stop()
}
