package exchange

import (
	"bytes"
	"io"
	"time"

	"one-api/relay/outcome"
)

// errorBodyBytes is how much is read of an error, however much its upstream sends.
const errorBodyBytes = 64 << 10

// refused reads what there is of an error, and closes it.
func (x *Exchange) refused() *outcome.Failure {
	x.body.by(time.Now().Add(x.door.options.ErrorBodyTimeout), outcome.HeaderTimeout)
	var text []byte
	if x.body.unpack(x.answer.Encoding) {
		// An error of reading is no news: what counts is the status, which has arrived.
		text, _ = io.ReadAll(io.LimitReader(&x.body, errorBodyBytes))
	}
	x.hold.closeBody()
	if f := x.interrupted(); f != nil && f.Outcome != outcome.HeaderTimeout {
		return f
	}
	x.denied, x.unthought = x.refusesUsage(text), x.missesThoughts(text)
	f := outcome.StatusFailure(x.answer.Status, x.answer.Header, bytes.TrimPrefix(text, byteOrderMark))
	x.corrects(f)
	if f.Class == outcome.ClassMisplaced {
		f.Detail = x.explained(f)
	}
	return x.censored(f)
}

// corrects gives a failure that the upstream has reported what the provider's own idea of it is.
func (x *Exchange) corrects(f *outcome.Failure) {
	if x.Channel.Correct != nil {
		x.Channel.Correct(f)
	}
}
