package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestARelayThatGivesBackWhatItHeldIsWaitedFor(t *testing.T) {
	start, held := sample{goroutines: 10, files: 12}, 20.0
	end, err := quiet(t.Context(), time.Minute, start, func(context.Context) (sample, error) {
		held -= 5
		return sample{goroutines: held, files: 12, inFlight: max(0, held-10)}, nil
	})
	require.NoError(t, err)
	require.EqualValues(t, 10, end.goroutines)
	for _, c := range after(start, end) {
		require.True(t, c.ok, c.what)
	}
}

func TestWhatIsStillHeldWhenTheWaitIsOverIsALeak(t *testing.T) {
	start := sample{goroutines: 10, files: 12}
	for name, held := range map[string]sample{
		"goroutines": {goroutines: 13, files: 12}, "descriptors": {goroutines: 10, files: 15},
		"a call": {goroutines: 10, files: 12, inFlight: 1}, "a body": {goroutines: 10, files: 12, openBodies: 1},
	} {
		t.Run(name, func(t *testing.T) {
			end, err := quiet(t.Context(), time.Millisecond, start, func(context.Context) (sample, error) { return held, nil })
			require.NoError(t, err)
			require.Equal(t, held, end)
			failed := 0
			for _, c := range after(start, end) {
				if !c.ok {
					failed++
				}
			}
			require.Equal(t, 1, failed)
		})
	}
}

func TestARelayThatDoesNotAnswerAfterTheLoadIsNotQuiet(t *testing.T) {
	_, err := quiet(t.Context(), time.Millisecond, sample{}, func(context.Context) (sample, error) { return sample{}, errors.New("gone") })
	require.ErrorContains(t, err, "gone")
}
