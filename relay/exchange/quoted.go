package exchange

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// quotes reports whether a JSON text has phrase in one of its strings, in whatever way it is written there. It compares without
// case, and allocates no more than a block however long the text is.
func quotes(text []byte, phrase string) bool {
	if phrase == "" || len(phrase) > maxPhrase {
		return true // which cannot be told apart
	}
	wanted := bytes.ToLower([]byte(phrase))
	block := make([]byte, 0, quoteBlock+utf8.UTFMax)
	for i := 0; i < len(text); {
		if len(block) >= quoteBlock {
			if bytes.Contains(bytes.ToLower(block), wanted) {
				return true
			}
			block = append(block[:0], block[len(block)-len(wanted):]...) // what a phrase across two blocks begins with
		}
		c := text[i]
		if c != '\\' || i+1 == len(text) {
			block = append(block, c)
			i++
			continue
		}
		block, i = unescaped(block, text, i)
	}
	return bytes.Contains(bytes.ToLower(block), wanted)
}

const (
	maxPhrase  = 512
	quoteBlock = 16 << 10
)

// unescaped adds to block what the escape at i stands for. Half of a surrogate pair stands for nothing that is looked for.
func unescaped(block, text []byte, i int) ([]byte, int) {
	switch c := text[i+1]; c {
	case 'n', 'r', 't', 'b', 'f':
		return append(block, ' '), i + 2
	case 'u':
		if i+6 <= len(text) {
			if n, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16); err == nil {
				return utf8.AppendRune(block, rune(n)), i + 6
			}
		}
		return block, i + 2
	default:
		return append(block, c), i + 2
	}
}
