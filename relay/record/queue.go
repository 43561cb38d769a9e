package record

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// queued is how many ends wait for a recorder at the most. Each is some 600 bytes, and the memory is taken when it is first needed.
const queued = 4096

// dropsEvery is how often it is said that ends were dropped.
const dropsEvery = time.Minute

// Queue tells a recorder that may wait, with a goroutine of its own, so that no request waits with it. It is bounded: an end for which
// there is no room is dropped and counted. What it copies an end into is used again, so a queue that has run for a while allocates
// nothing.
type Queue struct {
	to      Waiter
	log     *slog.Logger
	dropped atomic.Int64
	news    chan struct{} // something was added, or the queue was closed
	done    chan struct{} // the goroutine has ended
	stop    context.CancelFunc

	mu       sync.Mutex
	ring     []End // length of them are taken, from first on; only the goroutine reads the first one, while there is one
	first    int
	length   int
	most     int
	closed   bool
	reported time.Time // when it was last said that ends were dropped
}

// NewQueue begins to tell a recorder of ends. At most so many of them wait for it. Close ends its goroutine.
func NewQueue(log *slog.Logger, to Waiter, most int) *Queue {
	ctx, stop := context.WithCancel(context.Background())
	q := &Queue{to: to, log: log, most: most, news: make(chan struct{}, 1), done: make(chan struct{}), stop: stop}
	go q.run(ctx)
	return q
}

// Dropped is how many ends were dropped.
func (q *Queue) Dropped() int64 { return q.dropped.Load() }

// End adds an end to the queue, if there is room for it. It never waits.
func (q *Queue) End(_ context.Context, e *End) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.length == q.most {
		q.drop(1)
		return
	}
	if q.length == len(q.ring) {
		q.grow()
	}
	e.copyTo(&q.ring[(q.first+q.length)%len(q.ring)])
	q.length++
	select {
	case q.news <- struct{}{}:
	default: // it has not seen the last one yet
	}
}

// grow doubles the ring. The goroutine may be reading the first one, in the ring that there was.
func (q *Queue) grow() {
	ring := make([]End, min(max(16, 2*len(q.ring)), q.most))
	for i := range q.length {
		ring[i] = q.ring[(q.first+i)%len(q.ring)]
	}
	q.ring, q.first = ring, 0
}

// drop counts ends that the recorder is not told of, and says so, but not each time.
func (q *Queue) drop(n int) {
	all := q.dropped.Add(int64(n))
	if now := time.Now(); now.Sub(q.reported) >= dropsEvery {
		q.reported = now
		q.log.Error("ends of requests were not recorded: a recorder is slower than they come", "dropped_so_far", all)
	}
}

func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	told := false
	for {
		if e := q.next(); e != nil && ctx.Err() == nil {
			tell(ctx, q.log, q.to, e)
			q.told()
			told = true
			continue
		}
		if told {
			q.flush(ctx)
			told = false
		}
		if q.over(ctx) {
			return
		}
		select {
		case <-q.news:
		case <-ctx.Done():
		}
	}
}

// next is the end that has waited longest; nil: none waits.
func (q *Queue) next() *End {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.length == 0 {
		return nil
	}
	return &q.ring[q.first]
}

// told takes the first one out.
func (q *Queue) told() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.first = (q.first + 1) % len(q.ring)
	q.length--
}

// over reports whether the queue is closed and nothing of it is left, or there is no time for it any more.
func (q *Queue) over(ctx context.Context) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ctx.Err() != nil && q.length > 0 {
		q.reported = time.Time{}
		q.drop(q.length)
		q.length = 0
	}
	return q.closed && q.length == 0
}

func (q *Queue) flush(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			q.log.ErrorContext(ctx, "panic in the recorder", "panic", p)
		}
	}()
	q.to.Flush(ctx)
}

// lastWord is how long a recorder has to return once its context has ended.
const lastWord = time.Second

// Close has the recorder told of what is in the queue, until ctx ends; what is left then is dropped, and the recorder's own context
// ends. It returns when the goroutine has ended, or, with a recorder that does not look at its context, a moment after ctx has.
func (q *Queue) Close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	select {
	case q.news <- struct{}{}:
	default:
	}
	defer q.stop()
	select {
	case <-q.done:
		return
	case <-ctx.Done():
	}
	q.stop()
	wait := time.NewTimer(lastWord)
	defer wait.Stop()
	select {
	case <-q.done:
	case <-wait.C:
	}
}
