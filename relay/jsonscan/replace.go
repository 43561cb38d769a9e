package jsonscan

import "unicode/utf8"

// Replace returns a copy of b that has the JSON encoding of s in the place of b[start:end], in one allocation. What is not
// UTF-8 in s becomes U+FFFD.
func Replace(b []byte, start, end int, s string) []byte {
	return Splice(b, Edit{From: start, To: end, Text: s, Quote: true})
}

// Edit is what stands in the place of a part of a text.
type Edit struct {
	From, To int // the part; they are equal if nothing is taken away
	Text     string
	Quote    bool // Text is encoded as a JSON string, in which what is not UTF-8 becomes U+FFFD
}

// Splice returns a copy of b with some edits, which are in order and do not overlap, in one allocation.
func Splice(b []byte, edits ...Edit) []byte {
	size := len(b)
	for i := range edits {
		size += edits[i].len() - (edits[i].To - edits[i].From)
	}
	out, done := make([]byte, 0, size), 0
	for i := range edits {
		e := &edits[i]
		out = append(out, b[done:e.From]...)
		if e.Quote {
			out = AppendString(out, e.Text)
		} else {
			out = append(out, e.Text...)
		}
		done = e.To
	}
	return append(out, b[done:]...)
}

func (e *Edit) len() int {
	if e.Quote {
		return encodedLen(e.Text)
	}
	return len(e.Text)
}

func encodedLen(s string) int {
	n := 2
	for _, r := range s {
		n += encodedRuneLen(r)
	}
	return n
}

// encodedRuneLen agrees with AppendString. Ranging over a string yields U+FFFD for a byte that is not UTF-8.
func encodedRuneLen(r rune) int {
	switch {
	case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t':
		return 2
	case r < ' ':
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

// AppendString appends the JSON encoding of s. What is not UTF-8 becomes U+FFFD.
func AppendString(out []byte, s string) []byte {
	return append(AppendContent(append(out, '"'), s), '"')
}

// AppendContent appends what is between the quotes of the JSON encoding of s.
func AppendContent(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	from := 0 // what comes before i and is the same in JSON has not been appended yet
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf:
			i++
			continue
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			out = utf8.AppendRune(append(out, s[from:i]...), utf8.RuneError)
		case c == '"' || c == '\\':
			out = append(append(out, s[from:i]...), '\\', c)
		case c == '\n':
			out = append(append(out, s[from:i]...), `\n`...)
		case c == '\r':
			out = append(append(out, s[from:i]...), `\r`...)
		case c == '\t':
			out = append(append(out, s[from:i]...), `\t`...)
		default:
			out = append(append(out, s[from:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		from = i
	}
	return append(out, s[from:]...)
}
