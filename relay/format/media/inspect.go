package media

import (
	"bytes"
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// inspector passes answers on, whole, in pieces or as streams. It looks, and changes nothing.
type inspector struct {
	says    []string // members one of which an answer has
	choices int      // parts that a stream has to complete
	images  bool     // what it says is pictures
	speaks  bool     // what it says is sound
	usage   wire.Usage
	lasts   float64 // seconds of sound, which count if the usage says nothing of them
	scratch []byte  // for events that are not clean

	passing *jsonscan.Passing // of an answer that passes by; nil: it is not JSON
	begun   bool              // something of one has been seen

	completed int  // parts of a stream
	known     bool // its events are of the provider's own kinds
	content   bool // it has said something
}

// Members that say what an answer cost, or that it is none.
const (
	seenUsage = iota
	seenMeta
	seenDuration
	seenError
)

var watched = []string{seenUsage: "usage", seenMeta: "meta", seenDuration: "duration", seenError: "error"}

// Whole reads a short answer. What is no JSON is as it is.
func (t *inspector) Whole(body []byte) ([]byte, error) {
	var signs wire.ErrorSigns
	answers := false
	err := jsonscan.Object(body, func(m jsonscan.Member) {
		signs.Note(m)
		answers = answers || slices.Contains(t.says, string(m.Key)) && !jsonscan.IsNull(m.Value)
		t.note(string(m.Key), m.Value)
	})
	switch {
	case err == jsonscan.ErrTruncated: //nolint:errorlint // it is returned as it is
		return nil, format.Truncated("the answer ends in the middle of its JSON")
	case err != nil:
		return nil, format.Malformed("the answer is not JSON")
	case signs.IsError(answers):
		return nil, format.Reported(body)
	case !answers:
		return nil, format.Malformed("an object without " + strings.Join(t.says, " or "))
	}
	return body, nil
}

// See is format.Watcher's.
func (t *inspector) See(piece []byte) {
	if !t.begun {
		piece = bytes.TrimLeft(piece, " \t\r\n")
		if len(piece) == 0 {
			return
		}
		t.begun = true
		if piece[0] == '{' {
			t.passing = jsonscan.NewPassing(append(slices.Clone(watched), t.says...)...)
		}
	}
	if t.passing != nil {
		t.passing.See(piece)
	}
}

// Seen is format.Watcher's.
func (t *inspector) Seen() error {
	p := t.passing
	if p == nil {
		return nil
	}
	for i, name := range watched {
		if value := p.Value(i); len(value) > 0 {
			t.note(name, value)
		}
	}
	answers := false
	for i := range t.says {
		answers = answers || p.Has(len(watched)+i)
	}
	switch {
	case !p.Begun():
		return format.Malformed("the answer is not JSON")
	case !p.Ended():
		return format.Truncated("the answer ends in the middle of its JSON")
	case !answers && p.Has(seenError) && !jsonscan.IsNull(p.Value(seenError)):
		return format.Reported([]byte(`{"error":` + string(p.Value(seenError)) + `}`))
	}
	return nil
}

// Event passes an event of a stream on. The kinds are OpenAI's: image_generation.partial_image and .completed, image_edit.…,
// speech.audio.delta and .done, transcript.text.delta, .segment and .done.
func (t *inspector) Event(event sse.Event) (format.Chunk, error) {
	data := bytes.TrimSpace(event.Data)
	switch {
	case len(data) == 0:
		return format.Chunk{}, nil
	case format.IsTerminator(data):
		if !t.content {
			return format.Chunk{}, format.Malformed("a stream that ends without a single part of an answer")
		}
		return format.Chunk{Out: event.PassedOn(&t.scratch), Done: true}, nil
	}
	var signs wire.ErrorSigns
	kind, content := "", false
	var usage []byte
	err := jsonscan.Object(data, func(m jsonscan.Member) {
		signs.Note(m)
		switch string(m.Key) {
		case "type":
			kind, _ = jsonscan.String(m.Value)
		case "usage":
			usage = m.Value
		case "b64_json", "url", "audio", "delta", "text", "data":
			content = content || len(m.Value) > len(`""`) && !jsonscan.IsNull(m.Value)
		}
	})
	switch {
	case err != nil && string(event.Name) == "error":
		return format.Chunk{}, format.Reported(data)
	case err != nil:
		return format.Chunk{}, format.Malformed("an event that is not JSON")
	case string(event.Name) == "error" || signs.IsError(content):
		return format.Chunk{}, format.Reported(data)
	}
	t.speaks = t.speaks || strings.HasPrefix(kind, "speech.")
	if usage != nil {
		t.note("usage", usage)
	}
	t.known = t.known || strings.Contains(kind, ".")
	if strings.HasSuffix(kind, ".completed") || strings.HasSuffix(kind, ".done") {
		t.completed++
		content = true
	}
	t.content = t.content || content
	return format.Chunk{Out: event.PassedOn(&t.scratch), Content: content, Preamble: kind == "ping", Ping: kind == "ping"}, nil
}

// End is for streams that end with their last part, as OpenAI's do.
func (t *inspector) End() (format.Chunk, error) {
	if !t.content || t.known && !t.Complete() {
		return format.Chunk{}, format.Truncated("the stream ended before its last part")
	}
	return format.Chunk{Done: true}, nil
}

// Complete is Translator's. The last parts of several pictures may be minutes apart.
func (t *inspector) Complete() bool { return t.completed >= t.choices }

func (t *inspector) Usage() wire.Usage {
	u := t.usage
	if u == (wire.Usage{}) {
		u.Seconds = t.lasts
	}
	return u
}

// UnknownEnd is Translator's: none of these answers has an end reason.
func (t *inspector) UnknownEnd() string { return "" }
