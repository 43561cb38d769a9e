package exchange

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/upstream"
	"one-api/relay/upstream/eventstream"
	"one-api/relay/wire"
)

// interrupted is the failure of a call that was ended before its time; nil if it was not.
func (x *Exchange) interrupted() *outcome.Failure {
	cause := x.hold.canceler.Why()
	if cause == nil {
		return nil
	}
	var clock expired
	if errors.As(cause, &clock) {
		f := outcome.TimedOut(clock.outcome)
		f.Detail = x.ranOut(clock.outcome)
		return x.silent(f)
	}
	if errors.Is(context.Cause(x.client), outcome.ErrShutdown) {
		cause = outcome.ErrShutdown
	}
	return outcome.Ended(cause)
}

// truly is the failure of an attempt if the relay had ended the call by then. An upstream that is hung up on may yet end its answer in
// good order, or in the middle of a word, before the last of it is read. That says nothing of the upstream.
func (x *Exchange) truly(f *outcome.Failure) *outcome.Failure {
	if f == nil {
		return nil
	}
	switch f.Outcome {
	case outcome.UpstreamReset, outcome.UpstreamTruncated, outcome.UpstreamMalformed:
		if ended := x.interrupted(); ended != nil {
			return ended
		}
	default: // nothing broke off
	}
	return f
}

// broken says what an error of the network or of net/http was. The text of such errors may name addresses, so none of it is
// passed on.
func (x *Exchange) broken(err error, connected bool) *outcome.Failure {
	if f := x.interrupted(); f != nil {
		if connected || f.Outcome != outcome.HeaderTimeout && f.Outcome != outcome.FirstTokenTimeout {
			return f
		}
		err = os.ErrDeadlineExceeded // nothing was sent: whichever clock it was, the upstream could not be reached
	}
	if errors.Is(err, membudget.ErrFull) {
		return outcome.NoRoom(err)
	}
	f := &outcome.Failure{Outcome: outcome.UpstreamReset, Detail: upstream.Describe(err)}
	text := err.Error()
	switch {
	case errors.Is(err, sse.ErrTooLarge), errors.Is(err, eventstream.ErrTooLarge), strings.Contains(text, "response headers exceeded"),
		strings.Contains(text, "header list"):
		f.Outcome = outcome.TooLarge
	case !connected:
		f.Outcome = outcome.ConnectFailed
	case errors.Is(err, eventstream.ErrCut):
		f.Outcome = outcome.UpstreamTruncated
	case strings.Contains(text, "malformed"), strings.Contains(text, "Content-Length"),
		strings.Contains(text, "invalid byte in chunk length"), strings.Contains(text, "suspiciously long trailer"),
		errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), upstream.IsCorrupt(err):
		f.Outcome = outcome.UpstreamMalformed
	case errors.Is(err, io.ErrUnexpectedEOF) && x.bounded():
		f.Outcome = outcome.UpstreamTruncated
	}
	f.Err = &wire.Error{Status: http.StatusBadGateway, Type: "api_error", Code: f.Outcome.String(), Message: map[outcome.Outcome]string{
		outcome.ConnectFailed:     "the upstream could not be reached",
		outcome.UpstreamReset:     "the connection to the upstream broke",
		outcome.UpstreamTruncated: "the upstream's answer ended before it was complete",
		outcome.UpstreamMalformed: "the upstream sent an answer that could not be understood",
		outcome.TooLarge:          "the upstream's answer is larger than the relay accepts",
	}[f.Outcome]}
	return f
}

// bounded reports whether the answer says where it ends, other than by its transfer coding: an early end is then a lack of
// bytes and not a broken connection.
func (x *Exchange) bounded() bool {
	return x.answer.Status != 0 && (x.answer.Length >= 0 || x.body.packed)
}

// interruptedOrGone is the failure of a call that was interrupted; if nothing else has interrupted it, its client is gone.
func (x *Exchange) interruptedOrGone() *outcome.Failure {
	if f := x.interrupted(); f != nil {
		return f
	}
	return outcome.Gone()
}
