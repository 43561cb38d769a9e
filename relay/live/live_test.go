package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/outcome"
	"one-api/relay/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is a relay that a test sets.
type fixed struct {
	mu   sync.Mutex
	rows []Row
}

func (f *fixed) Sample(now time.Time) Sample { return Sample{At: now.Unix(), Goroutines: 7} }
func (f *fixed) Now(time.Time) Now           { return Now{Level: "normal"} }
func (f *fixed) Rows(time.Time) []Row {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Row(nil), f.rows...)
}

func (f *fixed) set(rows ...Row) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = rows
}

func read(t *testing.T, text []byte) (e event) {
	t.Helper()
	require.NoError(t, json.Unmarshal(text[len("data: "):], &e))
	return e
}

func TestAPageThatMissesEventsIsToldEverythingAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fixed{rows: []Row{{Name: "a"}, {Name: "b"}}}
		h := &Hub{Source: source, Traffic: new(Traffic)}
		ctx, stop := context.WithCancel(t.Context())
		go h.Run(ctx)
		var told []event
		gone := errors.New("gone")
		err := h.Follow(ctx, func(text []byte) error {
			told = append(told, read(t, text))
			switch len(told) {
			case 1:
				source.set(Row{Name: "a", InFlight: 1}, Row{Name: "b"})
			case 2:
				time.Sleep(5*tick + tick/2) // it reads slowly
			case 3:
				source.set(Row{Name: "a", InFlight: 1})
			case 4:
				return gone
			}
			return nil
		})
		require.ErrorIs(t, err, gone)
		require.True(t, told[0].Whole)
		require.Equal(t, []Row{{Name: "a", InFlight: 1}}, told[1].Rows, "what has changed, and nothing else")
		require.True(t, told[2].Whole)
		require.Len(t, told[2].Rows, 2)
		require.Equal(t, []string{"b"}, told[3].Gone)
		require.Zero(t, h.Pages())
		stop()
		synctest.Wait()
		require.ErrorIs(t, h.Follow(t.Context(), nil), ErrClosed)
	})
}

func TestAThousandChannelsThatAllChangeComeInTurns(t *testing.T) {
	h := &Hub{Traffic: new(Traffic)}
	seen := map[string]bool{}
	for round := range 5 {
		rows := make([]Row, 1000)
		for i := range rows {
			rows[i] = Row{Name: fmt.Sprint(i), InFlight: int64(round + 1)}
		}
		changed, gone := h.changes(rows)
		require.Len(t, changed, mostRows)
		require.Empty(t, gone)
		for _, row := range changed {
			seen[row.Name] = true
		}
	}
	require.Len(t, seen, 1000)
}

func TestOnlySoManyPagesMayBeOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hub{Source: &fixed{}, Traffic: new(Traffic)}
		ctx, stop := context.WithCancel(t.Context())
		var pages sync.WaitGroup
		for range mostPages {
			pages.Go(func() { _ = h.Follow(ctx, func([]byte) error { return nil }) })
		}
		synctest.Wait()
		require.ErrorIs(t, h.Follow(ctx, nil), ErrFull)
		stop()
		pages.Wait()
	})
}

func ended(o outcome.Outcome, first time.Duration) *record.End {
	return &record.End{Outcome: o, FirstToken: first, Attempts: []record.Attempt{{Cost: record.Cost{Cost: 5, Priced: true}}}}
}

func TestTheHistoryTellsWhatWasDoneBetweenItsSamples(t *testing.T) {
	traffic, h := new(Traffic), new(History)
	h.add(Sample{At: 1}, traffic.counts())
	for range 9 {
		traffic.End(t.Context(), ended(outcome.Completed, 200*time.Millisecond))
	}
	traffic.End(t.Context(), ended(outcome.IdleTimeout, 3*time.Second))
	traffic.End(t.Context(), ended(outcome.UpstreamReset, 0))
	h.add(Sample{At: 2}, traffic.counts())
	traffic.End(t.Context(), ended(outcome.ClientGone, 0))
	h.add(Sample{At: 3}, traffic.counts())
	all := h.Since(1)
	require.Len(t, all, 2)
	require.Equal(t, [3]int64{9, 1, 1}, [3]int64{all[0].Good, all[0].TimedOut, all[0].Failed})
	require.InEpsilon(t, 200, all[0].FirstP50, 0.06)
	require.InEpsilon(t, 3000, all[0].FirstP95, 0.06)
	require.Equal(t, int64(55), all[0].CostNano)
	require.Equal(t, [2]int64{0, 1}, [2]int64{all[1].Good, all[1].Left})
	for i := range samples + 10 {
		h.add(Sample{At: int64(10 + i)}, traffic.counts())
	}
	require.Len(t, h.Since(0), samples)
	require.Equal(t, int64(20), h.Since(0)[0].At)
}

func TestAChannelsLastAttemptsAreRememberedAndForgottenWithIt(t *testing.T) {
	traffic := new(Traffic)
	of := &channel.Channel{Channel: config.Channel{Name: "a"}}
	for i := range 2 * latest {
		a := &record.Attempt{Duration: time.Duration(i) * time.Millisecond}
		a.Channel, a.Sent = of, true
		traffic.Attempt(t.Context(), a)
	}
	for i := range failures + 3 {
		a := &record.Attempt{Model: fmt.Sprint(i)}
		a.Channel, a.Sent, a.Outcome, a.Failure = of, true, outcome.UpstreamReset, &outcome.Failure{Detail: "cut"}
		traffic.Attempt(t.Context(), a)
	}
	recent := traffic.Recent("a")
	require.Equal(t, latest, recent.Took.N)
	require.Greater(t, recent.Took.P50, float32(latest), "the oldest have gone")
	require.Len(t, recent.Failures, failures)
	require.Equal(t, fmt.Sprint(failures+2), recent.Failures[0].Model, "the newest first")
	traffic.Keep([]string{"b"})
	require.Empty(t, traffic.Recent("a").Failures)
}

func BenchmarkTrafficOfACall(b *testing.B) {
	traffic := new(Traffic)
	of := &channel.Channel{Channel: config.Channel{Name: "a"}}
	a := record.Attempt{Duration: time.Millisecond, FirstEvent: time.Millisecond}
	a.Channel, a.Sent = of, true
	e := &record.End{FirstToken: time.Millisecond, Attempts: []record.Attempt{a}}
	b.ReportAllocs()
	for b.Loop() {
		traffic.Attempt(context.Background(), &a)
		traffic.End(context.Background(), e)
	}
}
