package jsonscan

import "unicode/utf8"

// Replace returns a copy of b that has the JSON encoding of s in the place of b[start:end], in one allocation. What is not
// UTF-8 in s becomes U+FFFD.
func Replace(b []byte, start, end int, s string) []byte {
	out := make([]byte, 0, start+encodedLen(s)+len(b)-end)
	out = append(out, b[:start]...)
	out = AppendString(out, s)
	return append(out, b[end:]...)
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
	case r == '"' || r == '\\':
		return 2
	case r < ' ':
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

// AppendString appends the JSON encoding of s. What is not UTF-8 becomes U+FFFD.
func AppendString(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
