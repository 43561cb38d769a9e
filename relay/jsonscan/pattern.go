package jsonscan

import "bytes"

// Bounds of a Pattern: texts over longestPattern are not learnt, and none is any more once mostMisses in a row were in vain.
const (
	longestPattern = 1 << 10
	mostMisses     = 8
)

// Pattern recognizes JSON texts that differ from one that has been read in nothing but the content of one string, as the chunks
// of a stream do. Such a text is valid and means the same, but for that string: it need not be read again. The zero Pattern
// recognizes nothing.
type Pattern struct {
	text     []byte
	from, to int32 // text[from:to] is the string's content
	misses   int32 // texts learnt since the last one that was recognized
}

// Learn takes a valid text as the pattern, if it has a string behind key that is neither empty nor has escapes. key is the
// member's name with its colon and the string's first quote, such as `"content":"`: inside a string its quotes would be escaped,
// so that what follows can only be the value of a member of that name.
func (p *Pattern) Learn(text []byte, key string) {
	if len(text) > longestPattern || p.misses == mostMisses {
		return
	}
	at := bytes.Index(text, []byte(key))
	if at < 0 {
		return
	}
	from := at + len(key)
	to := skipPlain(text, from)
	if to == from || to == len(text) || text[to] != '"' {
		return
	}
	p.text, p.from, p.to = append(p.text[:0], text...), int32(from), int32(to)
	p.misses++
}

// Matches tells whether a text is like the one that was learnt in all but the string, which is not empty and has no escapes in
// this one either.
func (p *Pattern) Matches(text []byte) bool {
	rest := len(p.text) - int(p.to) // begins with the string's last quote
	from, to := int(p.from), len(text)-rest
	if len(p.text) == 0 || to <= from || !bytes.Equal(text[:from], p.text[:from]) ||
		skipPlain(text, from) != to || !bytes.Equal(text[to:], p.text[p.to:]) {
		return false
	}
	p.misses = 0
	return true
}
