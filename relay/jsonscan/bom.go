package jsonscan

import "bytes"

// byteOrderMark is what some editors, shells (PowerShell's) and servers put in front of a text in UTF-8.
var byteOrderMark = []byte("\uFEFF")

// WithoutBOM is a text without a byte order mark before it. No JSON parser takes one (RFC 8259, 8.1), and neither does Object.
func WithoutBOM(text []byte) []byte {
	if len(text) == 0 || text[0] != byteOrderMark[0] {
		return text // as nearly always
	}
	return bytes.TrimPrefix(text, byteOrderMark)
}
