package limit

import "slices"

// What a token's calls of a model have lately put out is what its next one is expected to.

const (
	leastOutput  = 256 // tokens
	recent       = 32
	relearn      = 8    // calls after which what is expected is worked out anew
	mostOutgoing = 4096 // models that are remembered, by token: clients choose them
)

type tokenModel struct{ token, model string }

// outputs is the last ones of each.
type outputs map[tokenModel]*lately

type lately struct {
	last [recent]int64
	n    int
	high int64 // of which 95 in a hundred are no longer
}

// expected is how many tokens a call is expected to put out.
func (o outputs) expected(token, model string, most int64) int64 {
	n := int64(leastOutput)
	if l := o[tokenModel{token, model}]; l != nil {
		n = max(n, l.high)
	}
	if most > 0 {
		n = min(n, most)
	}
	return n
}

// note learns from a call.
func (o *outputs) note(token, model string, tokens int64) {
	if *o == nil || len(*o) >= mostOutgoing {
		*o = outputs{}
	}
	key := tokenModel{token, model}
	l := (*o)[key]
	if l == nil {
		l = &lately{}
		(*o)[key] = l
	}
	l.last[l.n%recent] = tokens
	l.n++
	if l.n > relearn && l.n%relearn != 0 {
		return // it would cost more than all else here
	}
	var sorted [recent]int64
	known := sorted[:copy(sorted[:], l.last[:min(l.n, recent)])]
	slices.Sort(known)
	l.high = known[(len(known)*95+99)/100-1]
}
