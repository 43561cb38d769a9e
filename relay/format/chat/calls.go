package chat

import (
	"strconv"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// Bounds of what a stream can make the relay remember. An answer has a few calls, and an id or a name a few dozen bytes.
const (
	maxCalls    = 1024
	longestID   = 4 << 10
	longestHeld = 1 << 20 // of arguments that came before their call's name
)

// piece is a piece of a tool call, as it stands in a chunk.
type piece struct {
	index                          int64 // noIndex: it has none
	id, name, arguments, signature string
}

const noIndex = -1

// call is a tool call of a stream.
type call struct {
	number    int
	index     int64
	id, name  string // as the upstream gave them
	told      bool   // the client knows of it
	waiting   string // arguments that have to wait for the name, or for the signature
	read      int    // bytes of those that input knows of
	signature string
	input     objectEnd
	sum       uint64 // of its arguments
}

// calls tells which tool call a piece of one belongs to. Chat completions number them and give them ids; some servers leave out
// the one or the other, repeat id and name in every piece, give all calls the same number or the same id, or mix their pieces.
type calls struct {
	answer  string // the answer's own id
	same    bool   // the client speaks this format: ids stay as they are, and so do signatures
	signed  bool   // the model signs the first one, perhaps in a piece of its own
	all     []*call
	current *call
	ids     map[string]bool // that have been given to the client
	held    int
}

// of is the call that a piece belongs to, which may begin with it.
func (t *calls) of(p *piece) (*call, *format.Fault) {
	c := t.find(p)
	if c == nil {
		if len(t.all) == maxCalls {
			return nil, format.Malformed("more tool calls than an answer may have")
		}
		c = &call{number: len(t.all), index: p.index, sum: emptySum}
		t.all = append(t.all, c)
	}
	t.current = c
	if c.id == "" {
		c.id = p.id
	}
	if c.name == "" {
		c.name = p.name
	}
	if c.signature == "" {
		c.signature = p.signature
	}
	if len(c.id) > longestID || len(c.name) > longestID {
		return nil, format.Malformed("a tool call whose id or name is too long")
	}
	return c, nil
}

// find looks for the call among those that have begun; nil if the piece begins one. A new id is a new call, whatever its number.
func (t *calls) find(p *piece) *call {
	if c := t.named(p); c != nil {
		return c.unlessAnother(p)
	}
	c := t.current
	if p.index != noIndex {
		c = t.last(p.index)
	}
	switch {
	case c == nil:
		return nil
	case p.id == "":
		return c.unlessAnother(p)
	case c.id == "" && p.index != noIndex && (c.name == "" || p.name == "" || p.name == c.name) && !c.input.isWhole():
		return c // whose id comes late
	case p.name == "" && c.input.begun && !c.input.isWhole() && (p.index == noIndex || p.index == c.index):
		return c // some give every piece an id of its own
	}
	return nil
}

// named is the latest call that has the piece's id and may have its number; nil if there is none.
func (t *calls) named(p *piece) *call {
	if p.id == "" {
		return nil
	}
	for i := len(t.all) - 1; i >= 0; i-- {
		c := t.all[i]
		if c.id == p.id && (p.index == noIndex || c.index == noIndex || p.index == c.index) {
			return c
		}
	}
	return nil
}

// last is the latest call of a number.
func (t *calls) last(index int64) *call {
	for i := len(t.all) - 1; i >= 0; i-- {
		if t.all[i].index == index {
			return t.all[i]
		}
	}
	return nil
}

// unlessAnother is the call itself, unless the piece names one: another function, or the same once more if the arguments of
// this one are whole already.
func (c *call) unlessAnother(p *piece) *call {
	if p.name == "" || c.name == "" {
		return c
	}
	again := c.input.isWhole() && strings.TrimSpace(p.arguments) != "" && !c.repeats(p)
	if again || p.id == "" && p.name != c.name {
		return nil
	}
	return c
}

// repeats reports whether a piece is the whole call once more, as some servers end a stream.
func (c *call) repeats(p *piece) bool {
	return p.id != "" && p.id == c.id && p.index == c.index && p.name == c.name && sumOf(emptySum, p.arguments) == c.sum
}

// emptySum is where sums of arguments begin (FNV-1a).
const emptySum = 14695981039346656037

func sumOf(sum uint64, text string) uint64 {
	for i := range len(text) {
		sum = (sum ^ uint64(text[i])) * 1099511628211
	}
	return sum
}

// take passes a piece on.
func (t *calls) take(p *piece, seal *format.Seal, names map[string]string, to llm.Sink) *format.Fault {
	c, fault := t.of(p)
	if fault != nil {
		return fault
	}
	arguments := p.arguments
	if c.input.isWhole() {
		if strings.TrimSpace(arguments) != "" && !c.repeats(p) {
			return format.Malformed("a piece of a tool call whose arguments are whole already")
		}
		if !c.told && c.signature != "" {
			t.tell(c, "", seal, names, to)
		}
		return nil
	}
	if c.number > 0 {
		t.release(seal, names, to) // only the first one is signed
	}
	if late := t.isLate(c); late || c.name == "" {
		if t.held += len(arguments); t.held > longestHeld {
			return format.Malformed("a tool call without a name, or whose signature is long in coming")
		}
		if c.waiting += arguments; late {
			c.note(c.waiting)
		}
		return nil
	}
	t.tell(c, arguments, seal, names, to)
	return nil
}

// isLate reports whether the signature of a call may still come: clients give back what stands in its id, which they are told once.
func (t *calls) isLate(c *call) bool {
	return t.signed && !t.same && !c.told && c.number == 0 && c.name != "" && c.signature == ""
}

// note takes in arguments, of which some may be known already.
func (c *call) note(arguments string) {
	rest := arguments[c.read:]
	c.sum = sumOf(c.sum, rest)
	c.input.add(rest)
	c.read = len(arguments)
}

// tell tells the client of a call, and of more of its arguments.
func (t *calls) tell(c *call, arguments string, seal *format.Seal, names map[string]string, to llm.Sink) {
	if !c.told {
		c.told = true
		name := c.name
		if long, ok := names[name]; ok {
			name = long
		}
		begun := llm.Event{Step: llm.Called, Call: c.number, Name: name}
		if t.same {
			begun.ID, begun.Text = t.assign(c.id, c.number), c.signature
		} else {
			begun.ID = t.public(seal, c.id, c.signature, c.number)
		}
		to.Take(&begun)
		t.held -= len(c.waiting)
		arguments, c.waiting, c.signature = c.waiting+arguments, "", ""
	}
	if arguments == "" {
		return
	}
	to.Take(&llm.Event{Step: llm.Given, Call: c.number, Text: arguments})
	c.note(arguments)
	if c.read = 0; c.input.isWhole() {
		to.Take(&llm.Event{Step: llm.CallEnded, Call: c.number})
	}
}

// release tells of calls whose signature has been waited for.
func (t *calls) release(seal *format.Seal, names map[string]string, to llm.Sink) {
	if len(t.all) > 0 && t.isLate(t.all[0]) {
		t.tell(t.all[0], "", seal, names, to)
	}
}

// end is for the end of the answer: a call without a name cannot be run.
func (t *calls) end() *format.Fault {
	for _, c := range t.all {
		if !c.told {
			return format.Malformed("a tool call without a name")
		}
	}
	return nil
}

// assign gives a call an id that no other of the answer has: its own, if it can be kept. n is its place in the answer.
func (t *calls) assign(id string, n int) string {
	if t.ids == nil {
		t.ids = make(map[string]bool)
	}
	if id == "" || t.ids[id] {
		id = "toolu_" + format.AnswerID(t.answer) + "_" + strconv.Itoa(n) // it differs between the turns of a conversation too
		for t.ids[id] {
			id += "_"
		}
	}
	t.ids[id] = true
	return id
}

// public is the id that clients are given: one that every provider takes, for the conversation may continue with another. What it was
// and what was signed with it is sealed into it, for its maker alone.
func (t *calls) public(seal *format.Seal, id, signature string, n int) string {
	own := t.assign(id, n)
	public := format.PublicID(own)
	for public != own && t.ids[public] {
		public += "_"
	}
	t.ids[public] = true
	if public == own {
		own = ""
	}
	return seal.CallID(public, own, signature)
}

// opened is a call's id as the provider gave it, and its signature; empty if it has none.
func opened(t *format.Target, public string) (id, signature string) {
	id, own, signature := t.OpenCallID(public)
	if own != "" {
		id = own
	}
	return id, signature
}

// objectEnd finds the end of a JSON object that comes in pieces.
type objectEnd struct {
	depth             int
	inString, escaped bool
	begun             bool
}

// isWhole reports whether the object has come to its end.
func (o *objectEnd) isWhole() bool { return o.begun && o.depth == 0 }

func (o *objectEnd) add(text string) {
	for i := range len(text) {
		c := text[i]
		switch {
		case o.escaped:
			o.escaped = false
		case o.inString:
			o.escaped, o.inString = c == '\\', c != '"'
		case c == '"':
			o.inString = true
		case c == '{', c == '[':
			o.depth++
			o.begun = true
		case (c == '}' || c == ']') && o.depth > 0:
			o.depth--
		}
	}
}
