package channel

import (
	"bytes"
	"net/http"
	"time"

	"one-api/relay/budget"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// What converting takes at the most, in bytes, beside the text that is converted: the texts in it decoded and encoded, with
// what buffers double, and for each element of a list the largest of the structs that such elements become, twice and a bit
// while its list grows. An element can be two bytes of JSON.
const (
	perByte    = 4
	perElement = 512
)

// keptTwice is for translators that keep a buffer for what they encode, and one for the events that they make of it.
const keptTwice = 2

// smallEvent is up to how many bytes an event is free of all this, which is nearly always.
const smallEvent = 1 << 10

// lease says which budget the exchange holds parts of.
func (x *Exchange) lease() {
	b := x.Channel.pool.options.Budget
	x.hold.request.Of(b)
	x.hold.answer.Of(b)
	x.hold.work.Of(b)
}

// converts tells whether the channel speaks another format than the client.
func (x *Exchange) converts() bool {
	converter, ok := x.Channel.Adaptor.(Converter)
	return !ok || converter.Converts(x.call.Endpoint)
}

// prepare makes the upstream request, where there is room for it.
func (x *Exchange) prepare(call *Call) (Request, *Failure) {
	if x.converts() && x.hold.work.Hold(conversion(call.Body)) != nil {
		return Request{}, noRoomForRequest()
	}
	call = x.asContinuation(call)
	request, err := x.Channel.Adaptor.Request(call, Target{
		Model: x.Channel.upstreamModel(call.Model), Key: x.key.secret, Official: x.Channel.Official, Hint: x.Channel.Resume,
	})
	x.hold.work.Release()
	if err != nil {
		return Request{}, x.unsayable(err)
	}
	if !shared(request.Body, x.call.Body) && x.hold.request.Hold(int64(cap(request.Body))) != nil {
		return Request{}, noRoomForRequest()
	}
	return request, nil
}

// shared tells whether two bodies are one in memory.
func shared(a, b []byte) bool { return len(a) > 0 && len(b) > 0 && &a[0] == &b[0] }

// translate makes the client's answer of a whole one, where there is room for it.
func (x *Exchange) translate(answer []byte) ([]byte, *Failure) {
	converts := x.converts()
	if converts {
		if err := x.hold.work.Hold(conversion(answer)); err != nil {
			return nil, x.broken(err, true)
		}
	}
	out, err := x.translator.Whole(answer)
	if err != nil {
		return nil, x.said(err)
	}
	if converts {
		_ = x.hold.work.Hold(int64(cap(out))) // nearly always less than before; else what was held is enough to count
	}
	return out, nil
}

// step translates an event, where there is room for it. A *Failure says what there was instead.
func (x *Exchange) step(event sse.Event) (Step, error) {
	if len(event.Raw) <= smallEvent && x.kept+x.out.held <= smallEvent {
		return x.translator.Event(event)
	}
	takes := int64(len(event.Raw)) // even where it goes through, for it may have to be made clean
	if x.converts() {
		takes = conversion(event.Data)
	}
	if err := x.hold.work.Hold(int64(x.kept+x.out.held) + takes); err != nil {
		return Step{}, x.broken(err, true)
	}
	step, err := x.translator.Event(event)
	if err != nil {
		return step, err
	}
	if !shared(step.Out, event.Raw) {
		x.kept = max(x.kept, keptTwice*cap(step.Out))
	}
	if err := x.hold.work.Hold(int64(x.kept + x.out.held + step.Held)); err != nil {
		return Step{}, x.broken(err, true)
	}
	return step, nil
}

// conversion is how many bytes converting a JSON text takes at the most.
func conversion(text []byte) int64 { return perByte*int64(len(text)) + perElement*commas(text) }

// commas counts those that separate, not those in strings. It need not be told whether the text is valid.
func commas(text []byte) (n int64) {
	comma := []byte{','}
	for {
		quote := bytes.IndexByte(text, '"')
		if quote < 0 {
			return n + int64(bytes.Count(text, comma))
		}
		n += int64(bytes.Count(text[:quote], comma))
		text = text[quote+1:]
		for {
			end := bytes.IndexByte(text, '"')
			if end < 0 {
				return n
			}
			escapes := 0
			for escapes < end && text[end-1-escapes] == '\\' {
				escapes++
			}
			text = text[end+1:]
			if escapes%2 == 0 {
				break
			}
		}
	}
}

// NoRoom is the failure of an answer that came when other large bodies held the memory for it. The channel has done nothing
// wrong.
func NoRoom() *Failure {
	return &Failure{Outcome: TooLarge, Class: ClassRelay, Detail: budget.ErrFull.Error(), Err: &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: TooLarge.String(), RetryAfter: time.Second,
		Message: "the relay has no memory left for an answer of this size at the moment: retry later, or have its operator raise MAX_BUFFERED_MB",
	}}
}

func noRoomForRequest() *Failure {
	r := RefuseNoRoom()
	return &Failure{Outcome: Rejected, Reason: r.Reason, Err: r.Err, Detail: budget.ErrFull.Error()}
}
