package exchange

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/lane"
	"one-api/relay/outcome"
)

// questionTimeout is how long a question of the relay's own may take.
const questionTimeout = 10 * time.Second

// questions is what is being asked of all channels on the relay's own account.
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

// wonder asks a channel's upstream for its models with a key that has been refused, if that is called for. It is asked by a goroutine
// that takes itself out of every count when it ends, which is after questionTimeout at the latest.
func (d *Door) wonder(c *channel.Channel, k *breaker.Key) {
	if !c.Wonders(k) {
		return
	}
	ctx, done := d.questions.begin()
	go func() {
		defer done()
		defer func() {
			if p := recover(); p != nil {
				d.options.Log.Error("panic in a question for the list of models", "channel", c.Name, "panic", fmt.Sprint(p),
					"stack", string(debug.Stack()))
			}
		}()
		if failure := d.list(ctx, c, k, nil); failure != nil && failure.IsOfTheKey() {
			c.Refuse(k, "it was refused the list of models as well: "+failure.ErrorType()+" "+failure.Detail)
		}
	}()
}

// question begins an exchange on the relay's own account: it takes no place in the channel, has questionTimeout, and is recorded nowhere.
// end gives back what it holds.
func (d *Door) question(ctx context.Context, c *channel.Channel, k *breaker.Key, began time.Time) (x *Exchange, end func()) {
	x = &Exchange{Slot: c.Question(k, began), door: d, client: ctx}
	x.tie()
	x.hold.canceler.watch()
	x.hold.clock.limitTo(began.Add(questionTimeout), outcome.HeaderTimeout)
	return x, func() {
		x.unspread()
		x.hold.release(breaker.Now())
	}
}

// list asks for the list of models, through the one door, and hands the answer to read, which is nil if only the status matters. It
// returns nil if the upstream answered with a 2xx and read had nothing against it.
func (d *Door) list(ctx context.Context, c *channel.Channel, k *breaker.Key, read func(*Exchange) *outcome.Failure) *outcome.Failure {
	x, end := d.question(ctx, c, k, time.Now())
	defer end()
	x.call = &lane.Call{}
	request := c.Asks()
	request.Method = http.MethodGet
	if failure := x.address(&request); failure != nil { //nolint:contextcheck // no client, so no trace to continue
		return failure
	}
	connected, err := x.ask(&request)
	if err != nil {
		return x.broken(err, connected)
	}
	x.opened()
	if x.answer.Status < 200 || x.answer.Status > 299 {
		f := x.refused(false)
		f.Unprompted()
		return f
	}
	if read != nil {
		return read(x)
	}
	return nil
}
