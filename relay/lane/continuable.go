package lane

import (
	"bytes"

	"one-api/relay/config"
	"one-api/relay/jsonscan"
)

// Hint is how an upstream is told to continue the last message; most need not be.
type Hint = config.Resume

// The hints.
const (
	HintPrefix        = config.ResumePrefix        // "prefix": true in the message
	HintContinueFinal = config.ResumeContinueFinal // "continue_final_message": true in the request
)

// Continuable tells whether the rest of the answer to the call can be asked for: it has one answer, free in its form, that does
// not itself continue something.
func (c *Call) Continuable() bool {
	messages, one := 0, true
	var last []byte
	err := jsonscan.Object(c.Body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "messages":
			messages++
			jsonscan.Elements(m.Value, func(element []byte) { last = element })
		case "n":
			one = one && (jsonscan.IsNull(m.Value) || string(m.Value) == "1")
		case "response_format":
			one = one && (jsonscan.IsNull(m.Value) || member(m.Value, "type") == "text")
		case "output_config", "output_format": // a form that has to hold from the first byte to the last
			one = one && !bytes.Contains(m.Value, []byte("schema"))
		case "logprobs":
			one = one && string(m.Value) != "true"
		}
	})
	return err == nil && one && messages == 1 && last != nil && member(last, "role") != "assistant"
}

// Append adds an assistant's message at the end of the conversation. Both client formats write it alike.
func (c *Call) Append(text string) {
	at := -1
	_ = jsonscan.Object(c.Body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "messages" && len(m.Value) > 0 && m.Value[0] == '[' {
			at = m.End - 1
		}
	})
	if at < 0 {
		return
	}
	message := append(jsonscan.AppendString([]byte(`,{"role":"assistant","content":`), text), '}')
	body := make([]byte, 0, len(c.Body)+len(message))
	body = append(append(append(body, c.Body[:at]...), message...), c.Body[at:]...)
	c.moved(at, len(message))
	c.Body = body
}

// member is the string that a JSON object has under a key; empty: none.
func member(object []byte, key string) (text string) {
	_ = jsonscan.Object(object, func(m jsonscan.Member) {
		if string(m.Key) == key {
			text, _ = jsonscan.String(m.Value)
		}
	})
	return text
}
