package exchange

import (
	"context"
	"io"
	"sync"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/membudget"
	"one-api/relay/upstream"
)

// resources is everything that an exchange holds of the process: its place in the counts, the upstream call, the clock, the
// answer's body. It is given back once and at once, by the exchange's end, or by the safety net if an exchange was forgotten.
// It must not refer to the exchange, or the net would never see one go.
type resources struct {
	door     *Door
	channel  *channel.Channel
	call     channel.OpenCall
	canceler canceler
	clock    clock
	// Parts of the budget: the upstream request's body where it is not the client's, the answer or event as it comes, and what
	// converting any of them takes.
	request, answer, work membudget.Lease

	shown *shown // a token in the place of a key; nil: there is none

	mu       sync.Mutex
	body     io.Closer      // nil: no answer is open
	sent     *upstream.Sent // nil: net/http was not asked
	first    bool           // the body is closed before the call is ended
	released bool
}

// sends adds a request of net/http's. Where there was one before, it has failed.
func (h *resources) sends(n *upstream.Sent) {
	h.mu.Lock()
	former := h.sent
	h.sent = n
	h.mu.Unlock()
	if former != nil {
		former.Finish()
	}
}

// letGo lets go of the request's body, which is not to be sent again.
func (h *resources) letGo() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sent != nil {
		h.sent.LetGo()
	}
}

// opened adds the answer's body. first: it is closed before the call is ended.
func (h *resources) opened(body io.Closer, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.body, h.first = body, first
	h.channel.BodyOpened()
}

// closeBody closes the answer before the exchange ends.
func (h *resources) closeBody() (wasOpen bool) {
	h.mu.Lock()
	body := h.body
	h.body = nil
	h.mu.Unlock()
	if body == nil {
		return false
	}
	_ = body.Close() // the answer has been read or given up: an error of closing it matters to nobody
	h.channel.BodyClosed()
	return true
}

// release gives everything back. now is a moment. leaked reports whether a body was still open. A second call does nothing.
func (h *resources) release(now int64) (leaked bool) {
	h.mu.Lock()
	done := h.released
	h.released = true
	h.mu.Unlock()
	if done {
		return false
	}
	h.clock.stop()
	h.canceler.unwatch()
	if h.first {
		leaked = h.closeBody()
	}
	// net/http's is told before its body is closed: closing alone would wait for an HTTP/1.1 answer's end to reuse the
	// connection.
	h.canceler.endAt(now, context.Canceled)
	leaked = h.closeBody() || leaked
	if h.sent != nil {
		h.sent.Finish()
	}
	h.request.Release()
	h.answer.Release()
	h.work.Release()
	h.channel.Leave(&h.call)
	return leaked
}

// forgotten is the safety net: the exchange was garbage-collected without its end. That is a bug of this package; it costs a
// line in the log and a count, and nothing else.
func (h *resources) forgotten() {
	if h.release(breaker.Now()) {
		h.channel.Leaked()
		h.door.options.Log.Error("an upstream answer was left open and closed by the safety net: this is a bug in the relay",
			"channel", h.channel.Name)
	}
}
