package breaker

import (
	"sync"
	"sync/atomic"
)

// What it takes to hold refusals against a key, or against a channel, each of which may be about what was asked: that many
// requests, of that many client tokens, and no success in between. One client alone can bring about as many as it likes.
const (
	requestsToConvict = 3
	tokensToConvict   = 2
)

// Doubt is the refusals so far. The zero value has none.
type Doubt struct {
	refusals atomic.Int32 // requests

	mu      sync.Mutex
	token   string // of the first request
	others  bool   // there was one of another token
	request string // the last one's id: its further attempts say nothing new
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
