package exchange

import (
	"errors"
	"io"

	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

// relayWhole keeps the answer back until it is complete and understood. Until then another channel can take over, and the
// client never sees half of it.
func (x *Exchange) relayWhole(client Downstream) *outcome.Failure {
	answer, failure := x.whole(nil)
	if failure != nil {
		return failure
	}
	if isPage(answer) {
		return outcome.WebPage()
	}
	if isEventStream(answer) {
		if answer, failure = x.unframed(answer); failure != nil {
			return failure
		}
	}
	out, failure := x.translate(answer)
	if failure != nil {
		return failure
	}
	x.started = true
	if x.client.Err() != nil {
		return x.interruptedOrGone()
	}
	x.showCost(client)
	if err := client.Whole(out); err != nil {
		return x.unwritable(err)
	}
	return nil
}

// whole reads the answer to its end. begun is what has been read of it before.
func (x *Exchange) whole(begun []byte) ([]byte, *outcome.Failure) {
	announced := x.answer.Length
	if x.body.packed {
		announced = -1 // of what it is packed in
	}
	if announced > maxAnswer {
		return nil, x.broken(sse.ErrTooLarge, true) // it need not come to be known
	}
	answer := x.hold.answer.Buffer(announced, maxAnswer)
	defer answer.Close()
	for {
		room, err := answer.Room()
		if err != nil {
			return nil, x.broken(err, true)
		}
		if len(begun) > 0 {
			n := copy(room, begun)
			begun = begun[n:]
			answer.Took(n)
			continue
		}
		n, err := x.body.Read(room)
		answer.Took(n)
		switch {
		case answer.Len() > maxAnswer:
			return nil, x.broken(sse.ErrTooLarge, true)
		case errors.Is(err, io.EOF):
			whole, err := answer.Body()
			if err != nil {
				return nil, x.broken(err, true)
			}
			return jsonscan.WithoutBOM(whole), nil
		case err != nil:
			return nil, x.broken(err, true)
		}
	}
}
