package ledger

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/store"
)

// TestTheQueriesOfThePageAreAnsweredAtOnceHoweverManyRowsThereAre takes ONE_API_TEST_ROWS, as in 1000000: it fills a database with them.
func TestTheQueriesOfThePageAreAnsweredAtOnceHoweverManyRowsThereAre(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("ONE_API_TEST_ROWS"))
	if n == 0 {
		t.Skip("ONE_API_TEST_ROWS does not say how many (1000000)")
	}
	each(t, func(t *testing.T, target store.Target) { answersAtOnce(t, target, n) })
}

func answersAtOnce(t *testing.T, target store.Target, n int) {
	s := newScene(t, target)
	began := s.fill(n, 29)
	s.analyze()
	today := s.Today()
	half, err := s.Requests(context.Background(), RequestQuery{Before: IDAt(began.Add(-14 * 24 * time.Hour)), Limit: 1})
	require.NoError(t, err)
	middle := half[0].ID
	for name, ask := range map[string]func() (int, error){
		"usage of a month by day": func() (int, error) {
			found, err := s.Usage(context.Background(), UsageQuery{By: []Dimension{ByDay}, From: 20200101, To: today})
			return len(found), err
		},
		"usage of a month by token, model and channel": func() (int, error) {
			found, err := s.Usage(context.Background(), UsageQuery{By: []Dimension{ByToken, ByModel, ByChannel}, From: 20200101, To: today})
			return len(found), err
		},
		"the latest":             s.asks(RequestQuery{}),
		"from the middle":        s.asks(RequestQuery{Before: middle}),
		"of a token":             s.asks(RequestQuery{Token: "phone-app-3", Before: middle}),
		"of a rare token":        s.asks(RequestQuery{Token: "rare"}),
		"of a rare model":        s.asks(RequestQuery{Model: "rare"}),
		"of a channel":           s.asks(RequestQuery{Channel: "openai-main-1", Before: middle}),
		"of a rare channel":      s.asks(RequestQuery{Channel: "rare"}),
		"that failed":            s.asks(RequestQuery{Outcome: "upstream_status"}),
		"that failed rarely":     s.asks(RequestQuery{Outcome: "panic"}),
		"that were completed":    s.asks(RequestQuery{Outcome: "completed", Before: middle}),
		"a token's that failed":  s.asks(RequestQuery{Token: "phone-app-0", Outcome: "upstream_status"}),
		"a token's on a day":     s.asks(RequestQuery{Token: "phone-app-3", From: IDAt(began.Add(-72 * time.Hour)), To: IDAt(began.Add(-48 * time.Hour))}),
		"one, with its attempts": func() (int, error) { found, err := s.Request(context.Background(), middle); return len(found), err },
		"what tokens have spent": func() (int, error) { found, err := s.Spent(context.Background()); return len(found), err },
	} {
		var took []time.Duration
		found := 0
		for range 12 { // PostgreSQL makes a plan for all values when it has been asked five times
			began := time.Now()
			found, err = ask()
			require.NoError(t, err)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		t.Logf("%-45s %5d found, %v (median of 12, slowest %v)", name, found, took[6].Round(10*time.Microsecond), took[11].Round(10*time.Microsecond))
		require.Positive(t, found)
		assert.Less(t, took[6], 100*time.Millisecond, name)
	}
	began = time.Now()
	require.NoError(t, s.audit(context.Background(), time.Now()))
	t.Logf("one comparison of the books: %v", time.Since(began).Round(time.Millisecond))
	s.balanced()
}

// fill writes n rows of as many days up to now.
func (s *scene) fill(n, days int) (began time.Time) {
	s.t.Helper()
	w := writer{store: s.store}
	began = time.Now()
	all := time.Duration(days) * 24 * time.Hour
	rows := make([]Row, 0, 5000)
	for i := range n {
		at := began.Add(-all + time.Duration(i)*(all/time.Duration(n)))
		r := usualRow(i)
		r.ID, r.At = fmt.Sprintf("%s%020x", IDAt(at), i), at.UnixMicro()
		if i%50 == 0 {
			r.TotalOutcome, r.Outcome = "upstream_status", "upstream_status"
		}
		if i%99999 == 5 {
			r.Token, r.Model, r.Channel, r.TotalOutcome = "rare", "rare", "rare", "panic"
		}
		r.settle(time.UTC)
		if rows = append(rows, r); len(rows) == cap(rows) || i == n-1 {
			require.NoError(s.t, w.write(context.Background(), rows))
			rows = rows[:0]
		}
	}
	s.t.Logf("%d rows in %v", n, time.Since(began).Round(time.Second))
	return began
}

func (s *scene) asks(q RequestQuery) func() (int, error) {
	q.Limit = 50
	return func() (int, error) {
		found, err := s.Requests(context.Background(), q)
		return len(found), err
	}
}

// usualRow is one as most are.
func usualRow(i int) Row {
	r := Row{
		ID: fmt.Sprintf("%012x%020x", time.Now().UnixMilli(), uint64(i)*0x9e3779b97f4a7c15), Attempt: 1, Last: true, At: time.Now().UnixMicro() + int64(i), Token: fmt.Sprintf("phone-app-%d", i%20), Model: fmt.Sprintf("gpt-4o-%d", i%10),
		Channel: fmt.Sprintf("openai-main-%d", i%5), Provider: "openai", Endpoint: "/v1/chat/completions", Answered: "gpt-4o-2024-08-06", Outcome: "completed",
		Status: 200, MS: 812, FirstMS: 300, Uncached: 900, CacheRead: 200, TextOut: 240, Reasoning: 100, Source: "provider", Cost: 1230000, Charge: 1230000,
		Rule: "openai/gpt-4o", RuleDate: "2026-09-23", TotalOutcome: "completed", TotalStatus: 200, TotalMS: 813, TotalCost: 1230000,
	}
	r.settle(time.UTC)
	return r
}
