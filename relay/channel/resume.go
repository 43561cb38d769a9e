package channel

import (
	"bytes"
	"strings"

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

// BreaksOff asks for channels that can finish the stream that broke off in attempt. text: the client has text of it.
func (w *Want) BreaksOff(attempt Attempt, text bool) {
	w.broken, w.text = attempt.Channel, text
}

// Resumes tells whether a stream for w can be finished by another channel when it breaks off.
func (s *Set) Resumes(w *Want) bool {
	r := s.routes.of(w.Model)
	if r == nil || !r.resumes {
		return false // as nearly always
	}
	channels, takesPart := 0, false
	for c := range r.channels() {
		if c.Resume == config.ResumeOff || !w.Caller.reaches(c) || !c.serves(w.Endpoint) {
			continue
		}
		channels++
		takesPart = takesPart || c.Resume != config.ResumeUnsaid
		if takesPart && channels > 1 || c.finishes(c, true) {
			return true // by another one, or once more by itself
		}
	}
	return false
}

// finishes tells whether the channel may be asked for the rest of a stream of broken's. text: some of it has to be continued,
// so that a channel that would begin a new answer is of no use.
func (c *Channel) finishes(broken *Channel, text bool) bool {
	switch {
	case c.Resume == config.ResumeOff || broken.Resume == config.ResumeOff:
		return false
	case c.Resume == config.ResumeUnsaid && broken.Resume == config.ResumeUnsaid:
		return false
	case !text, c.Resume == config.ResumePrefix, c.Resume == config.ResumeContinueFinal:
		return true
	}
	return !c.Official || c.of.Continues.Official
}

// HidesSpace tells whether the exchange's upstream is not told of white space at the end of what it continues.
func (x *Exchange) HidesSpace() bool { return x.Channel.of.Continues.TrimSpace }

// asContinuation is the call as the upstream gets it: with what the client has of the answer as its last message.
func (x *Exchange) asContinuation(call *Call) *Call {
	prefix := call.Prefix
	if x.HidesSpace() {
		prefix = strings.TrimRight(prefix, " \t\r\n")
	}
	if prefix == call.Prefix && prefix == "" {
		return call
	}
	continued := *call
	continued.Prefix = prefix
	if prefix != "" {
		continued.append(prefix)
	}
	return &continued
}

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

// append adds an assistant's message at the end of the conversation. Both client formats write it alike.
func (c *Call) append(text string) {
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
