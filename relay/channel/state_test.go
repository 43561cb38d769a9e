package channel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/breaker"
)

var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func TestTheOldestCallIsKnownWhateverOrderTheyEndIn(t *testing.T) {
	var l calls
	a, b, c := &OpenCall{Began: breaker.Moment(midnight)}, &OpenCall{Began: breaker.Moment(midnight.Add(time.Second))}, &OpenCall{Began: breaker.Moment(midnight.Add(2 * time.Second))}
	for _, entry := range []*OpenCall{a, b, c} {
		l.add(entry)
	}
	now := midnight.Add(10 * time.Second)
	require.Equal(t, 10*time.Second, l.oldest(now))
	l.remove(b)
	require.Equal(t, 10*time.Second, l.oldest(now))
	l.remove(a)
	require.Equal(t, 8*time.Second, l.oldest(now))
	l.remove(c)
	require.Zero(t, l.oldest(now))
	require.Nil(t, l.first)
	require.Nil(t, l.last)
}

func TestWhatRestsIsNeverSaidToBeBackNow(t *testing.T) {
	for left, want := range map[time.Duration]float64{
		0: 0, 1: 0.1, time.Millisecond: 0.1, 100 * time.Millisecond: 0.1, 100*time.Millisecond + 1: 0.2,
		4999999999: 5, 5 * time.Second: 5, 37*time.Second + 123456789: 37.2, 5 * time.Minute: 300,
	} {
		require.InDelta(t, want, tenths(left), 1e-9, left)
	}
}
