package breaker

import (
	"sync"
	"sync/atomic"
)

// What it takes before refusals that may be about the request count against a key or a channel: this many requests, from this many
// client tokens, and no success in between. A single client can bring about as many refusals as it likes.
const (
	requestsToConvict = 3
	tokensToConvict   = 2
)

// Doubt counts such refusals. The zero value has none.
type Doubt struct {
	refusals atomic.Int32 // requests

	mu      sync.Mutex
	token   string // of the first request
	others  bool   // there was one from another token
	request string // the id of the last one, whose further attempts are not counted
}

// Against adds a refusal; true if there are enough.
func (d *Doubt) Against(token, request string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.refusals.Load()
	if n > 0 && d.request == request {
		return n >= requestsToConvict && d.others
	}
	if n == 0 {
		d.token, d.others = token, false
	}
	d.others = d.others || d.token != token
	d.request = request
	if n < requestsToConvict {
		n = d.refusals.Add(1)
	}
	return n >= requestsToConvict && d.others
}

// Any reports whether there are refusals.
func (d *Doubt) Any() bool { return d.refusals.Load() != 0 }

// Clear forgets them.
func (d *Doubt) Clear() {
	if !d.Any() {
		return // as nearly always: every success comes here
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusals.Store(0)
	d.token, d.request, d.others = "", "", false
}
