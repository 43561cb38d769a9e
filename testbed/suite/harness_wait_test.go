package suite

import (
	"runtime/pprof"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// patience is how long the tests wait for what is bound to happen, on a machine that is busy with something else.
const patience = time.Minute

// eventually waits for what is bound to happen. Where it does not, all that is known of the relay is told: what happens once in
// thousands of runs is not to be guessed at.
func (r *testRelay) eventually(what string, condition func() bool) {
	r.t.Helper()
	if assert.Eventually(r.t, condition, patience, time.Millisecond, what) {
		return
	}
	var stacks strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
	require.FailNow(r.t, what, "%d in flight, %d being served, %d open bodies, %d clients\nattempts: %+v\nends: %+v\n%s\n%s",
		r.server.Pool().InFlight(), r.server.Active(), r.server.Pool().OpenBodies(), r.clients(),
		r.recorded(), r.requestEnds(), r.log, stacks.String())
}

// requireThose waits until no other goroutines are there than those of before. goleak by itself waits for less than half a second.
func (r *testRelay) requireThose() {
	r.t.Helper()
	var found error
	for began := time.Now(); time.Since(began) < patience; {
		if found = goleak.Find(r.then); found == nil {
			return
		}
	}
	require.NoError(r.t, found, "the goroutines are those of before")
}
