package suite

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// stepped is what time.Now would have said if somebody had set the wall clock by then: the wall time in it differs by d, its
// monotonic reading does not. The layout is that of package time: a flag, 33 bits of seconds, 30 of nanoseconds.
func stepped(t time.Time, d time.Duration) time.Time {
	const hasMonotonic, secondsShift = 1 << 63, 30
	wall := (*uint64)(unsafe.Pointer(&t))
	if *wall&hasMonotonic == 0 {
		panic("a time without a monotonic reading")
	}
	*wall = uint64(int64(*wall) + int64(d/time.Second)<<secondsShift)
	return t
}

// TestAStepOfTheWallClockNeitherEndsARestNorMakesAnHourOfIt is F21: a time server, or somebody, sets the clock while a key or a
// channel rests.
func TestAStepOfTheWallClockNeitherEndsARestNorMakesAnHourOfIt(t *testing.T) {
	for _, answer := range []string{raw(429, `{}`, "Retry-After: 1"), raw(503, `{}`, "Retry-After: 1")} {
		for _, step := range []time.Duration{-time.Hour, time.Hour} {
			t.Run(fmt.Sprint(answer[9:12], " ", step), func(t *testing.T) {
				t.Parallel()
				var by atomic.Int64
				now := func() time.Time { return stepped(time.Now(), time.Duration(by.Load())) }
				var well atomic.Bool
				p := playsBy(t, func(*http.Request, string) string {
					if well.Load() {
						return rawGood()
					}
					return answer
				})
				r := startRelay(t, fmt.Sprintf("channels:\n  - {name: primary, type: openai, base_url: %q, keys: [sk-up-aaaa1111bbbb], models: [m], priority: 1}\n"+
					"  - {name: behind, type: openai, base_url: %q, keys: [sk-up-behind-1], models: [m]}\n", p.URL, plays(t, rawGood()).URL),
					func(c *relayConfig) { c.now = now })
				b := &blamed{testRelay: r, primary: p}
				rested := time.Now() // it rests from some moment behind this one
				b.says(testKey, plainCall)
				well.Store(true)
				by.Store(int64(step))
				b.eventually("the primary is asked again", func() bool {
					status, text, _ := b.says(testKey, plainCall)
					require.Equal(t, http.StatusOK, status, text)
					return p.posts.Load() > 1
				})
				require.GreaterOrEqual(t, time.Since(rested), time.Second-50*time.Millisecond, "not before its time")
				require.Less(t, time.Since(rested), patience/2)
			})
		}
	}
}
