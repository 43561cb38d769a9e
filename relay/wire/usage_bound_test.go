package wire

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiguresThatNobodyCanMeanAreCutDownAndDoubtful(t *testing.T) {
	plain := Usage{Uncached: 10_000_000, Text: 128_000, Reasoning: 100_000, Seconds: 7200, Said: 12_345_678, SaysCost: true}
	was := plain
	plain.Bound()
	require.Equal(t, was, plain)
	for name, u := range map[string]Usage{
		"the largest": {Uncached: math.MaxInt64, CacheRead: math.MaxInt64, Text: math.MaxInt64, Reasoning: math.MaxInt64, Said: math.MaxInt64},
		"added up":    {Uncached: -2, AudioOut: math.MinInt64, Said: -1},
		"no number":   {Seconds: math.NaN()},
		"no end":      {Seconds: math.Inf(1)},
	} {
		u.Bound()
		require.True(t, u.Doubtful, name)
		require.GreaterOrEqual(t, u.Tokens(), int64(0), name)
		require.LessOrEqual(t, u.Tokens(), int64(9*mostSaid), name)
		require.GreaterOrEqual(t, u.Said, int64(0), name)
		require.LessOrEqual(t, u.Said, int64(MostCost), name)
		require.True(t, u.Seconds >= 0 && u.Seconds <= mostSaid, name)
	}
}
