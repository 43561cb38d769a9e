package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSameSeedDrawsTheSameCalls(t *testing.T) {
	a, b, c := newMix(7), newMix(7), newMix(8)
	same, other := 0, 0
	for range 1000 {
		o := a.next()
		if o == b.next() {
			same++
		}
		if o != c.next() {
			other++
		}
	}
	require.Equal(t, 1000, same)
	require.Greater(t, other, 900)
}

func TestTheMixHasEveryFaultAndTheSharesThatItPromises(t *testing.T) {
	const calls = 200_000
	m, byGroup, byFault := newMix(1), map[group]float64{}, make([]int, len(faults))
	for range calls {
		o := m.next()
		byGroup[o.what().group]++
		byFault[o.fault]++
	}
	require.InDelta(t, 1.0/3, byGroup[healthy]/calls, 0.01)
	require.InDelta(t, 0.1, byGroup[leaving]/calls, 0.01)
	for i, n := range byFault {
		require.Positive(t, n, faults[i].name)
	}
}

func TestAFaultIsOnlyDrawnWhereThereIsSuchAThing(t *testing.T) {
	m := newMix(2)
	for range 50_000 {
		o := m.next()
		f := o.what()
		require.False(t, f.shape == streams && !o.stream || f.shape == wholes && o.stream, f.name)
		require.False(t, f.http1 && o.proto == http2 || f.http2 && o.proto != http2, f.name)
		require.False(t, f.alone && o.position != only, f.name)
	}
}

func TestAnUpstreamFindsItsOrderInTheRequest(t *testing.T) {
	m := newMix(3)
	for range 1000 {
		want := m.next()
		got, ok := parseBrief(want.body())
		require.True(t, ok)
		require.Equal(t, want.id, got.id)
		require.Equal(t, want.fault, got.fault)
		require.Equal(t, want.position, got.position)
		require.Equal(t, want.stream, got.stream)
	}
	for _, text := range []string{"", "soak/", "soak/1/2/only", "soak/x/2/only/true/", "soak/1/9999/only/true/", "soak/1/-1/only/true/"} {
		_, ok := parseBrief(text)
		require.False(t, ok, text)
	}
}
