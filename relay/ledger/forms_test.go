package ledger

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/store"
	"one-api/relay/wire"
)

func TestEachFormBindsWhatItsStatementAsksFor(t *testing.T) {
	r := usualRow(1)
	require.Equal(t, usual, r.form())
	for as := range forms {
		require.Len(t, r.values(as, nil), strings.Count(placeholders[as], "?"))
		require.Equal(t, strings.Count(columns, ","), strings.Count(placeholders[as], ","))
	}
}

// TestARowIsReadAsItWasWrittenInWhateverForm changes one thing after the other of a row that is as most are.
func TestARowIsReadAsItWasWrittenInWhateverForm(t *testing.T) {
	said := int64(7)
	changes := map[string]func(r *Row){
		"nothing": func(*Row) {},
		"numbers": func(r *Row) {
			r.Uncached, r.CacheRead, r.TextOut, r.Reasoning, r.MS, r.FirstMS, r.Cost, r.Charge = 1, 2, 3, 4, 5, 6, 7, 8
		},
		"attempt":       func(r *Row) { r.Attempt = 2 },
		"not the last":  func(r *Row) { r.Last = false },
		"mapped":        func(r *Row) { r.Asked = "other" },
		"outcome":       func(r *Row) { r.Outcome = "upstream_truncated" },
		"status":        func(r *Row) { r.Status = 201 },
		"5m":            func(r *Row) { r.CacheWrite5m = 1 },
		"1h":            func(r *Row) { r.CacheWrite1h = 1 },
		"audio in":      func(r *Row) { r.AudioIn = 1 },
		"image in":      func(r *Row) { r.ImageIn = 1 },
		"audio out":     func(r *Row) { r.AudioOut = 1 },
		"image out":     func(r *Row) { r.ImageOut = 1 },
		"source":        func(r *Row) { r.Source = "estimated" },
		"unpriced":      func(r *Row) { r.Unpriced = true },
		"total outcome": func(r *Row) { r.TotalOutcome = "client_gone" },
		"total status":  func(r *Row) { r.TotalStatus = 499 },
		"more":          func(r *Row) { r.More = More{ClientRequestID: "mine", Said: &said} },
	}
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		want := map[string]Row{}
		var all []Row
		for name, change := range changes {
			r := usualRow(len(all))
			change(&r)
			require.Equal(t, name == "nothing" || name == "numbers" || name == "mapped", r.form() == usual, name)
			all, want[r.ID] = append(all, r), r
		}
		w := writer{store: s.store}
		require.NoError(t, w.write(context.Background(), all))
		require.NoError(t, w.write(context.Background(), all), "again, one by one")
		require.EqualValues(t, len(all), s.number("SELECT count(*) FROM relay_attempts"))
		for id, r := range want {
			got, err := s.Request(context.Background(), id)
			require.NoError(t, err)
			require.Equal(t, []Row{r}, got)
		}
		s.balanced()
	})
}

// TestMostRowsAreAsMostRowsAre keeps what a request leaves in the form that costs less.
func TestMostRowsAreAsMostRowsAre(t *testing.T) {
	var r Row
	e := end("ann")
	e.Attempts[0].Usage, e.Attempts[0].Cost.Counted = wire.Usage{Uncached: 9, Text: 2}, record.CountedByProvider
	e.Outcome = outcome.Completed
	r.fill(e, 0, time.Now())
	r.settle(time.UTC)
	require.Equal(t, usual, r.form())
}
