package channel

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/lane"
	"one-api/relay/outcome"
)

// A refusal that may be about a key as well as about what a client asked has the relay ask a question of its own, to which no
// client has added anything: which models are there? If that is refused too, it is the key.
const (
	refusalsToAsk   = 2           // of one key: a single one would have a provider asked twice for every odd prompt
	questionEvery   = time.Minute // at most, for each channel
	questionTimeout = 10 * time.Second
)

// questions is those of all channels that are being asked.
type questions struct {
	running atomic.Int64 // goroutines
	mu      sync.Mutex
	done    sync.WaitGroup
	next    int
	cancel  map[int]context.CancelFunc
}

// begin counts a question in; done counts it out.
func (q *questions) begin() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.cancel == nil {
		q.cancel = map[int]context.CancelFunc{}
	}
	id := q.next
	q.next++
	q.cancel[id] = cancel
	q.done.Add(1)
	q.running.Add(1)
	return ctx, func() {
		cancel()
		q.mu.Lock()
		delete(q.cancel, id)
		q.mu.Unlock()
		q.running.Add(-1)
		q.done.Done()
	}
}

// stop ends all that are being asked, and waits for them.
func (q *questions) stop() {
	q.mu.Lock()
	for _, cancel := range q.cancel {
		cancel()
	}
	q.mu.Unlock()
	q.done.Wait()
}

// wonder asks the channel's upstream for its models with a key that has been refused, unless that was done a short while ago.
// It is asked by a goroutine that takes itself out of every count when it ends, which is after questionTimeout at the latest.
func (c *Channel) wonder(k *breaker.Key) {
	if c.asks == nil || k.Secret == "" || k.Wonders() < refusalsToAsk || k.Cooldown.Active() {
		return
	}
	now := breaker.Moment(c.pool.now())
	last := c.state.wondered.Load()
	if last != 0 && now-last < int64(questionEvery) || !c.state.wondered.CompareAndSwap(last, now) {
		return
	}
	ctx, done := c.pool.questions.begin()
	go func() {
		defer done()
		defer func() {
			if p := recover(); p != nil {
				c.pool.options.Log.Error("panic in a question for the list of models", "channel", c.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		if failure := c.list(ctx, k, nil); failure != nil && failure.IsOfTheKey() {
			if k.Refuse(c.pool.now(), false) {
				c.sayRefused(k, "", "it was refused the list of models as well: "+failure.ErrorType()+" "+failure.Detail)
			}
		}
	}()
}

// list asks for the list of models, through the one door. nil: it was answered, and read, which is nil if nobody is interested in
// what is on it, had nothing against it.
func (c *Channel) list(ctx context.Context, k *breaker.Key, read func(*Exchange) *outcome.Failure) *outcome.Failure {
	now := time.Now()
	c.state.inFlight.Add(1)
	c.pool.inFlight.Add(1)
	c.transport.Enter()
	x := &Exchange{Channel: c, client: ctx, began: now, key: k, call: &lane.Call{}}
	x.tie()
	defer func() {
		x.net.Stop()
		x.hold.release()
	}()
	x.hold.clock.limitTo(now.Add(questionTimeout), outcome.HeaderTimeout)
	request := c.asks()
	request.Method = http.MethodGet
	if failure := x.address(&request); failure != nil {
		return failure
	}
	x.hold.clock.until(now.Add(questionTimeout), outcome.HeaderTimeout)
	connected, err := x.ask(&request)
	x.hold.clock.off()
	if err != nil {
		return x.broken(err, connected)
	}
	x.opened()
	if x.answer.Status < 200 || x.answer.Status > 299 {
		f := x.refused()
		f.Unprompted()
		return f
	}
	if read != nil {
		return read(x)
	}
	return nil
}
