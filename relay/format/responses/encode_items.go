package responses

import (
	"strconv"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// entry is an item of the answer.
type entry struct {
	kind    kindOfItem
	index   int
	call    string // call_id
	name    qualified
	texts   []piece // of a message: its parts
	text    []byte  // reasoning, arguments
	sealed  string  // encrypted_content
	summary bool    // the summary's part has begun
	done    bool
	status  string    // when it is done
	own     string    // its id, if somebody else has begun it; empty: it is made of the answer's
	whole   []byte    // all of it, if somebody else has ended it
	input   textInput // of a custom tool
}

// piece is a part of a message.
type piece struct {
	refusal bool
	text    []byte
}

type kindOfItem uint8

const (
	aMessage kindOfItem = iota
	aReasoning
	aCall
	aTextCall
)

// beginnings of an item's id, by its kind.
var beginnings = [...]string{aMessage: "msg", aReasoning: "rs", aCall: "fc", aTextCall: "ctc"}

// of begins an event of an item.
func (e *encoder) of(i *entry, name string) *format.JSON {
	j := e.event(name)
	e.itemID(j, "item_id", i)
	j.Int("output_index", int64(i.index))
	return j
}

func (e *encoder) itemID(j *format.JSON, name string, i *entry) {
	if i.own != "" {
		j.String(name, i.own)
		return
	}
	j.Joined(name, beginnings[i.kind], ownMark, e.id, "_", strconv.Itoa(i.index))
}

// begin opens an item, and closes the message or the reasoning before it.
func (e *encoder) begin(i *entry) {
	e.leave()
	e.start("")
	i.index = e.next()
	if e.items = append(e.items, i); len(e.items) > mostItems && e.err == nil {
		e.err = format.Malformed("more items than an answer may have")
	}
	e.grow(128)
	if i.kind == aMessage || i.kind == aReasoning {
		e.current = i
	}
	j := e.event("response.output_item.added")
	j.Int("output_index", int64(i.index))
	j.Key("item")
	e.item(j, &entry{kind: i.kind, index: i.index, call: i.call, name: i.name}, "in_progress")
	e.send(j)
}

// next is the output_index of the next item. Those that somebody else has begun have theirs.
func (e *encoder) next() int {
	if n := len(e.items); n > 0 {
		return e.items[n-1].index + 1
	}
	return 0
}

// leave closes the message or the reasoning that is open.
func (e *encoder) leave() {
	if e.current != nil {
		e.finish(e.current)
		e.current = nil
	}
}

func (e *encoder) say(refusal bool, text string) {
	if text == "" {
		return
	}
	if e.current == nil || e.current.kind != aMessage {
		e.begin(&entry{kind: aMessage})
	}
	i := e.current
	if n := len(i.texts); n == 0 || i.texts[n-1].refusal != refusal {
		e.endPart(i)
		i.texts = append(i.texts, piece{refusal: refusal})
		j := e.of(i, "response.content_part.added")
		j.Int("content_index", int64(len(i.texts)-1))
		j.Key("part")
		i.texts[len(i.texts)-1].write(j)
		e.send(j)
	}
	p := &i.texts[len(i.texts)-1]
	p.text = append(p.text, text...)
	e.grow(len(text))
	name := "response.output_text.delta"
	if refusal {
		name = "response.refusal.delta"
	}
	j := e.of(i, name)
	j.Int("content_index", int64(len(i.texts)-1))
	j.String("delta", text)
	if !refusal {
		j.Literal("logprobs", "[]")
	}
	e.send(j)
}

// endPart closes the last part of a message.
func (e *encoder) endPart(i *entry) {
	n := len(i.texts) - 1
	if n < 0 {
		return
	}
	p := &i.texts[n]
	name, of := "response.output_text.done", "text"
	if p.refusal {
		name, of = "response.refusal.done", "refusal"
	}
	j := e.of(i, name)
	j.Int("content_index", int64(n))
	j.Key(of)
	j.Bytes(p.text)
	if !p.refusal {
		j.Literal("logprobs", "[]")
	}
	e.send(j)
	j = e.of(i, "response.content_part.done")
	j.Int("content_index", int64(n))
	j.Key("part")
	p.write(j)
	e.send(j)
}

func (e *encoder) think(text string) {
	if text == "" {
		return
	}
	if i := e.current; i == nil || i.kind != aReasoning || i.sealed != "" {
		e.begin(&entry{kind: aReasoning})
	}
	i := e.current
	if !i.summary {
		i.summary = true
		j := e.of(i, "response.reasoning_summary_part.added")
		j.Int("summary_index", 0)
		j.Literal("part", `{"type":"summary_text","text":""}`)
		e.send(j)
	}
	i.text = append(i.text, text...)
	e.grow(len(text))
	j := e.of(i, "response.reasoning_summary_text.delta")
	j.Int("summary_index", 0)
	j.String("delta", text)
	e.send(j)
}

func (e *encoder) call(event *llm.Event) {
	i := &entry{kind: aCall, call: event.ID, name: e.kept.of(event.Name)}
	if e.kept.custom[event.Name] {
		i.kind = aTextCall
	}
	if e.calls == nil {
		e.calls = map[int]*entry{}
	}
	e.begin(i)
	e.grow(len(event.ID) + len(event.Name))
	e.calls[event.Call] = i
}

func (e *encoder) give(event *llm.Event) {
	i := e.calls[event.Call]
	if i == nil || i.done || event.Text == "" {
		return
	}
	e.grow(len(event.Text))
	if i.kind == aCall {
		i.text = append(i.text, event.Text...)
		j := e.of(i, "response.function_call_arguments.delta")
		j.String("delta", event.Text)
		e.send(j)
		return
	}
	i.input.add(event.Text)
	if text := i.input.next(); text != "" {
		i.text = append(i.text, text...)
		e.textDelta(i, text)
	}
}

func (e *encoder) textDelta(i *entry, text string) {
	j := e.of(i, "response.custom_tool_call_input.delta")
	j.String("delta", text)
	e.send(j)
}

// finish closes an item.
func (e *encoder) finish(i *entry) {
	if i.done {
		return
	}
	i.done, i.status = true, "completed"
	if e.cut {
		i.status = "incomplete"
	}
	switch i.kind {
	case aMessage:
		e.endPart(i)
	case aReasoning:
		e.endSummary(i)
	case aCall:
		if len(i.text) == 0 {
			i.text = []byte("{}") // clients parse what they got, and nothing is not valid JSON
		}
		j := e.of(i, "response.function_call_arguments.done")
		j.String("name", i.name.name)
		j.Key("arguments")
		j.Bytes(i.text)
		e.send(j)
	case aTextCall:
		if rest := i.input.rest(); rest != "" {
			i.text = append(i.text, rest...)
			e.textDelta(i, rest)
		}
		j := e.of(i, "response.custom_tool_call_input.done")
		j.Key("input")
		j.Bytes(i.text)
		e.send(j)
	}
	j := e.event("response.output_item.done")
	j.Int("output_index", int64(i.index))
	j.Key("item")
	e.item(j, i, i.status)
	e.send(j)
}

func (e *encoder) endSummary(i *entry) {
	if !i.summary {
		return
	}
	j := e.of(i, "response.reasoning_summary_text.done")
	j.Int("summary_index", 0)
	j.Key("text")
	j.Bytes(i.text)
	e.send(j)
	j = e.of(i, "response.reasoning_summary_part.done")
	j.Int("summary_index", 0)
	j.Key("part")
	summaryOf(j, i.text)
	e.send(j)
}
