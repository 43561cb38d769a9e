package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMedianLeavesOutWhatWasNotMeasured(t *testing.T) {
	t.Parallel()
	assert.Equal(t, spread{2, 1, 9}, spreadOf([]float64{9, unknown, 1, 2}))
	assert.Equal(t, spread{2.5, 1, 4}, spreadOf([]float64{1, 2, 3, 4}))
	assert.True(t, math.IsNaN(spreadOf([]float64{unknown}).median))
	assert.True(t, math.IsNaN(quantile(nil, .5)))
	assert.InDelta(t, 99.0, quantile([]float64{1, 2, 3, 99}, .99), 0)
}

func TestARoundInWhichTheOtherAddsNothingHasNoRatio(t *testing.T) {
	t.Parallel()
	got := ratios(minus([]float64{5, 7, 9}, []float64{1, 1, 1}), []float64{2, 0, -3})
	require.Len(t, got, 3)
	assert.InDelta(t, 2.0, got[0], 1e-9)
	assert.True(t, math.IsNaN(got[1]) && math.IsNaN(got[2]))
}

func TestTheSubjectGetsACoreOfItsOwnWhereThereIsOne(t *testing.T) {
	t.Parallel()
	for allowed, want := range map[string]cores{
		"0":     {subject: "0", load: "0"},
		"0-1":   {subject: "1", load: "0", apart: true},
		"2,4-6": {subject: "6", load: "2,4,5", apart: true},
	} {
		got, err := shareOutOf(allowed)
		require.NoError(t, err)
		assert.Equal(t, want, got, allowed)
	}
	_, err := shareOutOf("none")
	assert.Error(t, err)
}

func TestAPeerIsANameAndAnAddress(t *testing.T) {
	t.Parallel()
	p, err := parsePeer("other=http://127.0.0.1:4000/v1x/,pid=12,key=sk-1")
	require.NoError(t, err)
	assert.Equal(t, peer{name: "other", url: "http://127.0.0.1:4000/v1x", key: "sk-1", pid: 12}, p)
	for _, wrong := range []string{"", "other", "=http://a", "other=https://a", "other=http://a,pid=x", "other=http://a,color=red"} {
		_, err := parsePeer(wrong)
		assert.Error(t, err, wrong)
	}
}
