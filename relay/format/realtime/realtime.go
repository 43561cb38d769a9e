// Package realtime is OpenAI's Realtime API (https://platform.openai.com/docs/api-reference/realtime), as far as a relay has to know it:
// what a session costs. Its messages pass by as they are.
package realtime

import (
	"bytes"
	"strconv"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Format is the format. Nothing is converted to it or from it.
var Format = &format.Format{Name: "realtime", Inspect: func(int) format.Translator { return &inspector{} }}

// The events that say what something has cost: a response's, also one that was cancelled, and that of another model, which writes down
// what the user said.
const (
	responseDone    = "response.done"
	transcribedDone = "conversation.item.input_audio_transcription.completed"
)

// Beginning is how much of a message has to be at hand for Costs and Says to tell what it is.
const Beginning = 512

// Costs reports whether a message of the provider's, of which this is the beginning, may say what something has cost.
func Costs(beginning []byte) bool {
	head := beginning[:min(len(beginning), Beginning)]
	return bytes.Contains(head, []byte(`"`+responseDone+`"`)) || bytes.Contains(head, []byte(`"`+transcribedDone+`"`))
}

// Says reports whether a message carries a part of an answer: sound, text, or arguments.
func Says(beginning []byte) bool {
	head := beginning[:min(len(beginning), Beginning)]
	at := bytes.Index(head, []byte(`"response.`))
	return at >= 0 && bytes.Contains(head[at:min(len(head), at+64)], []byte(`.delta"`))
}

// TurnStep is what a message says of who has the word.
type TurnStep uint8

// The steps.
const (
	NoTurn     TurnStep = iota
	Responding          // a response begins
	Responded           // it is at its end
	Listening           // the user begins to speak
	Listened            // and has spoken
)

var turns = [...]struct {
	name string
	step TurnStep
}{
	{`"response.created"`, Responding}, {`"` + responseDone + `"`, Responded},
	{`"input_audio_buffer.speech_started"`, Listening}, {`"input_audio_buffer.speech_stopped"`, Listened},
	{`"input_audio_buffer.committed"`, Listened}, {`"input_audio_buffer.cleared"`, Listened},
}

// Turn says what a message of the provider's, of which this is the beginning, says of that. A part of what is said is none.
func Turn(beginning []byte) TurnStep {
	head := beginning[:min(len(beginning), Beginning)]
	if Says(head) {
		return NoTurn
	}
	for _, of := range turns {
		if bytes.Contains(head, []byte(of.name)) {
			return of.step
		}
	}
	return NoTurn
}

// longestSession is more than any session has, in seconds of sound.
const longestSession = 1e6

// mostCounted is how many responses are known again: a provider that says twice what one has cost is not paid twice.
const mostCounted = 64

// inspector adds up what a session costs.
type inspector struct {
	usage   wire.Usage
	counted []string
}

// Event takes in a whole message that Costs was true of.
func (t *inspector) Event(event sse.Event) (format.Chunk, error) {
	var kind, id string
	var response, usage []byte
	err := jsonscan.Object(event.Data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			kind, _ = jsonscan.String(m.Value)
		case "response":
			response = m.Value
		case "usage":
			usage = m.Value
		case "item_id":
			id, _ = jsonscan.String(m.Value)
		}
	})
	if err != nil {
		return format.Chunk{}, nil //nolint:nilerr // it is the client's to complain of
	}
	switch kind {
	case responseDone:
		jsonscan.Members(response, func(m jsonscan.Member) {
			switch string(m.Key) {
			case "id":
				id, _ = jsonscan.String(m.Value)
			case "usage":
				usage = m.Value
			}
		})
		t.add("response "+id, usage)
	case transcribedDone:
		t.add("transcription "+id, usage)
	}
	return format.Chunk{}, nil
}

// add takes in a usage, of something that has an id.
func (t *inspector) add(id string, usage []byte) {
	for _, known := range t.counted {
		if known == id {
			return
		}
	}
	if len(t.counted) == mostCounted {
		t.counted = t.counted[:copy(t.counted, t.counted[1:])]
	}
	t.counted = append(t.counted, id)
	var input, output int64
	var in, out kinds
	jsonscan.Members(usage, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "input_tokens":
			input = count(m.Value)
		case "output_tokens":
			output = count(m.Value)
		case "input_token_details":
			in.read(m.Value)
		case "output_token_details":
			out.read(m.Value)
		case "seconds":
			if f, err := strconv.ParseFloat(string(m.Value), 64); err == nil && f > 0 && f < longestSession {
				t.usage.Seconds += f
			}
		}
	})
	t.usage.CacheRead += in.cached
	t.usage.AudioIn += max(0, in.audio-in.cachedAudio)
	t.usage.ImageIn += max(0, in.image-in.cachedImage)
	rest := input - in.cached - (in.audio - in.cachedAudio) - (in.image - in.cachedImage)
	t.usage.AudioOut += out.audio
	said := output - out.audio
	t.usage.Doubtful = t.usage.Doubtful || rest < 0 || said < 0 || in.cachedAudio > in.audio || in.cachedImage > in.image
	t.usage.Uncached += max(0, rest)
	t.usage.Text += max(0, said)
}

// kinds is tokens by what they are of.
type kinds struct{ audio, image, cached, cachedAudio, cachedImage int64 }

func (k *kinds) read(details []byte) {
	jsonscan.Members(details, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "audio_tokens":
			k.audio = count(m.Value)
		case "image_tokens":
			k.image = count(m.Value)
		case "cached_tokens":
			k.cached = count(m.Value)
		case "cached_tokens_details":
			var cached kinds
			cached.read(m.Value)
			k.cachedAudio, k.cachedImage = cached.audio, cached.image
		}
	})
}

func count(value []byte) int64 {
	n, _ := jsonscan.Count(value)
	return n
}

// Whole has no use: a session has no answer in one piece.
func (t *inspector) Whole(body []byte) ([]byte, error) { return body, nil }

// End ends a session in good order, whenever that is.
func (t *inspector) End() (format.Chunk, error) { return format.Chunk{Done: true}, nil }

// Complete is true at any time, likewise.
func (t *inspector) Complete() bool { return true }

func (t *inspector) Usage() wire.Usage { return t.usage }

func (t *inspector) UnknownEnd() string { return "" }
