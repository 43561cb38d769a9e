package resume

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

const (
	// shortestOverlap is how many bytes of a repetition count as one: less than a short word is chance.
	shortestOverlap = 4
	// anewAfter is how many bytes a continuation may have in common with the answer's beginning, before it parts from it, and
	// still count as a continuation.
	anewAfter = 24
	// longestPeriod bounds the search for text that repeats itself anyway.
	longestPeriod = 4 << 10
	// whiteSpace is what Anthropic refuses at the end of a message that is to be continued.
	whiteSpace = " \t\r\n"
)

// overlap finds out how much of what a client has already seen a continuation says again: nothing, the last words, or all of
// it. It holds the continuation back for as long as that is open, which is as long as it repeats.
type overlap struct {
	sent    []byte // what the client has
	space   int    // how many bytes of white space at its end the upstream was not told of
	held    []byte // the continuation so far
	alive   []int  // where in sent the continuation can still be a copy from
	longest int    // the longest end of sent that the continuation begins with
	anew    bool   // it began as the answer did, and then went on otherwise
	decided bool
}

// newOverlap is for a continuation of what has been sent. spaceHidden: the upstream was not told of white space at its end.
func newOverlap(sent []byte, spaceHidden bool) *overlap {
	o := &overlap{sent: sent, decided: len(sent) == 0}
	if spaceHidden {
		o.space = len(sent) - len(bytes.TrimRight(sent, whiteSpace))
	}
	return o
}

// add takes the next piece of the continuation and returns what is new and certain. It is valid until the next call.
func (o *overlap) add(piece string) []byte {
	if !o.decided {
		for i := range len(piece) {
			o.held = append(o.held, piece[i])
			if o.follow(piece[i]); len(o.alive) == 0 {
				o.held = append(o.held, piece[i+1:]...)
				return o.rest()
			}
		}
		return nil
	}
	o.held = append(o.held[:0], piece...)
	return o.held
}

// rest ends the search: what is held back and new.
func (o *overlap) rest() []byte {
	if o.decided {
		return nil
	}
	o.decided = true
	return o.held[o.longest:]
}

// beganAnew tells whether the continuation is another answer to the same question. It can be said once something is returned.
func (o *overlap) beganAnew() bool { return o.anew && o.longest == 0 }

// follow goes one byte further, the last one held, in all places that the continuation can be a copy from.
func (o *overlap) follow(b byte) {
	n := len(o.held)
	if n == 1 {
		for i, c := range o.sent {
			if c == b {
				o.alive = append(o.alive, i)
			}
		}
	}
	still := o.alive[:0]
	for _, i := range o.alive {
		switch {
		case o.sent[i+n-1] != b:
			o.anew = o.anew || i == 0 && n > anewAfter && !repeats(o.sent[:n-1])
		case i+n < len(o.sent):
			still = append(still, i)
		case o.counts(n):
			o.longest = n
		}
	}
	o.alive = still
}

// counts tells whether it is no accident that the continuation begins with the last n bytes of what was sent.
func (o *overlap) counts(n int) bool {
	from := len(o.sent) - n
	same := o.sent[from:]
	switch {
	case n <= o.space:
		return true // the upstream said what it could not know was said
	case n < shortestOverlap || !bytes.ContainsFunc(same, isWordRune):
		return false
	case from > 0 && !atWord(o.sent, from):
		return false
	}
	// Where the answer said the same twice before, a third time is as likely to be meant as not: nothing may get lost.
	return !repeats(same) && !bytes.HasSuffix(o.sent[:from], same)
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// atWord tells whether a word begins at i, or none is there.
func atWord(b []byte, i int) bool {
	before, _ := utf8.DecodeLastRune(b[:i])
	after, _ := utf8.DecodeRune(b[i:])
	// Scripts without spaces have no such places.
	return !isWordRune(before) || !isWordRune(after) || before >= 0x2E80 || after >= 0x2E80
}

// repeats tells whether b is one piece twice or more often.
func repeats(b []byte) bool {
	if len(b) > longestPeriod {
		return false
	}
	// border[i] is the length of the longest proper prefix of b[:i+1] that is its suffix too (Knuth, Morris, Pratt).
	border := make([]int, len(b))
	for i := 1; i < len(b); i++ {
		k := border[i-1]
		for k > 0 && b[k] != b[i] {
			k = border[k-1]
		}
		if b[k] == b[i] {
			k++
		}
		border[i] = k
	}
	return len(b) > 0 && len(b)-border[len(b)-1] <= len(b)/2
}
