package format

import (
	"strconv"

	"one-api/relay/llm"
)

// Pairing is which call each result of a conversation answers. Ids alone do not say: some providers count their calls from 0 in every
// answer, so that a result answers the latest call of its id that has none yet.
type Pairing struct {
	calls []*llm.Part
	of    map[*llm.Part]int // the number of a call, and of the call that a result answers
	open  map[string][]int  // calls without a result, by their ids as clients have them
	last  map[string]int
	again map[*llm.Part]int // how many calls before one have had its id
}

// Note takes in a part of a conversation, in its order.
func (p *Pairing) Note(part *llm.Part) {
	switch part.Kind {
	case llm.ToolCall:
		p.call(part)
	case llm.ToolResult:
		id := Unsealed(part.ID)
		if open := p.open[id]; len(open) > 0 {
			p.of[part], p.open[id] = open[0], open[1:]
		} else if n, ok := p.last[id]; ok {
			p.of[part] = n
		}
	case llm.Text, llm.Image, llm.Document, llm.Audio, llm.Video, llm.Reasoning, llm.Redacted, llm.Refusal:
	}
}

func (p *Pairing) call(part *llm.Part) {
	if p.of == nil {
		p.of, p.open, p.last = map[*llm.Part]int{}, map[string][]int{}, map[string]int{}
	}
	id, n := Unsealed(part.ID), len(p.calls)
	if before, ok := p.last[id]; ok {
		if p.again == nil {
			p.again = map[*llm.Part]int{}
		}
		p.again[part] = p.again[p.calls[before]] + 1
	}
	p.calls = append(p.calls, part)
	p.of[part], p.open[id], p.last[id] = n, append(p.open[id], n), n
}

// Call is the call that a result answers, and its number among all calls; nil: there is none.
func (p *Pairing) Call(result *llm.Part) (call *llm.Part, number int) {
	n, ok := p.of[result]
	if !ok {
		return nil, 0
	}
	return p.calls[n], n
}

// Apart adds to the id of a call, or of what answers one, what tells the call apart from others of that id. Of the first one of them it is
// the id itself.
func (p *Pairing) Apart(id string, part *llm.Part) string {
	if part.Kind == llm.ToolResult {
		part, _ = p.Call(part)
	}
	if again := p.again[part]; again > 0 {
		return id + "_" + strconv.Itoa(again+1)
	}
	return id
}
