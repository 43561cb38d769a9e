package exchange

import (
	"bytes"
	"unicode/utf8"

	"one-api/relay/lane"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

// What converting takes at the most, in bytes, beside the text that is converted. It is measured, and a test holds each lane
// to it, with texts that are made to need it all.
const (
	// perByte is for texts decoded and encoded, with what their buffers double.
	perByte = 7
	// perElement is for each element of a list: the largest of the structs that such elements become, twice and a bit while its
	// list grows. An element can be two bytes of JSON.
	perElement = 640
	// perGrown is, beside perByte, for a byte that is not UTF-8, which is decoded to the three of U+FFFD, and for a U+2028 or
	// U+2029, which encoding/json escapes with six.
	perGrown = 9
)

// keptTwice is for translators that keep a buffer for what they encode, and one for the events that they make of it.
const keptTwice = 2

// longConversion is from how many bytes on it is asked before a conversion whether its client is still there. The budget bounds
// how long each may take.
const longConversion = 1 << 20

// smallEvent is up to how many bytes an event is free of all this, which is nearly always.
const smallEvent = 1 << 10

// lease says which budget the exchange holds parts of, and for whom.
func (x *Exchange) lease(call *lane.Call) {
	for _, l := range [...]*membudget.Lease{&x.hold.request, &x.hold.answer, &x.hold.work} {
		l.Of(x.door.options.Budget)
		l.As(call.Held)
	}
}

// converts reports whether the channel speaks another format than the client.
func (x *Exchange) converts() bool { return x.lane().Converts() }

func (x *Exchange) lane() lane.Lane { return x.Channel.Lanes[x.call.Endpoint] }

// prepare makes the upstream request, where there is room for it.
func (x *Exchange) prepare(call *lane.Call) (lane.Request, *outcome.Failure) {
	takes := int64(0)
	if x.converts() {
		takes = conversion(call.Body) + perByte*int64(len(call.Prefix))
	}
	if call.Prefix != "" || x.Channel.UpstreamModel(call.Model) != call.Model { // a copy, or two
		takes = max(takes, 2*int64(len(call.Body)+perByte*len(call.Prefix)))
	}
	asksUsage := x.asksForUsage(call)
	if asksUsage {
		takes = max(takes, int64(len(call.Body))) // a copy
	}
	thoughts := x.givesThoughts(call)
	if thoughts {
		takes = max(takes, 3*int64(len(call.Body))) // the messages, and all with them in it
	}
	if err := x.hold.work.Hold(takes); err != nil {
		return lane.Request{}, outcome.NoRoomForRequest(err)
	}
	call = x.asContinuation(call)
	request, err := x.lane().Request(call, lane.Target{
		Model: x.Channel.UpstreamModel(call.Model), Official: x.Channel.Official, Quirks: x.Channel.Of.QuirksAt(x.Channel.Official), Hint: hints[x.Channel.Resume], AskUsage: asksUsage, Thoughts: thoughts,
	})
	x.hold.work.Release()
	if err != nil {
		return lane.Request{}, x.unsayable(err)
	}
	x.conversion(request.Converted)
	if !shared(request.Body, x.call.Body) {
		if err := x.hold.request.Hold(int64(cap(request.Body))); err != nil {
			return lane.Request{}, outcome.NoRoomForRequest(err)
		}
	}
	return request, nil
}

// conversion notes what the lane did to the request, and counts what it had to leave out.
func (x *Exchange) conversion(c *lane.Converted) {
	if x.converted = c; c == nil {
		return
	}
	for _, feature := range c.Dropped {
		x.door.options.Metrics.FormatDropped(c.From, c.To, feature)
	}
}

// shared reports whether two bodies are one in memory.
func shared(a, b []byte) bool { return len(a) > 0 && len(b) > 0 && &a[0] == &b[0] }

// translate makes the client's answer of a whole one, where there is room for it.
func (x *Exchange) translate(answer []byte) ([]byte, *outcome.Failure) {
	converts := x.converts()
	if converts {
		if err := x.hold.work.Hold(conversion(answer)); err != nil {
			return nil, x.broken(err, true)
		}
		if len(answer) > longConversion && x.client.Err() != nil {
			return nil, x.interruptedOrGone() // it may take seconds, and nobody waits for what comes of it
		}
	}
	out, err := x.translator.Whole(answer)
	if err != nil {
		return nil, x.said(err)
	}
	if x.says != nil {
		x.says.note(answer)
	}
	if converts {
		_ = x.hold.work.Hold(int64(cap(out))) // nearly always less than before; else what was held is enough to count
	}
	return out, nil
}

// step translates an event, where there is room for it. A *Failure says what there was instead.
func (x *Exchange) step(event sse.Event) (lane.Step, error) {
	event = unmarked(event)
	if len(event.Raw) <= smallEvent && x.kept+x.out.held <= smallEvent {
		step, err := x.translator.Event(event)
		if err == nil && step.Held > smallEvent && x.hold.work.Hold(int64(step.Held)) != nil {
			return lane.Step{}, x.broken(membudget.ErrFull, true)
		}
		return step, err
	}
	takes := int64(len(event.Raw)) // even where it goes through, for it may have to be made clean
	if x.converts() {
		takes = conversion(event.Data)
	}
	if err := x.hold.work.Hold(int64(x.kept+x.out.held) + takes); err != nil {
		return lane.Step{}, x.broken(err, true)
	}
	step, err := x.translator.Event(event)
	if err != nil {
		return step, err
	}
	if !shared(step.Out, event.Raw) {
		x.kept = max(x.kept, keptTwice*cap(step.Out))
	}
	if err := x.hold.work.Hold(int64(x.kept + x.out.held + step.Held)); err != nil {
		return lane.Step{}, x.broken(err, true)
	}
	return step, nil
}

// conversion is how many bytes converting a JSON text takes at the most.
func conversion(text []byte) int64 {
	return perByte*int64(len(text)) + perElement*commas(text) + perGrown*grown(text)
}

// grown counts the bytes that are not UTF-8, and the separators that encoding/json escapes.
func grown(text []byte) (n int64) {
	n = int64(bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029")))
	if utf8.Valid(text) { // as nearly always, and far faster
		return n
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		text = text[size:]
	}
	return n
}

// commas counts those that separate, not those in strings. The text need not be valid.
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
