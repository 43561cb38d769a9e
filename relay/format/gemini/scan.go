package gemini

import (
	"bytes"
	"errors"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// answer is the outside of an answer, or of an event of a stream, which are made alike: the values that matter, as they stand.
type answer struct {
	candidates, feedback, usage, model, id []byte
	signs                                  wire.ErrorSigns
}

func (a *answer) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "candidates":
		a.candidates = m.Value
	case "promptFeedback":
		a.feedback = m.Value
	case "usageMetadata":
		a.usage = m.Value
	case "modelVersion":
		a.model = m.Value
	case "responseId":
		a.id = m.Value
	default:
		a.signs.Note(m)
	}
}

// isError reports whether the object is an error and no answer.
func (a *answer) isError() bool {
	return a.signs.IsError(len(a.candidates) > 0 || len(a.feedback) > 0 || len(a.usage) > 0)
}

// scanWhole reads a whole answer. An error is a *format.Fault.
func scanWhole(body []byte) (a answer, err error) {
	switch err := jsonscan.Object(body, a.member); {
	case errors.Is(err, jsonscan.ErrTruncated):
		return a, format.Truncated("the answer's JSON is cut off")
	case err != nil && isListOfErrors(body):
		return a, format.Reported(body)
	case err != nil:
		return a, format.Malformed("the answer is not a JSON object")
	case a.isError():
		return a, format.Reported(body)
	}
	return a, nil
}

// scanEvent reads an event of a stream. An error is a *format.Fault.
func scanEvent(event sse.Event) (a answer, err error) {
	if string(event.Name) == "error" {
		return a, format.Reported(event.Data)
	}
	switch err := jsonscan.Object(event.Data, a.member); {
	case err != nil && isListOfErrors(event.Data):
		return a, format.Reported(event.Data)
	case err != nil:
		return a, format.Malformed("an event of the stream: " + err.Error())
	case a.isError():
		return a, format.Reported(event.Data)
	}
	return a, nil
}

// isListOfErrors recognizes [{"error":{…}}], which is how the API reports an error to those who want a list.
func isListOfErrors(body []byte) (found bool) {
	first := true
	jsonscan.Elements(bytes.TrimSpace(body), func(element []byte) {
		if first && format.IsObject(element) {
			var a answer
			found = jsonscan.Object(element, a.member) == nil && a.isError()
		}
		first = false
	})
	return found
}

// candidate is an answer to the request, of which there is one unless more were asked for.
type candidate struct {
	index        int64
	parts        []byte
	end, message []byte // finishReason, finishMessage
}

func (c *candidate) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "index":
		c.index, _ = jsonscan.Int(m.Value)
	case "content":
		c.parts = jsonscan.MemberOf(m.Value, "parts")
	case "finishReason":
		c.end = m.Value
	case "finishMessage":
		c.message = m.Value
	}
}

// elements visits those of a list. One element without a list is taken for a list of one, as protocol buffers' JSON is often written.
func elements(value []byte, visit func(element []byte)) {
	if format.IsObject(value) {
		visit(value)
		return
	}
	jsonscan.Elements(value, visit)
}

// each visits the candidates of an answer.
func (a *answer) each(visit func(c *candidate)) {
	elements(a.candidates, func(element []byte) {
		if format.IsObject(element) {
			var c candidate
			_ = jsonscan.Object(element, c.member) // it was read with the rest
			visit(&c)
		}
	})
}

// blocked is why the prompt was not answered; empty: it was.
func (a *answer) blocked() string { return textOf(jsonscan.MemberOf(a.feedback, "blockReason")) }

// part is a part of an answer.
type part struct {
	text, signature, call []byte
	thought, other        bool
}

func (p *part) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "text":
		p.text = m.Value
	case "thoughtSignature":
		p.signature = m.Value
	case "functionCall":
		if p.call = m.Value; !format.Given(p.call) {
			p.call = nil
		}
	case "thought":
		p.thought = string(m.Value) == "true" || string(m.Value) == `"true"`
	case "inlineData", "fileData", "executableCode", "codeExecutionResult", "functionResponse", "toolCall", "toolResponse":
		p.other = format.Given(m.Value)
	}
}

// parts visits those of a candidate.
func (c *candidate) each(visit func(p *part)) {
	elements(c.parts, func(element []byte) {
		if format.IsObject(element) {
			var p part
			_ = jsonscan.Object(element, p.member)
			visit(&p)
		}
	})
}

// says reports whether there is anything in a part.
func (p *part) says() bool {
	return p.other || len(p.call) > 0 || len(p.text) > len(`""`) || p.said() != ""
}

// said is the text of a part. A number in its place is as it stands, so that nothing is lost of an answer.
func (p *part) said() string {
	if len(p.text) > 0 && (p.text[0] == '-' || p.text[0] >= '0' && p.text[0] <= '9') {
		return string(p.text)
	}
	return textOf(p.text)
}

// textOf is a text; empty: it is none.
func textOf(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	text, _ := jsonscan.String(value)
	return text
}

// isSpoilt reports whether a word for an end is one for an answer that the model itself has spoilt, such as MALFORMED_FUNCTION_CALL.
func isSpoilt(word string, end wire.EndReason) bool {
	return end == wire.EndedItself && word != "STOP"
}
