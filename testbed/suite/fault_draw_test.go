package suite

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The circumstances under which a fault can be done are many more than anybody waits for: seven transports, two sizes of a body,
// streams or not, three positions among the channels, five ways through the adaptors. Most faults in programs need no more than two
// circumstances to come together, so that a draw in which every pair of them comes together somewhere finds nearly what all of them
// find, in a fraction of the time.

// thoroughness is how many of the possible combinations a test runs.
type thoroughness int

const (
	aFew      thoroughness = iota // a small and a large request, a stream and a whole answer, over whatever transport the seed says
	eachOnce                      // as many as it takes for every circumstance to be in one
	everyPair                     // as many as it takes for every two circumstances to be in one together
	everyOne                      // all of them
)

// drawnBy is what decides on it: with -matrix all combinations run, else those that FAULTS says.
const drawnBy = "FAULTS"

var drawWords = map[string]thoroughness{"": aFew, "few": aFew, "each": eachOnce, "pairs": everyPair, "all": everyOne}

func thorough() thoroughness {
	if *writesMatrix {
		return everyOne
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

// combinations names the values of a row, one or two at a time, or all of them.
func combinations(values []int, how thoroughness) (names []string) {
	if how == everyOne {
		return []string{fmt.Sprint(values)}
	}
	for i, a := range values {
		if how == aFew && (i == overTransport || i == atPosition) {
			continue
		}
		if how <= eachOnce {
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

func TestADrawHasEveryPairThatIsPossible(t *testing.T) {
	levels := []int{7, 2, 2, 3, 5}
	var rows [][]int
	row := make([]int, len(levels))
	var fill func(at int)
	fill = func(at int) {
		if at == len(levels) {
			if row[0] != 2 || row[1] != 1 { // something that does not go together
				rows = append(rows, slices.Clone(row))
			}
			return
		}
		for row[at] = range levels[at] {
			fill(at + 1)
		}
	}
	fill(0)
	require.Len(t, rows, 390)
	by := func(how thoroughness) func([]int) []string {
		return func(row []int) []string { return combinations(row, how) }
	}
	note := func(rows [][]int) (two map[[4]int]bool, one map[[2]int]bool) {
		two, one = map[[4]int]bool{}, map[[2]int]bool{}
		for _, row := range rows {
			for i := range row {
				one[[2]int{i, row[i]}] = true
				for j := range i {
					two[[4]int{j, row[j], i, row[i]}] = true
				}
			}
		}
		return two, one
	}
	possible, single := note(rows)
	require.Len(t, possible, 7*2-1+7*2+7*3+7*5+2*2+2*3+2*5+2*3+2*5+3*5)
	for seed := range uint64(50) {
		drawn := draw(rows, by(everyPair), seed)
		two, _ := note(drawn)
		require.Equal(t, possible, two, "pairs")
		require.LessOrEqual(t, len(drawn), 2*7*5, "as few as that")
		require.Equal(t, drawn, draw(rows, by(everyPair), seed), "the same again")
		drawn = draw(rows, by(eachOnce), seed)
		_, one := note(drawn)
		require.Equal(t, single, one, "single values")
		require.LessOrEqual(t, len(drawn), 7+2)
	}
	require.NotEqual(t, draw(rows, by(everyPair), 1), draw(rows, by(everyPair), 2), "another seed draws others")
	require.Equal(t, rows, draw(rows, by(everyOne), 1))
}
