package blame

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAStepOfTheWallClockNeitherEndsARestNorMakesAnHourOfIt is F21: a time server, or somebody, sets the clock while a key or a
// channel rests.
func TestAStepOfTheWallClockNeitherEndsARestNorMakesAnHourOfIt(t *testing.T) {
	for _, answer := range []string{raw(429, `{}`, "Retry-After: 1"), raw(503, `{}`, "Retry-After: 1")} {
		for _, step := range []time.Duration{-time.Hour, time.Hour} {
			t.Run(fmt.Sprint(answer[9:12], " ", step), func(t *testing.T) {
				t.Parallel()
				var by atomic.Int64
				now := func() time.Time { return harness.Stepped(time.Now(), time.Duration(by.Load())) }
				var well atomic.Bool
				p := playsBy(t, func(*http.Request, string) string {
					if well.Load() {
						return rawGood()
					}
					return answer
				})
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: primary, type: openai, base_url: %q, keys: [sk-up-aaaa1111bbbb], models: [m], priority: 1}\n"+
					"  - {name: behind, type: openai, base_url: %q, keys: [sk-up-behind-1], models: [m]}\n", p.URL, plays(t, rawGood()).URL),
					func(c *harness.RelayConfig) { c.Now = now })
				b := &blamed{Relay: r, primary: p}
				rested := time.Now() // it rests from some moment behind this one
				b.says(harness.Key, plainCall)
				well.Store(true)
				by.Store(int64(step))
				b.Eventually("the primary is asked again", func() bool {
					status, text, _ := b.says(harness.Key, plainCall)
					require.Equal(t, http.StatusOK, status, text)
					return p.posts.Load() > 1
				})
				require.GreaterOrEqual(t, time.Since(rested), time.Second-50*time.Millisecond, "not before its time")
				require.Less(t, time.Since(rested), harness.Patience/2)
			})
		}
	}
}
