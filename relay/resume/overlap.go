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
	// whiteSpace is what Anthropic refuses at the end of a message that is to be continued.
	whiteSpace = " \t\r\n"
)

// overlap finds out how much of what a client has already seen a continuation says again: nothing, the last words, or all of
// it. It holds the continuation back for as long as that is open, which is as long as it repeats.
//
// It looks for the continuation in what was sent as Knuth, Morris and Pratt do, while the continuation still comes: sent is gone
// through once, from its beginning to its end, however much of it says the same again and again. Providers decide what is in
// both, and text of one letter took a minute before.
type overlap struct {
	sent    []byte  // what the client has
	space   int     // how many bytes of white space at its end the upstream was not told of
	held    []byte  // the continuation so far
	borders borders // of held
	at      int     // held[:same] stands in sent before this place
	same    int     // all of held is found there, unless at is the end of sent
	longest int     // the longest end of sent that the continuation begins with
	anew    bool    // it began as the answer did, and then went on otherwise
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
func (o *overlap) add(piece []byte) []byte {
	if o.decided {
		return piece
	}
	for i := range len(piece) {
		if o.held = append(o.held, piece[i]); !o.follow() {
			o.held = append(o.held, piece[i+1:]...)
			return o.rest()
		}
	}
	return nil
}

// rest ends the search: what is held back and new.
func (o *overlap) rest() []byte {
	if o.decided {
		return nil
	}
	o.finish()
	o.measure()
	fresh := o.held[o.longest:]
	*o = overlap{longest: o.longest, anew: o.anew, decided: true} // the rest is of no use any more, and large
	return fresh
}

// beganAnew reports whether the continuation is another answer to the same question. It can be said once something is returned.
func (o *overlap) beganAnew() bool { return o.anew && o.longest == 0 }

// size is how many bytes the search takes beside what was sent, its end included.
func (o *overlap) size() int {
	if o.decided {
		return 0
	}
	return cap(o.held) + bytesPerBorder*cap(o.borders) + (1+bytesPerBorder)*len(o.sent)
}

// follow goes on to the first place in sent that all of the continuation can be a copy from; false if there is none that does
// not end where sent does, so that no more is to be known.
func (o *overlap) follow() bool {
	o.borders = o.borders.of(o.held)
	for o.at < len(o.sent) && o.same < len(o.held) {
		o.step()
	}
	return o.at < len(o.sent)
}

// step compares one byte.
func (o *overlap) step() {
	switch {
	case o.sent[o.at] == o.held[o.same]:
		o.at, o.same = o.at+1, o.same+1
	case o.same == 0:
		o.at++
	default:
		if o.at == o.same { // it was a copy of the beginning until now
			o.anew = o.same >= anewAfter && !o.borders.repeat(o.same)
		}
		o.same = o.borders.longest(o.same)
	}
}

// finish goes on to the end of sent once no more of the continuation comes.
func (o *overlap) finish() {
	for o.at < len(o.sent) && len(o.held) > 0 {
		if o.same == len(o.held) {
			o.same = o.borders.longest(o.same)
		}
		o.step()
	}
}

// measure finds the longest end of sent that the continuation begins with, and that is not an accident.
func (o *overlap) measure() {
	if o.same == 0 {
		return
	}
	// What is at the end of sent has the same borders as what is at the beginning of sent read backwards.
	backwards := make([]byte, 0, min(2*o.same, len(o.sent)))
	for i := range cap(backwards) {
		backwards = append(backwards, o.sent[len(o.sent)-1-i])
	}
	ends := borders(nil).of(backwards)
	words := lastWord(o.sent)
	for n := o.same; n > 0; n = o.borders.longest(n) {
		if o.counts(n, words, ends) {
			o.longest = n
			return
		}
	}
}

// counts reports whether it is not an accident that the continuation begins with the last n bytes of what was sent. words is where
// the last letter in it stands, ends are the borders of its ends.
func (o *overlap) counts(n, words int, ends borders) bool {
	from := len(o.sent) - n
	switch {
	case n <= o.space:
		return true // the upstream said what it could not know was said
	case n < shortestOverlap || words < from:
		return false
	case from > 0 && !atWord(o.sent, from):
		return false
	}
	// If the answer said the same twice before, a third time is as likely to be meant as not: nothing may get lost.
	return !ends.repeat(n) && !ends.twice(n)
}

// lastWord is where the last letter or digit of a text begins; -1 if there is none.
func lastWord(text []byte) int {
	return bytes.LastIndexFunc(text, isWordRune)
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// atWord reports whether a word begins at i, or none is there.
func atWord(b []byte, i int) bool {
	before, _ := utf8.DecodeLastRune(b[:i])
	after, _ := utf8.DecodeRune(b[i:])
	// Scripts without spaces have no such places.
	return !isWordRune(before) || !isWordRune(after) || before >= 0x2E80 || after >= 0x2E80
}

// borders is of a text's beginnings: b[n-1] is the length of the longest text, shorter than n, that the first n bytes both begin
// and end with.
type borders []int32

const bytesPerBorder = 4

// of continues with a text that has grown.
func (b borders) of(text []byte) borders {
	for n := len(b); n < len(text); n++ {
		if n == 0 {
			b = append(b, 0)
			continue
		}
		k := b[n-1]
		for k > 0 && text[k] != text[n] {
			k = b[k-1]
		}
		if text[k] == text[n] {
			k++
		}
		b = append(b, k)
	}
	return b
}

func (b borders) longest(n int) int { return int(b[n-1]) }

// period is the length of the shortest piece that the first n bytes are made of, again and again; the last time it may be cut.
func (b borders) period(n int) int { return n - b.longest(n) }

// repeat reports whether the first n bytes are one piece twice or more often.
func (b borders) repeat(n int) bool { return n > 0 && b.period(n) <= n/2 }

// twice reports whether the first n bytes stand there twice.
func (b borders) twice(n int) bool { return 2*n <= len(b) && n%b.period(2*n) == 0 }
