package jsonscan

import (
	"bytes"
	"unicode/utf8"
)

// Bounds of a Pattern: texts over longestPattern are not learnt, and none is any more once mostMisses in a row were in vain.
const (
	longestPattern = 1 << 10
	mostMisses     = 8
)

// Pattern recognizes JSON texts that differ from one that has been read in nothing but the content of one string, as the chunks
// of a stream do. Such a text is valid and means the same, except for that string: it need not be read again. The zero Pattern
// recognizes nothing.
type Pattern struct {
	text     []byte
	from, to int16 // text[from:to] is the string's content
	also, up int16 // text[also:up] is that of another one behind it, which differs too; 0, 0 if there is none
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
	p.text, p.from, p.to = append(p.text[:0], text...), int16(from), int16(to) //nolint:gosec // a longer text is not learnt
	p.also, p.up = 0, 0
	p.misses++
}

// LearnText is Learn for who wants to know the string of those that are recognized: there is one member of that name, and its string
// is said. beside is another member's, behind it, whose string may be any without escapes; empty means none's.
func (p *Pattern) LearnText(text []byte, key, said, beside string) {
	if len(text) > longestPattern || p.misses == mostMisses {
		return
	}
	at := bytes.Index(text, []byte(key))
	if at < 0 || bytes.Count(text, []byte(key)) > 1 {
		return
	}
	if rest, is := bytes.CutPrefix(text[at+len(key):], []byte(said)); !is || len(rest) == 0 || rest[0] != '"' {
		return
	}
	before := p.misses
	if p.Learn(text, key); p.misses == before || beside == "" {
		return
	}
	if at = bytes.Index(text[p.to:], []byte(beside)); at < 0 {
		return
	}
	also := int(p.to) + at + len(beside)
	if up := skipPlain(text, also); up < len(text) && text[up] == '"' {
		p.also, p.up = int16(also), int16(up) //nolint:gosec // within the text
	}
}

// Text is the string of a text that is recognized, as String decodes it: here it may have escapes. false if the text is another one.
func (p *Pattern) Text(text []byte) (string, bool) {
	to, ok := p.find(text, true)
	if !ok {
		return "", false
	}
	p.misses = 0
	raw := text[p.from:to]
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw), true
	}
	return decode(raw), true
}

// Forget recognizes nothing until it has learnt again.
func (p *Pattern) Forget() { p.text = p.text[:0] }

// Matches reports whether a text is like the one that was learnt in all but the string, which is not empty and has no escapes in
// this one either.
func (p *Pattern) Matches(text []byte) bool {
	_, ok := p.Length(text)
	return ok
}

// Length is how many bytes the string has of a text that Matches; false if it does not.
func (p *Pattern) Length(text []byte) (n int, ok bool) {
	to, ok := p.find(text, false)
	if ok {
		p.misses = 0
	}
	return to - int(p.from), ok
}

// find is where the string of a text that is recognized ends. escapes says that it may have some.
func (p *Pattern) find(text []byte, escapes bool) (to int, ok bool) {
	from := int(p.from)
	if len(p.text) == 0 || len(text) < from || !bytes.Equal(text[:from], p.text[:from]) {
		return 0, false
	}
	to = skipPlain(text, from)
	if escapes && to < len(text) && text[to] == '\\' {
		end, _, err := skipString(text, from-1)
		if err != nil {
			return 0, false
		}
		to = end - 1
	}
	if to == from {
		return 0, false
	}
	rest, learnt := text[to:], p.text[p.to:] // begins with the string's last quote
	if p.up > 0 {
		between := int(p.also - p.to)
		if len(rest) < between || !bytes.Equal(rest[:between], learnt[:between]) {
			return 0, false
		}
		rest, learnt = rest[skipPlain(rest, between):], p.text[p.up:]
	}
	return to, bytes.Equal(rest, learnt)
}
