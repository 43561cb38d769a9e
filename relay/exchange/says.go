package exchange

import (
	"bytes"

	"one-api/relay/jsonscan"
	"one-api/relay/redact"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// says is what an upstream says of its answer, for the span of an attempt that is traced. No other attempt has one: its events are
// not looked at.
type says struct {
	model, id string
	ends      [mostEndsTold]string // end reasons in the upstream's words, by choice
}

// mostEndsTold is how many choices' end reasons a span has.
const mostEndsTold = 8

// note looks at a whole answer or at an event's data, of any format.
func (s *says) note(data []byte) {
	if s.id != "" && !mayEnd(data) {
		return
	}
	_ = jsonscan.Object(data, s.member)
}

// mayEnd reports whether a text may have an end reason in it. As nearly every chunk says that it has none, nobody looks closer.
func mayEnd(data []byte) bool {
	for {
		at := bytes.Index(data, endKey)
		if at < 0 {
			return false
		}
		data = data[at+len(endKey):]
		if !bytes.HasPrefix(data, endNull) && !bytes.HasPrefix(data, endNullSpaced) {
			return true
		}
	}
}

var endKey, endNull, endNullSpaced = []byte(`_reason"`), []byte(`:null`), []byte(`: null`)

func (s *says) member(m jsonscan.Member) {
	switch string(m.Key) {
	case "id":
		noteText(&s.id, m.Value)
	case "model":
		noteText(&s.model, m.Value)
	case "message": // of message_start
		_ = jsonscan.Object(m.Value, s.member)
	case "delta": // of message_delta
		_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
			if string(m.Key) == "stop_reason" {
				s.end(0, m.Value)
			}
		})
	case "stop_reason":
		s.end(0, m.Value)
	case "choices":
		jsonscan.Elements(m.Value, s.choice)
	}
}

func (s *says) choice(choice []byte) {
	var index int64
	var reason []byte
	_ = jsonscan.Object(choice, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "index":
			index, _ = jsonscan.Int(m.Value)
		case "finish_reason":
			reason = m.Value
		}
	})
	s.end(index, reason)
}

func (s *says) end(choice int64, reason []byte) {
	if choice >= 0 && choice < mostEndsTold && wire.EndReasonOf(reason) != wire.NotEnded {
		s.ends[choice] = wire.EndWord(reason)
	}
}

// noteText takes over the first string that is not empty.
func noteText(to *string, value []byte) {
	if *to == "" {
		*to, _ = jsonscan.String(value)
	}
}

// answer is what was said, without what an upstream may have copied into it.
func (s *says) answer(redact *redact.Redactor) (a telemetry.Answer) {
	if s == nil {
		return a
	}
	a.Model, a.ID = redact.Text(s.model), redact.Text(s.id)
	for _, end := range s.ends {
		if end != "" {
			if wire.EndReasonOf([]byte(`"`+end+`"`)) == wire.EndedSomehow {
				end = redact.Text(end) // one that nobody knows
			}
			a.Ends = append(a.Ends, end)
		}
	}
	return a
}
