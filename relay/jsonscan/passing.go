package jsonscan

import "bytes"

// longestKept is how many bytes a value may have that Passing keeps.
const longestKept = 4 << 10

// Passing looks at a JSON object that passes by in pieces and is kept by nobody: where it ends, and what a few of its top-level members
// say. It holds no more than those few values, however long the object is, and checks no more of it than that its brackets close.
type Passing struct {
	names  []string
	values [][]byte // of each name: the last one; nil: there was none, or it was too long
	there  uint64   // names[i] has been seen, by bits

	state   passingState
	depth   int
	string  bool // in a string
	escaped bool // behind a backslash in it
	wanted  int  // names[wanted] is the member that is being read; negative: none that is wanted
	long    bool // and its value is too long
	key     [32]byte
	keyLen  int // of the key so far; more than there is room for: it is none that is wanted
}

type passingState uint8

const (
	beforeObject passingState = iota
	beforeKey
	inKey
	beforeValue // behind the colon too
	inMember
	behindObject
	noObject // what came is no object, or has something behind it
)

// NewPassing begins to look at an object, of which the members of these names are wanted: 64 at the most, of 32 bytes each.
func NewPassing(names ...string) *Passing {
	return &Passing{names: names, values: make([][]byte, len(names))}
}

// See looks at the next piece.
func (p *Passing) See(piece []byte) {
	for i := 0; i < len(piece); {
		if p.string {
			i += p.inString(piece[i:])
			continue
		}
		p.structure(piece[i])
		i++
	}
}

// inString takes in what is left of a string, and returns how many bytes that was.
func (p *Passing) inString(piece []byte) int {
	if p.escaped {
		p.escaped = false
		p.note(piece[:1])
		return 1
	}
	end := bytes.IndexByte(piece, '"')
	rest := piece
	if end >= 0 {
		rest = piece[:end]
	}
	if at := bytes.IndexByte(rest, '\\'); at >= 0 {
		p.escaped = true
		p.note(piece[:at+1])
		return at + 1
	}
	if end < 0 {
		p.note(piece)
		return len(piece)
	}
	p.string = false
	if p.state == inKey {
		p.note(piece[:end])
		p.state, p.wanted, p.long = beforeValue, p.which(), false
	} else {
		p.note(piece[:end+1])
	}
	return end + 1
}

// note keeps what belongs to a key, or to a value that is wanted.
func (p *Passing) note(text []byte) {
	switch {
	case p.state == inKey:
		copy(p.key[min(p.keyLen, len(p.key)):], text)
		p.keyLen += len(text)
	case p.state != inMember || p.wanted < 0 || p.long:
	case len(p.values[p.wanted])+len(text) > longestKept:
		p.values[p.wanted], p.long = nil, true
	default:
		p.values[p.wanted] = append(p.values[p.wanted], text...)
	}
}

// which is the name that a key is, as it stands: none of those that are wanted has anything to escape.
func (p *Passing) which() int {
	if p.keyLen > len(p.key) {
		return -1
	}
	for i, name := range p.names {
		if string(p.key[:p.keyLen]) == name {
			p.there |= 1 << i
			return i
		}
	}
	return -1
}

// structure takes in a byte that is in no string.
func (p *Passing) structure(c byte) {
	if isSpace(c) && p.state != inMember {
		return
	}
	switch p.state {
	case beforeObject:
		p.state = noObject
		if c == '{' {
			p.state, p.depth = beforeKey, 1
		}
	case beforeKey:
		p.state = noObject
		switch c {
		case '"':
			p.state, p.string, p.keyLen = inKey, true, 0
		case '}':
			p.state, p.depth = behindObject, 0
		case ',':
			p.state = beforeKey
		}
	case beforeValue:
		if c == ':' {
			return
		}
		p.state = inMember
		if p.wanted >= 0 {
			p.values[p.wanted] = p.values[p.wanted][:0]
		}
		p.inValue(c)
	case inMember:
		p.inValue(c)
	case inKey, behindObject, noObject:
		p.state = noObject
	}
}

// inValue takes in a byte of a value that is in no string.
func (p *Passing) inValue(c byte) {
	switch c {
	case '"':
		p.string = true
	case '{', '[':
		p.depth++
	case '}', ']':
		if p.depth--; p.depth == 0 {
			p.state = behindObject
			return
		}
	case ',':
		if p.depth == 1 {
			p.state = beforeKey
			return
		}
	}
	p.note([]byte{c})
}

// Ended reports whether the object has come to its end, and nothing behind it.
func (p *Passing) Ended() bool { return p.state == behindObject }

// Begun reports whether what came can become an object.
func (p *Passing) Begun() bool { return p.state != noObject }

// Has reports whether there was a member of the name names[i].
func (p *Passing) Has(i int) bool { return p.there&(1<<i) != 0 }

// Value is what the member of the name names[i] says, as it stands; nil: there was none, or it is too long to be kept.
func (p *Passing) Value(i int) []byte {
	if !p.Has(i) {
		return nil
	}
	return bytes.TrimSpace(p.values[i])
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
