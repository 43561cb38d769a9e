package harness

import (
	"runtime/pprof"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Patience is how long the tests wait for what is bound to happen, on a machine that is busy with something else.
const Patience = time.Minute

// Eventually waits for what is bound to happen. Where it does not, all that is known of the relay is told: what happens once in
// thousands of runs is not to be guessed at.
func (r *Relay) Eventually(what string, condition func() bool) {
	r.T.Helper()
	if assert.Eventually(r.T, condition, Patience, time.Millisecond, what) {
		return
	}
	var stacks strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
	require.FailNow(r.T, what, "%d in flight, %d being served, %d open bodies, %d clients\nattempts: %+v\nends: %+v\n%s\n%s",
		r.Server.Pool().InFlight(), r.Server.Active(), r.Server.Pool().OpenBodies(), r.Clients(),
		r.Recorded(), r.RequestEnds(), r.Log, stacks.String())
}

// requireThose waits until no other goroutines are there than those of before. goleak by itself waits for less than half a second.
func (r *Relay) requireThose() {
	r.T.Helper()
	var found error
	for began := time.Now(); time.Since(began) < Patience; {
		if found = goleak.Find(r.then); found == nil {
			return
		}
	}
	require.NoError(r.T, found, "the goroutines are those of before")
}
