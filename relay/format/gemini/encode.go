package gemini

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// encoder makes of events a stream of Gemini's: each event is a GenerateContentResponse with the parts that have come, and the last one
// says why it ends and what it cost (https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse).
//
// Calls are told once they are whole, and in their order: the format has no pieces of them.
type encoder struct {
	out       format.JSON
	kept      kept
	whole     bool // out is the list of an answer's parts
	err       error
	id, model string
	thought   []byte // that nobody has signed so far
	earlier   []byte // the same, of before the last text
	held      []held // what the next part has to hold
	calls     []*coming
	told      int  // calls that have been told
	said      bool // a part has been told
	reason    wire.EndReason
	spoilt    string // what is wrong with a call
	inside    unwrapping
	size      int
}

// coming is a call whose arguments come.
type coming struct {
	number    int
	id, name  string
	arguments []byte
	signature string // Gemini's own
	held      []held
	done      bool
}

// mostComing is how many bytes of an answer may have to wait.
const mostComing = 4 << 20

// Stream makes what turns the events of an answer into Gemini's.
func (client) Stream(r *llm.Request) format.Encoder { return newEncoder(r) }

func newEncoder(r *llm.Request) *encoder {
	e := &encoder{}
	if r != nil {
		e.kept, _ = r.Kept.(kept)
	}
	return e
}

func (e *encoder) Begin()        { e.out = e.out[:0] }
func (e *encoder) Out() []byte   { return e.out }
func (e *encoder) Err() error    { return e.err }
func (e *encoder) Retained() int { return e.size }

// Take adds what an event becomes.
func (e *encoder) Take(event *llm.Event) {
	switch event.Step {
	case llm.Started:
		e.id, e.model = event.ID, event.Model
	case llm.Said:
		text := event.Text
		if e.kept.wrapped {
			text = e.inside.add(text)
		}
		e.say(text)
	case llm.Refused:
		e.say(event.Text)
	case llm.Thought:
		e.think(event.Text)
	case llm.Signed:
		e.hold(held{Sealed: event.Text, Text: string(e.thought)})
	case llm.Sealed:
		e.hold(held{Sealed: event.Text, Redacted: true})
	case llm.Called:
		e.call(event)
	case llm.Given:
		if c := e.callOf(event.Call); c != nil {
			c.arguments = append(c.arguments, event.Text...)
			e.grow(len(event.Text))
		}
	case llm.CallEnded:
		if c := e.callOf(event.Call); c != nil {
			c.done = true
		}
		e.release(false)
	case llm.Finished:
		e.reason = event.Reason
	case llm.Other: // nobody says what it was
	}
}

func (e *encoder) grow(n int) {
	if e.size += n; e.size > mostComing && e.err == nil {
		e.err = format.Malformed("more of the answer has to wait for its end than can be kept")
	}
}

// part tells of a part.
func (e *encoder) part(members func(j *format.JSON)) {
	e.said = true
	if e.whole {
		e.out.Open('{')
		members(&e.out)
		e.out.Close('}')
		return
	}
	e.event(func(j *format.JSON) {
		j.Key("candidates")
		*j = append(*j, `[{"content":{"parts":[{`...)
		members(j)
		*j = append(*j, `}],"role":"model"},"index":0}]`...)
	})
}

// event adds an event.
func (e *encoder) event(members func(j *format.JSON)) {
	j := append(e.out, "data: "...)
	j.Open('{')
	members(&j)
	e.ids(&j)
	j.Close('}')
	e.out = append(j, "\n\n"...)
}

func (e *encoder) ids(j *format.JSON) {
	j.Said("modelVersion", e.model)
	j.Said("responseId", e.id)
}

func (e *encoder) say(text string) {
	if text == "" {
		return
	}
	e.passes()
	e.part(func(j *format.JSON) {
		j.String("text", text)
		e.sign(j)
	})
}

// sign has a part hold what has been thought before it.
func (e *encoder) sign(j *format.JSON) {
	if len(e.held) > 0 {
		j.String("thoughtSignature", signed(e.held))
		e.size -= sizeOfHeld(e.held)
		e.held = nil
	}
}

func sizeOfHeld(all []held) (n int) {
	for i := range all {
		n += len(all[i].Sealed) + len(all[i].Text)
	}
	return n
}

// passes has what was thought be of before a text: whoever signs anything signs no more of it than came since, but a call may want all
// of it back.
func (e *encoder) passes() {
	e.earlier = append(e.earlier, e.thought...)
	e.thought = e.thought[:0]
}

// forget drops what was thought, which is kept elsewhere by now.
func (e *encoder) forget() {
	e.size -= len(e.thought) + len(e.earlier)
	e.thought, e.earlier = e.thought[:0], e.earlier[:0]
}

func (e *encoder) think(text string) {
	if text == "" {
		return
	}
	e.thought = append(e.thought, text...)
	e.grow(len(text))
	if e.kept.thoughts {
		e.part(func(j *format.JSON) {
			j.String("text", text)
			j.Literal("thought", "true")
		})
	}
}

func (e *encoder) hold(h held) {
	e.forget()
	e.held = append(e.held, h)
	e.grow(len(h.Sealed) + len(h.Text))
}

// call begins a call. What has been thought before it, even without a signature, some providers want back with it.
func (e *encoder) call(event *llm.Event) {
	if len(e.thought)+len(e.earlier) > 0 {
		e.hold(held{Text: string(e.earlier) + string(e.thought)})
	}
	e.calls = append(e.calls, &coming{number: event.Call, id: event.ID, name: event.Name, signature: event.Text, held: e.held})
	e.held = nil
	e.grow(len(event.ID) + len(event.Name) + 128)
}

func (e *encoder) callOf(number int) *coming {
	for _, c := range e.calls {
		if c.number == number {
			return c
		}
	}
	return nil
}

// release tells of the calls that are whole, as long as none before them is not. all: nothing more comes.
func (e *encoder) release(all bool) {
	for len(e.calls) > 0 && (all || e.calls[0].done) {
		c := e.calls[0]
		e.calls = e.calls[1:]
		e.size -= len(c.id) + len(c.name) + 128 + len(c.arguments) + sizeOfHeld(c.held)
		e.tell(c)
	}
}

// tell tells of a call. One whose arguments are no object is not one that a client could run: Gemini has a word for that.
func (e *encoder) tell(c *coming) {
	arguments := c.arguments
	if len(arguments) == 0 {
		arguments = []byte("{}")
	}
	if jsonscan.Object(arguments, func(jsonscan.Member) {}) != nil {
		e.spoilt = "Malformed function call: " + c.name + "(" + wire.Clip(string(arguments), longestMessage) + ")"
		return
	}
	first := e.told == 0
	e.told++
	e.part(func(j *format.JSON) {
		j.Key("functionCall")
		j.Open('{')
		j.Said("id", c.id)
		j.String("name", c.name)
		j.Literal("args", format.Compact(arguments))
		j.Close('}')
		switch {
		case c.signature != "":
			j.String("thoughtSignature", c.signature)
		case first || len(c.held) > 0: // so that Gemini, if it goes on, is known not to have made it
			j.String("thoughtSignature", signed(c.held))
		}
	})
}

// end tells what has waited.
func (e *encoder) end() {
	e.release(true)
	if rest := e.inside.rest(); rest != "" {
		e.say(rest)
	}
	if len(e.held) > 0 {
		e.part(func(j *format.JSON) {
			j.String("text", "")
			e.sign(j)
		})
	}
}

// End adds what ends a stream in good order.
func (e *encoder) End(u wire.Usage) {
	e.end()
	e.event(func(j *format.JSON) {
		if e.blocked(j) {
			usage(j, u)
			return
		}
		j.Key("candidates")
		*j = append(*j, `[{"content":{"parts":[{"text":""}],"role":"model"}`...)
		e.finish(j)
		*j = append(*j, "}]"...)
		usage(j, u)
	})
}

// blocked says that there is no answer, if a filter has seen to that: the API has it that the prompt was blocked.
func (e *encoder) blocked(j *format.JSON) bool {
	if e.said || e.reason != wire.EndedByFilter {
		return false
	}
	j.Literal("promptFeedback", `{"blockReason":"SAFETY"}`)
	return true
}

// finish says why an answer ends.
func (e *encoder) finish(j *format.JSON) {
	word := e.reason.Gemini()
	if e.spoilt != "" && word == "STOP" {
		j.Literal("finishReason", `"MALFORMED_FUNCTION_CALL"`)
		j.String("finishMessage", e.spoilt)
	} else {
		j.String("finishReason", word)
	}
	j.Int("index", 0)
}

// usage is what an answer cost, as Gemini counts: what came from the cache is part of the prompt, and thoughts are beside the candidates.
func usage(j *format.JSON, u wire.Usage) {
	j.Key("usageMetadata")
	j.Open('{')
	j.Int("promptTokenCount", u.Input())
	if u.CacheRead > 0 {
		j.Int("cachedContentTokenCount", u.CacheRead)
	}
	j.Int("candidatesTokenCount", max(u.Output()-u.Reasoning, 0))
	if u.Reasoning > 0 {
		j.Int("thoughtsTokenCount", u.Reasoning)
	}
	j.Int("totalTokenCount", u.Input()+u.Output())
	j.Close('}')
}

// Whole renders a whole answer.
func (client) Whole(r *llm.Request, a *llm.Answer, u wire.Usage) []byte {
	e := newEncoder(r)
	e.whole, e.reason = true, a.Reason
	e.id, e.model = a.ID, a.Model
	for i := range a.Blocks {
		e.block(&a.Blocks[i], i)
	}
	e.end()
	j := make(format.JSON, 0, len(e.out)+512)
	j.Open('{')
	if !e.blocked(&j) {
		j.Key("candidates")
		j = append(j, `[{"content":{"parts":[`...)
		j = append(append(j, e.out...), `],"role":"model"}`...)
		e.finish(&j)
		j = append(j, "}]"...)
	}
	usage(&j, u)
	e.ids(&j)
	j.Close('}')
	return j
}

// block tells of a block of a whole answer.
func (e *encoder) block(b *llm.Block, number int) {
	switch b.Kind {
	case llm.Reasoning:
		e.Take(&llm.Event{Step: llm.Thought, Text: b.Text})
		if b.Signature != "" {
			e.Take(&llm.Event{Step: llm.Signed, Text: b.Signature})
		}
	case llm.Redacted:
		e.Take(&llm.Event{Step: llm.Sealed, Text: b.Text})
	case llm.ToolCall:
		e.Take(&llm.Event{Step: llm.Called, Call: number, ID: b.ID, Name: b.Name})
		e.Take(&llm.Event{Step: llm.Given, Call: number, Text: string(b.Input())})
		e.Take(&llm.Event{Step: llm.CallEnded, Call: number})
	case llm.Refusal:
		e.Take(&llm.Event{Step: llm.Refused, Text: b.Text})
	case llm.Text, llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolResult:
		e.Take(&llm.Event{Step: llm.Said, Text: b.Text})
	}
}
