package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String decodes a JSON string, quotes included; ok is false if value is not one valid string. What is not UTF-8 and
// surrogates without a partner become U+FFFD, as encoding/json does. Nothing but the string itself is allocated.
func String(value []byte) (s string, ok bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	stop, escaped, err := skipString(value, 0)
	if err != nil || stop != len(value) {
		return "", false
	}
	raw := value[1 : stop-1]
	if !escaped && utf8.Valid(raw) {
		return string(raw), true
	}
	return decode(raw), true
}

// skipString skips a string that begins with the quote at b[i], and reports whether it has escapes.
func skipString(b []byte, i int) (next int, escaped bool, err error) {
	i++
	if len(b)-i >= 8 { // many end within a word
		if found := special(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			if at := i + bits.TrailingZeros64(found)/8; b[at] == '"' {
				return at + 1, false, nil
			}
		}
	}
	for {
		i = skipPlain(b, i)
		if i == len(b) {
			return i, escaped, ErrTruncated
		}
		switch b[i] {
		case '"':
			return i + 1, escaped, nil
		case '\\':
			escaped = true
			if i, err = skipEscape(b, i); err != nil {
				return i, escaped, err
			}
		default:
			return i, escaped, &SyntaxError{i, "a control character is not escaped in a string"}
		}
	}
}

func skipEscape(b []byte, i int) (int, error) {
	i++
	if i == len(b) {
		return i, ErrTruncated
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, nil
	case 'u':
		for range 4 {
			i++
			if i == len(b) {
				return i, ErrTruncated
			}
			if hexDigit(b[i]) < 0 {
				return i, &SyntaxError{i, "a hexadecimal digit is missing behind \\u"}
			}
		}
		return i + 1, nil
	}
	return i, &SyntaxError{i, "an escape is unknown"}
}

// skipPlain returns the index of the first quote, backslash or control character at or behind i, or len(b).
// It looks at eight bytes at a time, and at 32 if the string turns out to be long, such as an image in base64.
func skipPlain(b []byte, i int) int {
	for range 4 {
		if len(b)-i < 8 {
			break
		}
		if found := special(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	for len(b)-i >= 32 {
		w := b[i : i+32 : i+32]
		if special(binary.LittleEndian.Uint64(w))|
			special(binary.LittleEndian.Uint64(w[8:]))|
			special(binary.LittleEndian.Uint64(w[16:]))|
			special(binary.LittleEndian.Uint64(w[24:])) != 0 {
			break
		}
		i += 32
	}
	for len(b)-i >= 8 {
		if found := special(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

const (
	low  = 0x0101010101010101
	high = 0x8080808080808080
)

// special has the high bit set in the lowest of eight bytes that is a quote, a backslash or below 0x20. Bits above that one
// mean nothing: the subtractions borrow from them. Flipping bit 1 brings the quote (0x22) to 0x20, next to the control
// characters, and moves none of those out, so that one comparison with 0x21 finds both.
func special(eight uint64) uint64 {
	quoteOrControl := (eight ^ 0x02*low) - 0x21*low
	backslash := (eight ^ '\\'*low) - low
	return (quoteOrControl | backslash) &^ eight & high
}

// decode resolves the escapes of a valid string without its quotes.
func decode(raw []byte) string {
	var s strings.Builder
	s.Grow(decodedBound(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			run := bytes.IndexByte(raw[i:], '\\')
			if run < 0 {
				run = len(raw) - i
			}
			writeText(&s, raw[i:i+run])
			i += run
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			s.WriteByte('\b')
		case 'f':
			s.WriteByte('\f')
		case 'n':
			s.WriteByte('\n')
		case 'r':
			s.WriteByte('\r')
		case 't':
			s.WriteByte('\t')
		case 'u':
			r, size := decodeUnicode(raw[i:])
			s.WriteRune(r)
			i += size
			continue
		default:
			s.WriteByte(c)
		}
		i += 2
	}
	return s.String()
}

func writeText(s *strings.Builder, text []byte) {
	if utf8.Valid(text) {
		s.Write(text)
		return
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		s.WriteRune(r)
		i += size
	}
}

// decodeUnicode decodes the \uXXXX, or the pair of them, that raw begins with. A surrogate without its partner is U+FFFD and
// leaves what follows alone.
func decodeUnicode(raw []byte) (r rune, size int) {
	r = hexRune(raw[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, hexRune(raw[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func hexRune(four []byte) (r rune) {
	for _, c := range four[:4] {
		r = r<<4 | hexDigit(c)
	}
	return r
}

// hexDigit is negative if c is none.
func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// decodedBound is how many bytes the decoded string takes at most: an escape shrinks, but a byte that is not UTF-8 becomes
// the three of U+FFFD.
func decodedBound(raw []byte) int {
	n := len(raw)
	if utf8.Valid(raw) {
		return n
	}
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			n += 2
		}
		i += size
	}
	return n
}
