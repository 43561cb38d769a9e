package messages

import (
	"bytes"
	"errors"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// kind is the type of an event of a stream, or of a whole answer.
type kind uint8

const (
	unknownKind kind = iota // nothing that this package knows, which is not an error: the API says that events may be added
	noKind                  // the object has no type
	wholeMessage
	messageStart
	messageDelta
	messageStop
	contentBlockStart
	contentBlockDelta
	contentBlockStop
	pingKind
	errorKind
)

var kinds = map[string]kind{
	"message":             wholeMessage,
	"message_start":       messageStart,
	"message_delta":       messageDelta,
	"message_stop":        messageStop,
	"content_block_start": contentBlockStart,
	"content_block_delta": contentBlockDelta,
	"content_block_stop":  contentBlockStop,
	"ping":                pingKind,
	"error":               errorKind,
}

var kindNames = func() (names [errorKind + 1][]byte) {
	for name, k := range kinds {
		if k != wholeMessage {
			names[k] = []byte(name)
		}
	}
	return names
}()

// name is the event's name of the kind; nil if it has none.
func (k kind) name() []byte { return kindNames[k] }

// envelope is the outside of an event or of an answer: its type, and the values that matter, as they stand.
type envelope struct {
	kind         kind
	index        int64
	id, model    []byte
	message      []byte
	delta        []byte
	usage        []byte
	contentBlock []byte
	content      []byte
	stopReason   []byte
	failure      []byte // the value of "error"
	metrics      []byte // Bedrock's word on what it cost, in the last event
	signs        wire.ErrorSigns
}

// scanEnvelope reads one JSON object in a single pass and without allocating. Its errors are those of jsonscan.
func scanEnvelope(data []byte) (envelope, error) {
	e := envelope{kind: noKind}
	err := jsonscan.Object(data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			e.kind = kindOf(m.Value)
		case "index":
			e.index, _ = jsonscan.Int(bytes.Trim(m.Value, `"`))
		case "id":
			e.id = m.Value
		case "model":
			e.model = m.Value
		case "message":
			e.message = m.Value
		case "delta":
			e.delta = m.Value
		case "usage":
			e.usage = m.Value
		case "content":
			e.content = m.Value
		case "content_block":
			e.contentBlock = m.Value
		case "stop_reason":
			e.stopReason = m.Value
		case "error":
			e.failure = m.Value
		case "amazon-bedrock-invocationMetrics":
			e.metrics = m.Value
		}
		e.signs.Note(m)
	})
	return e, err
}

func kindOf(value []byte) kind {
	if len(value) >= 2 && value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return kinds[string(value[1:len(value)-1])]
	}
	name, _ := jsonscan.String(value)
	return kinds[name]
}

// isError also knows errors that lack their type, which is how some servers that are compatible with Anthropic report them.
// What has a type that is known is what it says.
func (e envelope) isError() bool {
	switch e.kind {
	case errorKind:
		return true
	case noKind, unknownKind:
		return e.signs.IsError(e.kind == unknownKind || len(e.content) > 0 && e.content[0] == '[')
	case wholeMessage, messageStart:
		return e.signs.IsError(true)
	case messageDelta, messageStop, contentBlockStart, contentBlockDelta, contentBlockStop, pingKind:
	}
	return false
}

func scanWhole(body []byte) (envelope, error) {
	e, err := scanEnvelope(body)
	switch {
	case errors.Is(err, jsonscan.ErrTruncated):
		return e, format.Truncated("the answer's JSON is cut off")
	case err != nil:
		if first := onlyError(body); first != nil {
			return e, first
		}
		return e, format.Malformed("the answer is not a JSON object")
	case e.isError():
		return e, format.Reported(body)
	}
	return e, nil
}

func scanEvent(event sse.Event) (envelope, error) {
	if format.IsSilent(event) {
		return envelope{kind: pingKind}, nil
	}
	e, err := scanEnvelope(event.Data)
	switch {
	case string(event.Name) == "error":
		return e, format.Reported(event.Data)
	case err != nil && isPing(event):
		return envelope{kind: pingKind}, nil
	case err != nil:
		if first := onlyError(event.Data); first != nil {
			return e, first
		}
		return e, format.Malformed("an event's data is not a JSON object")
	case e.isError():
		return e, format.Reported(event.Data)
	case (e.kind == noKind || e.kind == unknownKind) && string(event.Name) == "ping":
		e.kind = pingKind
	}
	return e, nil
}

// isPing reports whether an event is a ping whose data is no JSON but the time, say.
func isPing(event sse.Event) bool {
	data := bytes.TrimSpace(event.Data)
	return string(event.Name) == "ping" && data[0] != '{' && data[0] != '['
}

// onlyError is the failure of a list that begins with an error, which is how Google's servers report one; nil if it is none.
func onlyError(body []byte) (failure *format.Fault) {
	first := true
	jsonscan.Elements(bytes.TrimSpace(body), func(element []byte) {
		if !first {
			return
		}
		first = false
		if e, err := scanEnvelope(element); err == nil && e.isError() {
			failure = format.Reported(body)
		}
	})
	return failure
}

// endOf is why an answer ends, if it does. unknown is a reason that is in no table. An error is a *format.Fault.
func endOf(stopReason []byte) (end wire.EndReason, unknown string, err error) {
	switch end = wire.EndReasonOf(stopReason); end {
	case wire.EndedBadly:
		err = format.BadEnd(wire.EndWord(stopReason))
	case wire.EndedSomehow:
		unknown = wire.EndWord(stopReason)
	case wire.NotEnded, wire.EndedItself, wire.EndedByLength, wire.EndedByCall, wire.EndedByFilter:
	}
	return end, unknown, err
}

// isText reports whether a value is the string.
func isText(value []byte, s string) bool {
	return len(value) == len(s)+2 && value[0] == '"' && string(value[1:len(value)-1]) == s
}
