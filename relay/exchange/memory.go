package exchange

import (
	"bytes"
	"unicode/utf8"

	"one-api/relay/lane"
	"one-api/relay/membudget"
)

// What converting takes at the most, in bytes, beside the text that is converted. It is measured, and a test holds each lane
// to it, with texts that are made to need it all.
const (
	// perByte is for texts decoded and encoded, with what their buffers double.
	perByte = 7
	// perElement is for each element of a list: the largest of the structs that such elements become, twice and a bit while its
	// list grows. An element can be two bytes of JSON.
	perElement = 640
	// perGrown is, beside perByte, for a byte that is not UTF-8, which is decoded to the three of U+FFFD, and for a U+2028 or
	// U+2029, which encoding/json escapes with six.
	perGrown = 9
)

// keptTwice is for translators that keep a buffer for what they encode, and one for the events that they make of it.
const keptTwice = 2

// longConversion is the size, in bytes, above which the relay looks whether the client is still there before it converts. The budget
// bounds how long a conversion may take.
const longConversion = 1 << 20

// smallEvent is the size, in bytes, up to which an event costs none of this bookkeeping. Nearly all events are smaller.
const smallEvent = 1 << 10

// lease says which budget the exchange holds parts of, and for whom.
func (x *Exchange) lease(call *lane.Call) {
	for _, l := range [...]*membudget.Lease{&x.hold.request, &x.hold.answer, &x.hold.work} {
		l.Of(x.door.options.Budget)
		l.As(call.Held)
	}
}

// shared reports whether two bodies are one in memory.
func shared(a, b []byte) bool { return len(a) > 0 && len(b) > 0 && &a[0] == &b[0] }

// Conversion is how many bytes converting a JSON text takes at the most.
func Conversion(text []byte) int64 {
	return perByte*int64(len(text)) + perElement*commas(text) + perGrown*grown(text)
}

// grown counts the bytes that are not UTF-8, and the separators that encoding/json escapes.
func grown(text []byte) (n int64) {
	n = int64(bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029")))
	if utf8.Valid(text) { // as nearly always, and far faster
		return n
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		text = text[size:]
	}
	return n
}

// commas counts those that separate, not those in strings. The text need not be valid.
func commas(text []byte) (n int64) {
	comma := []byte{','}
	for {
		quote := bytes.IndexByte(text, '"')
		if quote < 0 {
			return n + int64(bytes.Count(text, comma))
		}
		n += int64(bytes.Count(text[:quote], comma))
		text = text[quote+1:]
		for {
			end := bytes.IndexByte(text, '"')
			if end < 0 {
				return n
			}
			escapes := 0
			for escapes < end && text[end-1-escapes] == '\\' {
				escapes++
			}
			text = text[end+1:]
			if escapes%2 == 0 {
				break
			}
		}
	}
}
