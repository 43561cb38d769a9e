package turns

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// Kinds of the client's messages. OpenAI's beta has one more (response.inject).
const (
	kindCreate    = "response.create"
	kindSteer     = "response.steer"
	kindProcessed = "response.processed"
)

// envelope is what is said of a message besides the call that is in it.
type envelope struct {
	text     []byte // the whole message
	kind     string
	lane     string // stream_id; empty: none
	previous string // previous_response_id; empty: none
	model    string
	input    []byte // its value, as it stands; nil: there is none
	prepares bool   // generate is false: nothing is to be said yet
	stores   bool   // store is not false
}

// longestLane is how long a stream_id may be (^[A-Za-z0-9_.-]{1,256}$).
const longestLane = 256

// read reads a message.
func (e *envelope) read(text []byte) *wire.Error {
	*e = envelope{text: text, stores: true}
	var refusal *wire.Error
	refuse := func(param, message string) {
		if refusal == nil {
			refusal = wrong(param, message)
		}
	}
	err := jsonscan.Object(text, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			e.kind, _ = jsonscan.String(m.Value)
		case "stream_id":
			lane, ok := jsonscan.String(m.Value)
			if !ok || !isLane(lane) {
				refuse("stream_id", "`stream_id` must be 1 to 256 letters, digits, '_', '.' or '-'.")
				return
			}
			e.lane = lane
		case "previous_response_id":
			e.previous, _ = jsonscan.String(m.Value)
		case "model":
			e.model, _ = jsonscan.String(m.Value)
		case "input":
			e.input = m.Value
		case "generate":
			e.prepares = string(m.Value) == "false"
		case "store":
			e.stores = string(m.Value) != "false"
		case "background":
			if string(m.Value) == "true" {
				refuse("background", "`background` is not supported over a websocket.")
			}
		}
	})
	switch {
	case err != nil:
		return wrong("", "The message cannot be read: "+err.Error()+".")
	case e.kind == "":
		return wrong("type", "The message has no `type`: send `response.create`, with the members of POST /v1/responses beside it.")
	case e.kind == kindCreate:
		return refusal
	}
	return nil
}

func isLane(s string) bool {
	if s == "" || len(s) > longestLane {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
			return false
		}
		return true
	})
}

// apart are the members that a message has and the body of its call has not, or not as they are there.
var apart = map[string]bool{"type": true, "stream_id": true, "generate": true, "background": true, "stream": true}

// body is that of the call: the message's members, without its envelope, as a stream. before is the items of the conversation so far,
// separated by commas, which take the place of the id of the response before; nil: the id stands.
func (e *envelope) body(before []byte) []byte {
	body := make([]byte, 0, len(e.text)+len(before)+64)
	body = append(body, `{"stream":true`...)
	_ = jsonscan.Object(e.text, func(m jsonscan.Member) { // it has been read before
		name := string(m.Key)
		if apart[name] || before != nil && name == "previous_response_id" {
			return
		}
		body = jsonscan.AppendString(append(body, ','), name)
		if body = append(body, ':'); before == nil || name != "input" {
			body = append(body, m.Value...)
			return
		}
		body = append(append(append(body, '['), join(before, e.items())...), ']')
	})
	if before != nil && e.input == nil {
		body = append(append(append(body, `,"input":[`...), before...), ']')
	}
	return append(body, '}')
}

// items is the items of the input, separated by commas: a text is a message of the user's.
func (e *envelope) items() []byte { return itemsOf(e.input) }

func itemsOf(input []byte) []byte {
	switch {
	case len(input) == 0:
		return nil
	case input[0] == '"':
		return append(append([]byte(`{"type":"message","role":"user","content":`), input...), '}')
	case input[0] == '[':
		return bytes.TrimSpace(input[1 : len(input)-1])
	}
	return nil
}

// join is two lists of items as one.
func join(a, b []byte) []byte {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	joined := make([]byte, 0, len(a)+1+len(b))
	return append(append(append(joined, a...), ','), b...)
}

// onLane is an event as it leaves on a lane, whose name it repeats.
func onLane(lane string, event []byte) []byte {
	if lane == "" || len(event) < 2 || event[0] != '{' {
		return event
	}
	head := `{"stream_id":"` + lane + `",`
	return append(append(make([]byte, 0, len(head)+len(event)), head...), event[1:]...)
}

// errorMessage is an error as websockets are told it: what would be the status and the body of an answer, in one event. headers may be
// empty.
func errorMessage(status int, body []byte, headers []byte) []byte {
	detail := []byte("null")
	_ = jsonscan.Object(body, func(m jsonscan.Member) {
		if string(m.Key) == "error" {
			detail = m.Value
		}
	})
	if code, _ := jsonscan.String(jsonscan.MemberOf(detail, "code")); code == "previous_response_not_found" {
		status = http.StatusBadRequest // which clients go by, besides the code
	}
	message := append([]byte(`{"type":"error","status":`), strconv.Itoa(status)...)
	message = append(append(message, `,"error":`...), detail...)
	if len(headers) > 0 {
		message = append(append(message, `,"headers":`...), headers...)
	}
	return append(message, '}')
}

// errorHeaders is what would be the headers of an error, as an object.
func errorHeaders(e *wire.Error, id string) []byte {
	seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
	return headersOf(id, seconds)
}

func headersOf(id string, retryAfter int64) []byte {
	h := jsonscan.AppendString([]byte(`{"x-oneapi-request-id":`), id)
	if retryAfter > 0 {
		h = append(append(append(h, `,"retry-after":"`...), strconv.FormatInt(retryAfter, 10)...), '"')
	}
	return append(h, '}')
}

// unsteered is the answer to who would tell a response something while it is being made, which takes an upstream of the same kind.
func (e *envelope) unsteered() []byte {
	input := e.input
	if len(input) == 0 {
		input = []byte("null")
	}
	said := jsonscan.AppendString([]byte(`{"type":"response.steer.failed","sequence_number":0,"steer":{"previous_response_id":`), e.previous)
	said = append(append(said, `,"input":`...), input...)
	return append(said, `},"error":{"type":"invalid_request_error","code":"steering_not_supported","message":"This relay does not steer responses: wait for the response, or close the connection, and ask anew."}}`...)
}

func quote(kind string) string { return "'" + wire.Clip(kind, 64) + "'" }
