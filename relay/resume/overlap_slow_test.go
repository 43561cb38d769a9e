package resume

import (
	"bytes"
)

// slowOverlap is overlap as it reads most plainly, which takes quadratic time: what the fast one is held against.
type slowOverlap struct {
	sent    []byte // what the client has
	space   int    // how many bytes of white space at its end the upstream was not told of
	held    []byte // the continuation so far
	alive   []int  // where in sent the continuation can still be a copy from
	longest int    // the longest end of sent that the continuation begins with
	anew    bool   // it began as the answer did, and then went on otherwise
	decided bool
}

// newSlowOverlap is for a continuation of what has been sent. spaceHidden: the upstream was not told of white space at its end.
func newSlowOverlap(sent []byte, spaceHidden bool) *slowOverlap {
	o := &slowOverlap{sent: sent, decided: len(sent) == 0}
	if spaceHidden {
		o.space = len(sent) - len(bytes.TrimRight(sent, whiteSpace))
	}
	return o
}

// add takes the next piece of the continuation and returns what is new and certain. It is valid until the next call.
func (o *slowOverlap) add(piece string) []byte {
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
func (o *slowOverlap) rest() []byte {
	if o.decided {
		return nil
	}
	o.decided = true
	return o.held[o.longest:]
}

func (o *slowOverlap) beganAnew() bool { return o.anew && o.longest == 0 }

// follow goes one byte further, the last one held, in all places that the continuation can be a copy from.
func (o *slowOverlap) follow(b byte) {
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
			o.anew = o.anew || i == 0 && n > anewAfter && !slowlyRepeats(o.sent[:n-1])
		case i+n < len(o.sent):
			still = append(still, i)
		case o.counts(n):
			o.longest = n
		}
	}
	o.alive = still
}

// counts reports whether it is not an accident that the continuation begins with the last n bytes of what was sent.
func (o *slowOverlap) counts(n int) bool {
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
	// If the answer said the same twice before, a third time is as likely to be meant as not: nothing may get lost.
	return !slowlyRepeats(same) && !bytes.HasSuffix(o.sent[:from], same)
}

// slowlyRepeats reports whether b is one piece twice or more often.
func slowlyRepeats(b []byte) bool {
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
