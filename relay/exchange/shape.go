package exchange

import (
	"bytes"
	"errors"
	"io"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// An answer is known by its bytes and not by its label: servers, and the proxies in front of them, send event streams as
// application/json or text/html, and errors as text/event-stream.

// notStream looks at how a stream begins. If that is an object, it is most likely an error. It returns nil for a stream, and for an answer
// that ends before it is anything.
//
//go:noinline
func (x *Exchange) notStream(events *sse.Reader) *outcome.Failure {
	switch first, _ := events.Peek(); first { // an error comes again with the first event
	case '{', '[':
		begun := bytes.Clone(events.Rest())
		events.Close()
		answer, failure := x.whole(begun)
		if failure == nil {
			_, failure = x.translate(answer)
		}
		if failure == nil {
			failure = outcome.Malformed("one object instead of a stream")
		}
		return failure
	case '<':
		return outcome.WebPage()
	}
	return nil
}

// isPage reports whether an answer that should be an object begins like a web page. An object does not.
func isPage(answer []byte) bool {
	if len(answer) > 0 && answer[0] == '{' {
		return false // as nearly always
	}
	return bytes.HasPrefix(bytes.TrimLeft(answer, " \t\r\n"), []byte("<"))
}

// isEventStream reports whether an answer that should be one object has the frame of an event, which neither JSON nor a web
// page begins like.
func isEventStream(answer []byte) bool {
	if len(answer) > 0 && answer[0] == '{' {
		return false // as nearly always
	}
	answer = bytes.TrimLeft(answer, " \t\r\n")
	for _, field := range [...]string{"data:", "event:", "id:", "retry:", "error:", ":"} {
		if bytes.HasPrefix(answer, []byte(field)) {
			return true
		}
	}
	return false
}

// unframed is the one object in an answer that is an event stream, which is how some servers send errors. More than one is the
// stream that was not asked for.
func (x *Exchange) unframed(answer []byte) ([]byte, *outcome.Failure) {
	events := sse.NewReader(bytes.NewReader(answer), maxEvent)
	events.Lease, events.Strays = &x.hold.work, true
	defer events.Close()
	var object []byte
	for {
		event, err := events.Next()
		if stray, named := events.Stray(); stray != nil {
			if failure := x.strayError(stray, named || string(event.Name) == errorName); failure != nil {
				return nil, failure
			}
		}
		switch {
		case errors.Is(err, io.EOF) && object != nil:
			return object, nil
		case errors.Is(err, io.EOF):
			return nil, outcome.Malformed("an event stream without an object in it")
		case err != nil:
			return nil, x.broken(err, true)
		case len(event.Data) == 0, format.IsTerminator(event.Data):
		case string(event.Name) == errorName:
			return nil, x.spoilt(x.errorIn(event), &event)
		case object != nil:
			return nil, outcome.Malformed("a stream instead of one object")
		default:
			object = jsonscan.WithoutBOM(event.Data)
			object = bytes.Clone(object)
		}
	}
}

// errorIn is the failure that an event of the name error reports.
func (x *Exchange) errorIn(event sse.Event) error {
	err := x.reports(event)
	if err == nil {
		err = outcome.Malformed("an event of the name error that reports none")
	}
	return err
}

// errorName is the name of events that report an error.
const errorName = "error"

// strayError is the failure that an object in the midst of a stream reports, where only fields of events may stand; nil: it reports
// none, and is nothing that anybody would read. named: it is said to be one.
func (x *Exchange) strayError(object []byte, named bool) *outcome.Failure {
	object = bytes.TrimSpace(object)
	if !named && !isError(object) {
		return nil
	}
	if err := x.reports(sse.Event{Name: []byte(errorName), Data: object}); err != nil {
		return x.said(err)
	}
	return nil
}

// isError reports whether an object, or the first of a list, says that it is an error and has nothing of an answer beside it.
func isError(object []byte) bool {
	if len(object) > 0 && object[0] == '[' {
		first := []byte(nil)
		if !jsonscan.Elements(object, func(element []byte) {
			if first == nil {
				first = element
			}
		}) {
			return false
		}
		object = first
	}
	var signs wire.ErrorSigns
	answer := false
	err := jsonscan.Object(object, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "choices", "delta", "content", "content_block", "usage":
			answer = answer || !jsonscan.IsNull(m.Value)
		}
		signs.Note(m)
	})
	return err == nil && signs.IsError(answer)
}

// isNothingElse reports whether there is neither data nor a name in an event.
func isNothingElse(event *sse.Event) bool { return len(event.Data) == 0 && len(event.Name) == 0 }
