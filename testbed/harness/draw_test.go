package harness

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

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
	by := func(how Thoroughness) func([]int) []string {
		return func(row []int) []string { return Combinations(row, how) }
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
		drawn = draw(rows, by(EachOnce), seed)
		_, one := note(drawn)
		require.Equal(t, single, one, "single values")
		require.LessOrEqual(t, len(drawn), 7+2)
	}
	require.NotEqual(t, draw(rows, by(everyPair), 1), draw(rows, by(everyPair), 2), "another seed draws others")
	require.Equal(t, rows, draw(rows, by(EveryOne), 1))
}
