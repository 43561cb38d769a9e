package chat

import (
	"bytes"
	"math/bits"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// maxChoices is how many choices of an answer are told apart: the most that OpenAI gives (n). Of those, most answers have none
// but the first fewChoices.
const (
	maxChoices = 128
	fewChoices = 64
)

// progress is how far the choices of an answer have come. It is kept small: every open stream has one.
type progress struct {
	begun, ended uint64 // of the first choices, by their index
	more         *moreProgress
}

// moreProgress is what few answers have to say.
type moreProgress struct {
	begun, ended choiceSet
	unknown      string // an end reason in no table
}

// choiceSet is a set of choices beyond the first, by their index, and of one for all that have another.
type choiceSet [(maxChoices-fewChoices)/64 + 1]uint64

func (s *choiceSet) add(index int64) { s[(index-fewChoices)/64] |= 1 << (index % 64) }

func (s *choiceSet) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// begins takes in a choice. Those with an index that none can have are one choice more: what they say has been passed on, and an
// odd number is no reason to call the answer broken.
func (p *progress) begins(index int64) {
	if index = known(index); index < fewChoices {
		p.begun |= 1 << index
	} else {
		p.beyond().begun.add(index)
	}
}

// ends takes in the end of a choice.
func (p *progress) ends(index int64) {
	if index = known(index); index < fewChoices {
		p.ended |= 1 << index
	} else {
		p.beyond().ended.add(index)
	}
}

func known(index int64) int64 {
	if index < 0 || index >= maxChoices {
		return maxChoices
	}
	return index
}

func (p *progress) beyond() *moreProgress {
	if p.more == nil {
		p.more = &moreProgress{}
	}
	return p.more
}

// any reports whether there has been a choice at all.
func (p *progress) any() bool { return p.begun != 0 || p.more != nil && p.more.begun != choiceSet{} }

// complete reports whether every choice has its end reason. asked is how many were asked for; 0 means one.
func (p *progress) complete(asked int) bool {
	n := bits.OnesCount64(p.begun)
	if p.more != nil {
		if p.more.begun != p.more.ended {
			return false
		}
		n += p.more.begun.count()
	}
	return p.begun == p.ended && n >= max(asked, 1)
}

// onlyFirst reports whether choice 0 is the only one so far.
func (p *progress) onlyFirst() bool {
	return p.begun == 1 && (p.more == nil || p.more.begun == choiceSet{})
}

// unknown is an end reason in no table; empty if there was none.
func (p *progress) unknown() string {
	if p.more == nil {
		return ""
	}
	return p.more.unknown
}

// reading is what the choices of a chunk, or of a whole answer, say.
type reading struct {
	progress *progress
	whole    bool  // what is said is not looked at
	content  bool  // text, reasoning, a piece of a tool call
	says     bool  // that, or an end, or something that nobody knows
	ended    bool  // there is an end reason
	failed   error // of the first choice that failed; nil if none did

	// Of the choice at hand.
	index      int64
	end, fault []byte // finish_reason, error
}

// read looks at the value of "choices", which may be nil, without decoding it. The values are known to be valid JSON, so the
// only error left is that an element is not an object: then it is not a choice.
func (r *reading) read(choices []byte) { jsonscan.Objects(choices, r.choiceMember, r.choice) }

// saysSomething reports whether there is anything in the choices of a whole answer.
func saysSomething(choices []byte) bool {
	r := reading{progress: &progress{}}
	r.read(choices)
	return r.says
}

// choice is the end of one.
func (r *reading) choice(choice []byte) {
	r.progress.begins(r.index)
	switch reason := wire.EndReasonOf(r.end); {
	case !format.IsEmpty(r.fault) && string(r.fault) != "false":
		r.fails(format.Reported(choice))
	case reason == wire.EndedBadly:
		r.fails(format.BadEnd(wire.EndWord(r.end)))
	case reason != wire.NotEnded:
		if reason == wire.EndedSomehow {
			r.progress.beyond().unknown = wire.EndWord(r.end)
		}
		r.ended, r.says = true, true
		r.progress.ends(r.index)
	}
	r.index, r.end, r.fault = 0, nil, nil
}

func (r *reading) fails(failure error) {
	if r.failed == nil {
		r.failed = failure
	}
}

func (r *reading) choiceMember(m jsonscan.Member) {
	switch string(m.Key) {
	case "index":
		r.index, _ = jsonscan.Int(m.Value)
	case "finish_reason":
		r.end = m.Value
	case "error":
		r.fault = m.Value
	case "delta", "message": // some servers give the pieces the name of the whole
		if !r.whole {
			_ = jsonscan.Object(m.Value, r.deltaMember)
		}
	case "text": // of /v1/completions
		r.add(m.Value, true)
	}
}

func (r *reading) deltaMember(m jsonscan.Member) {
	switch string(m.Key) {
	case "role":
	case "content", "reasoning_content", "reasoning", "reasoning_details", "reasoning_text", "thinking", "thinking_blocks",
		"refusal", "tool_calls", "function_call", "audio", "images":
		r.add(m.Value, true)
	default:
		r.add(m.Value, false)
	}
}

func (r *reading) add(value []byte, content bool) {
	if !format.IsEmpty(value) {
		r.says = true
		r.content = r.content || content && adds(value, deepestText)
	}
}

// adds reports whether there is anything to read in a value that is not empty. A piece of a tool call that has its number and no
// arguments says nothing, nor does a part whose text is empty.
func adds(value []byte, depth int) (something bool) {
	if depth == 0 {
		return true
	}
	switch value[0] {
	case '[':
		jsonscan.Elements(value, func(element []byte) { something = something || !format.IsEmpty(element) && adds(element, depth-1) })
		return something
	case '{':
		_ = jsonscan.Object(value, func(m jsonscan.Member) {
			switch string(m.Key) {
			case "index", "type", "id", "format", "role":
			default:
				something = something || !format.IsEmpty(m.Value) && adds(m.Value, depth-1)
			}
		})
		return something
	}
	return true
}

// written is how most chunks begin what they have to say. Inside a string its quotes would be escaped.
const written = `"content":"`

// isPlainText recognizes, without looking at every member, the usual choice that adds text and does not end. It knows no index,
// so it is for answers of which choice 0 is all that there is.
func isPlainText(choices []byte) bool {
	at := bytes.Index(choices, []byte(written))
	if at < 0 || choices[at+len(written)] == '"' {
		return false
	}
	end := bytes.Index(choices, []byte(`"finish_reason":null`))
	return end >= 0 && bytes.Count(choices, []byte(`"finish_reason":`)) == 1 && !bytes.Contains(choices, []byte(`"error":`))
}
