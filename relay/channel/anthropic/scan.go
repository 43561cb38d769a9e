package anthropic

import (
	"bytes"
	"errors"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
)

// kind is the type of an event of a stream, or of a whole answer.
type kind uint8

const (
	unknownKind kind = iota // nothing that this package knows, which is no error: the API says that events may be added
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

// envelope is the outside of an event or of an answer: its type, and the values that matter, as they stand.
type envelope struct {
	kind         kind
	message      []byte
	usage        []byte
	contentBlock []byte
	content      []byte
	failure      []byte // the value of "error"
}

// scanEnvelope reads one JSON object in a single pass and without allocating. Its errors are those of jsonscan.
func scanEnvelope(data []byte) (envelope, error) {
	e := envelope{kind: noKind}
	err := jsonscan.Object(data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			e.kind = kindOf(m.Value)
		case "message":
			e.message = m.Value
		case "usage":
			e.usage = m.Value
		case "content":
			e.content = m.Value
		case "content_block":
			e.contentBlock = m.Value
		case "error":
			e.failure = m.Value
		}
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
func (e envelope) isError() bool {
	return e.kind == errorKind || e.kind == noKind && len(e.failure) > 0 && !jsonscan.IsNull(e.failure)
}

func scanWhole(body []byte) (envelope, error) {
	e, err := scanEnvelope(body)
	switch {
	case errors.Is(err, jsonscan.ErrTruncated):
		return e, channel.Truncated("the answer's JSON is cut off")
	case err != nil:
		return e, channel.Malformed("the answer is not a JSON object")
	case e.isError():
		return e, eventFailure(body)
	}
	return e, nil
}

func scanEvent(event sse.Event) (envelope, error) {
	if len(event.Data) == 0 && string(event.Name) == "ping" {
		return envelope{kind: pingKind}, nil // some servers keep the connection alive without a word
	}
	e, err := scanEnvelope(event.Data)
	switch {
	case err != nil:
		return e, channel.Malformed("an event's data is not a JSON object")
	case e.isError() || string(event.Name) == "error":
		return e, eventFailure(event.Data)
	}
	return e, nil
}
