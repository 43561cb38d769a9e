package ledger

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
)

// TestOldRowsAreDeletedInSmallPartsWhileThePageIsQuick takes ONE_API_TEST_ROWS, as in 1000000: of as many rows two thirds are older than they
// are kept. They are deleted by the ledger itself, while calls end and the page asks.
func TestOldRowsAreDeletedInSmallPartsWhileThePageIsQuick(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("ONE_API_TEST_ROWS"))
	if n == 0 {
		t.Skip("ONE_API_TEST_ROWS does not say how many (1000000)")
	}
	each(t, func(t *testing.T, target store.Target) {
		keeps := func(days int) func(*Options) { return func(o *Options) { o.KeepRows = days } }
		s := newScene(t, target, keeps(0))
		began := s.fill(n, 90)
		s.close()
		s = newScene(t, target, keeps(30))
		old := IDAt(s.midnight(time.Now(), 30))
		left := s.number("SELECT count(*) FROM relay_attempts WHERE id < ?", old)
		require.Greater(t, left, int64(n/2))
		sums := s.number("SELECT sum(cost) FROM relay_daily")
		rows := s.number("SELECT count(*) FROM relay_attempts")
		page := []func() (int, error){
			s.asks(RequestQuery{}),
			s.asks(RequestQuery{Before: IDAt(began.Add(-14 * 24 * time.Hour))}),
			s.asks(RequestQuery{Token: "phone-app-3"}),
			s.asks(RequestQuery{Outcome: "upstream_status"}),
			func() (int, error) {
				found, err := s.Usage(context.Background(), UsageQuery{By: []Dimension{ByDay, ByModel}, From: 20200101, To: s.Today()})
				return len(found), err
			},
		}
		s.requireFoundByAnIndex()
		var asked, written []time.Duration
		began = time.Now()
		ended := 0
		for deadline := began.Add(15 * time.Minute); ; {
			for _, ask := range page {
				at := time.Now()
				found, err := ask()
				require.NoError(t, err)
				require.Positive(t, found)
				asked = append(asked, time.Since(at))
			}
			at := time.Now()
			s.add(1)
			ended++
			s.flush()
			written = append(written, time.Since(at))
			if len(asked)%200 == 0 && s.number("SELECT count(*) FROM (SELECT 1 FROM relay_attempts WHERE id < ? LIMIT 1) r", old) == 0 {
				break
			}
			require.True(t, time.Now().Before(deadline), "it takes for ever")
		}
		took := time.Since(began)
		require.Equal(t, rows-left+int64(ended), s.number("SELECT count(*) FROM relay_attempts"), "and no other is deleted")
		require.Equal(t, sums+int64(ended)*7000, s.number("SELECT sum(cost) FROM relay_daily"), "sums stay")
		s.balanced()
		slices.Sort(asked)
		slices.Sort(written)
		of := func(all []time.Duration, part float64) time.Duration {
			return all[int(part*float64(len(all)-1))].Round(10 * time.Microsecond)
		}
		t.Logf("%d rows deleted in %v, %d at a time; meanwhile %d questions of the page: half in %v, 99 of 100 in %v, the slowest %v; a call that ends is in the "+
			"database within %v (half), %v (99 of 100), %v (the slowest)", left, took.Round(time.Second), atOnce, len(asked), of(asked, 0.5), of(asked, 0.99),
			of(asked, 1), of(written, 0.5), of(written, 0.99), of(written, 1))
		require.Less(t, of(asked, 0.5), 100*time.Millisecond)
	})
}

// requireFoundByAnIndex checks that the rows of a part are not looked for by reading all rows, which PostgreSQL does if there are few.
func (s *scene) requireFoundByAnIndex() {
	s.t.Helper()
	s.analyze()
	db, err := s.store.Writer()
	require.NoError(s.t, err)
	explain := "EXPLAIN QUERY PLAN "
	if s.store.Target().Kind == store.PostgreSQL {
		explain = "EXPLAIN "
	}
	rows, err := db.Query(s.store.Bind(explain+forgetRows), IDAt(s.midnight(time.Now(), 30)), atOnce)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(s.t, err)
	plan := ""
	for rows.Next() {
		line, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range line {
			into[i] = &line[i]
		}
		require.NoError(s.t, rows.Scan(into...))
		plan += strings.Join(line, " ") + "\n"
	}
	require.NoError(s.t, rows.Err())
	require.NotEmpty(s.t, plan)
	require.NotContains(s.t, plan, "Seq Scan")
	require.NotContains(s.t, plan, "SCAN relay_attempts")
}

// analyze has the database count what there is, as PostgreSQL does by itself from time to time.
func (s *scene) analyze() {
	s.t.Helper()
	db, err := s.store.Writer()
	require.NoError(s.t, err)
	if s.store.Target().Kind == store.PostgreSQL {
		_, err = db.Exec("ANALYZE")
	}
	require.NoError(s.t, err)
}
