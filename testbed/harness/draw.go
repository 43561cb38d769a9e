package harness

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// The circumstances under which a fault can be done are many more than anybody waits for: seven transports, two sizes of a body,
// streams or not, three positions among the channels, five ways through the adaptors. Most faults in programs need no more than two
// circumstances to come together, so that a draw in which every pair of them comes together somewhere finds nearly what all of them
// find, in a fraction of the time.

// Thoroughness is how many of the possible combinations a test runs.
type Thoroughness int

const (
	aFew      Thoroughness = iota // a small and a large request, a stream and a whole answer, over whatever transport the seed says
	EachOnce                      // as many as it takes for every circumstance to be in one
	everyPair                     // as many as it takes for every two circumstances to be in one together
	EveryOne                      // all of them
)

// drawnBy is what decides on it: with -matrix all combinations run, else those that FAULTS says.
const drawnBy = "FAULTS"

var drawWords = map[string]Thoroughness{"": aFew, "few": aFew, "each": EachOnce, "pairs": everyPair, "all": EveryOne}

func Thorough() Thoroughness {
	if *writesMatrix {
		return EveryOne
	}
	how, known := drawWords[os.Getenv(drawnBy)]
	if !known {
		panic(fmt.Sprintf("%s is one of few, each, pairs and all, not %q", drawnBy, os.Getenv(drawnBy)))
	}
	return how
}

// draw picks rows until every combination that one of the rows has is in one of those that it picks. The same seed picks the same
// ones. They come in the order of rows.
func draw[T any](rows []T, combinationsOf func(T) []string, seed uint64) []T {
	order := rand.New(rand.NewPCG(seed, 20261130)).Perm(len(rows)) // among equals, the first in this order is picked
	open := map[string]bool{}
	of := make([][]string, len(rows))
	for i, row := range rows {
		of[i] = combinationsOf(row)
		for _, c := range of[i] {
			open[c] = true
		}
	}
	var picked []int
	for len(open) > 0 {
		best, most := 0, 0
		for _, i := range order {
			n := 0
			for _, c := range of[i] {
				if open[c] {
					n++
				}
			}
			if n > most {
				best, most = i, n
			}
		}
		picked = append(picked, best)
		for _, c := range of[best] {
			delete(open, c)
		}
	}
	slices.Sort(picked)
	drawn := make([]T, len(picked))
	for i, p := range picked {
		drawn[i] = rows[p]
	}
	return drawn
}

// Combinations names the values of a row, one or two at a time, or all of them.
func Combinations(values []int, how Thoroughness) (names []string) {
	if how == EveryOne {
		return []string{fmt.Sprint(values)}
	}
	for i, a := range values {
		if how == aFew && (i == overTransport || i == atPosition) {
			continue
		}
		if how <= EachOnce {
			names = append(names, fmt.Sprint(i, "=", a))
			continue
		}
		for j := range i {
			names = append(names, fmt.Sprint(j, "=", values[j], " ", i, "=", a))
		}
	}
	return names
}

// seedOf is a test's own seed, so that what one leaves out another may draw.
func seedOf(t *testing.T) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(topLevel(t)))
	return h.Sum64()
}
