package limits

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/record"
	"one-api/testbed/harness"
)

// TestWhatACallTakesIsSettledBeforeTheLedgerIsTold: what the ledger knows a budget has counted, so that one that is read from the ledger
// while calls end is never more than was spent.
func TestWhatACallTakesIsSettledBeforeTheLedgerIsTold(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, costly))
	var r *harness.Relay
	var settled atomic.Int64
	told := func(*record.End) {
		for _, b := range r.Server.Gauges().Budgets {
			if b.Used > 0 {
				settled.Add(1)
			}
		}
	}
	r = harness.StartRelay(t, harness.OpenAIChannel("a", u, "")+"tokens:\n  - {name: t, key: "+harness.Key+", budget: {usd: 5, per: month}}\n"+prices,
		harness.WithRecorders(nil, told))
	status, _, _ := r.Ask("/v1/chat/completions", ask)
	require.Equal(t, 200, status)
	r.Eventually("the end is told", func() bool { return len(r.RequestEnds()) == 1 && r.Server.Active() == 0 })
	require.EqualValues(t, 1, settled.Load())
}
