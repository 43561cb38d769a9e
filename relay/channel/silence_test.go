package channel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASilenceIsSaidInWords(t *testing.T) {
	at := time.Date(2026, 12, 1, 3, 12, 5, 0, time.UTC)
	left := Left{InARow: 6, Shortest: 6 * time.Second, Longest: 61 * time.Second, Since: at}
	for want, s := range map[string]*Silence{
		"": nil,
		"a call hangs: nothing has come for 1m2s (since 03:12:05 UTC), not even a header":                                             {Hanging: 1, Silent: 62 * time.Second, Since: at},
		"2 calls hang: nothing has come for 20s (since 03:12:05 UTC), where 95 of 100 take less than 1.2s, but a header":              {Hanging: 2, Headers: 2, Silent: 20 * time.Second, Since: at, Usual: 1234 * time.Millisecond},
		"3 calls hang: nothing has come for 20s (since 03:12:05 UTC), where 95 of 100 take less than 1ms, but a header of 1":          {Hanging: 3, Headers: 1, Silent: 20 * time.Second, Since: at, Usual: time.Microsecond},
		"the last 6 calls were left by their clients, after 6s to 1m1s in which nothing came (since 03:12:05 UTC), not even a header": {Left: left},
		"the last 3 calls were left by their clients, after 5s in which nothing came (since 03:12:05 UTC), but a header":              {Left: Left{InARow: 3, Headers: 3, Shortest: 5 * time.Second, Longest: 5 * time.Second, Since: at}},
	} {
		require.Equal(t, want, s.String())
		require.Equal(t, want != "", s.Tells())
	}
	two := &Silence{Left: Left{InARow: 2, Shortest: time.Minute, Longest: time.Minute, Since: at}}
	require.Empty(t, two.String(), "a client without patience is no news")
	require.False(t, two.Tells())
	require.Zero(t, two.Figures())
	for of, tells := range map[[2]int64]bool{{1, 1}: true, {1, 2}: false, {2, 3}: false, {3, 12}: true, {3, 13}: false, {100, 3000}: false, {900, 3000}: true} {
		s := &Silence{Hanging: of[0], Open: of[1], Silent: time.Minute, Since: at}
		require.Equal(t, tells, s.Tells(), of)
		require.Equal(t, tells, s.String() != "", of)
		require.Equal(t, of[0], s.Figures().Hanging, "it is shown all the same")
	}
	require.Equal(t, Silent{Left: 6, LeftShortest: 6, LeftLongest: 61}, (&Silence{Left: left}).Figures())
}
