package failover

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// TestAProviderThatWasDownIsUsedAgainSoonAfterItIsWell: while it is down everybody is served by the fallback, and few calls find
// out whether it is well.
func TestAProviderThatWasDownIsUsedAgainSoonAfterItIsWell(t *testing.T) {
	harness.Long(t)
	sdktest.EveryWay(t, func(t *testing.T, s sdktest.Sdk, d sdktest.Dialect) {
		t.Parallel()
		var down atomic.Bool
		down.Store(true)
		fail := meetsWith(d, 0, isOverloaded)
		p := newPair(t, d, newFlaky(t, d, func(n int, w http.ResponseWriter, r *http.Request) bool {
			return down.Load() && fail(n, w, r)
		}, sdktest.Turn{Text: sixtyWords()}), "")
		for range 20 {
			p.requireRescued(t, s.Ask)
		}
		assert.LessOrEqual(t, len(p.primary.asked()), 8, "five calls find out that it is down; on a slow machine a trial or two come later")
		down.Store(false)
		well, before := time.Now(), len(p.fallback.asked())
		require.Eventually(t, func() bool {
			text, err := s.Ask(sdktest.Question{Relay: p.Relay})
			return assert.NoError(t, err) && assert.Equal(t, theWholeAnswer(), text) && p.answeredByPrimary() > 0
		}, harness.Patience, 100*time.Millisecond, "the primary answers again")
		t.Logf("used again after %v; the fallback served %d calls meanwhile", time.Since(well).Round(10*time.Millisecond), len(p.fallback.asked())-before)
		calls := len(p.fallback.asked())
		for range 10 {
			p.requireRescued(t, s.Ask)
		}
		assert.Len(t, p.fallback.asked(), calls, "and goes on answering")
	})
}

// answeredByPrimary is how many calls the primary has answered.
func (p *pair) answeredByPrimary() int64 {
	return p.Server.Pool().Set().Get("primary").Snapshot(time.Now()).Attempts["completed"]
}
