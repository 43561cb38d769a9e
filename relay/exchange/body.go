package exchange

import (
	"compress/gzip"
	"io"
	"strings"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/outcome"
)

// body is an upstream's answer as the exchange reads it: unpacked, and on the clock. Reads happen in the request's goroutine
// only.
type body struct {
	source io.ReadCloser // nil: there is no answer yet
	reader io.Reader     // source, or what unpacks it
	clock  *clock
	// The phase of reading: it ends at deadline, with outcome. If silence is set, it gives both before each read.
	silence  func(now time.Time) (deadline time.Time, outcome outcome.Outcome)
	deadline time.Time
	outcome  outcome.Outcome

	packed bool  // it comes packed, with gzip
	read   int64 // bytes handed out
	waited time.Duration
	came   int64 // a moment: when the last wait for the upstream ended
	so     soFar // as silence found it
}

// buffered is a source that knows whether it can be read without waiting. Such a read needs no clock.
type buffered interface {
	io.Reader
	Buffered() bool
}

// by bounds all reads that follow.
func (b *body) by(deadline time.Time, outcome outcome.Outcome) {
	b.silence, b.deadline, b.outcome = nil, deadline, outcome
}

// Read waits for the upstream, no longer than the phase allows.
func (b *body) Read(p []byte) (int, error) {
	if source, ok := b.source.(buffered); ok && !b.packed && source.Buffered() {
		n, err := source.Read(p)
		b.read += int64(n)
		return n, err
	}
	began := breaker.Now()
	if b.silence != nil {
		b.deadline, b.outcome = b.silence(breaker.Time(began))
	}
	b.clock.untilMore(began, b.deadline, b.outcome, b.so)
	defer func() {
		b.clock.off()
		b.came = breaker.Now()
		b.waited += time.Duration(b.came - began)
	}()
	if b.reader == nil {
		// The gzip header is read here, on the clock, and not where the answer begins.
		unpacked, err := gzip.NewReader(b.source)
		if err != nil {
			return 0, err
		}
		b.reader = unpacked
	}
	n, err := b.reader.Read(p)
	b.read += int64(n)
	return n, err
}

// unpack prepares for a packed answer. It reports false if that is packed in a way that was not asked for and cannot be undone.
func (b *body) unpack(encoding string) bool {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity", "none", "utf-8", "utf8", "binary", "8bit": // nothing has been packed, whoever takes this for a place to say so
		b.reader = b.source
	case "gzip", "x-gzip":
		b.packed = true
	default:
		return false
	}
	return true
}
