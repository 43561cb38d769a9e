package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/store"
	"one-api/relay/store/storetest"
	"one-api/relay/wire"
)

func TestMain(m *testing.M) {
	if beKilled() {
		return
	}
	goleak.VerifyTestMain(m)
}

// each runs a test on each kind of database that there is here.
func each(t *testing.T, test func(t *testing.T, target store.Target)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, store.Target{Kind: store.PostgreSQL, DSN: storetest.PostgreSQL(t)})
	})
}

// scene is a ledger and its store.
type scene struct {
	*Ledger
	store *store.Store
	t     *testing.T
	once  sync.Once
}

func newScene(t *testing.T, target store.Target, change ...func(*Options)) *scene {
	s, err := store.Open(context.Background(), target)
	require.NoError(t, err)
	options := Options{Store: s, Log: slog.New(slog.DiscardHandler), Zone: time.UTC, KeepRows: 30, KeepSums: 400}
	if target.Kind == store.PostgreSQL {
		options.SpillDir = t.TempDir()
	}
	for _, c := range change {
		c(&options)
	}
	sc := &scene{Ledger: New(options), store: s, t: t}
	t.Cleanup(sc.close)
	return sc
}

// close is the end of the relay.
func (s *scene) close() {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
		s.store.Close()
	})
}

func (s *scene) flush() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(s.t, s.Flush(ctx))
}

// number is the one number that a query finds.
func (s *scene) number(query string, args ...any) (n int64) {
	s.t.Helper()
	db, err := s.store.Reader()
	require.NoError(s.t, err)
	// A server that has stopped meanwhile leaves connections in the pool of which that is found out by asking.
	for tries := 0; ; tries++ {
		err = db.QueryRow(s.store.Bind(query), args...).Scan(&n)
		if !errors.Is(err, io.ErrUnexpectedEOF) || tries == 10 {
			break
		}
	}
	require.NoError(s.t, err)
	return n
}

// balanced compares the books.
func (s *scene) balanced() {
	s.t.Helper()
	require.NoError(s.t, s.audit(context.Background(), time.Now()))
	require.Zero(s.t, s.State().Rows)
	require.Zero(s.t, s.State().Spent)
}

// exact checks that these many requests of one attempt, and nothing else, are in the rows and the sums.
func (s *scene) exact(n int) {
	s.t.Helper()
	require.EqualValues(s.t, n, s.number("SELECT count(*) FROM relay_attempts"))
	require.EqualValues(s.t, n, s.number("SELECT coalesce(sum(requests), 0) FROM relay_daily"))
	require.EqualValues(s.t, n*110, s.number("SELECT coalesce(sum(input), 0) FROM relay_daily"))
	require.EqualValues(s.t, n*7000, s.number("SELECT coalesce(sum(cost), 0) FROM relay_daily"))
	require.EqualValues(s.t, n*7000, s.number("SELECT coalesce(sum(spent), 0) FROM relay_budgets"))
	s.balanced()
}

var made int64
var making sync.Mutex

// newID is as the gate makes them.
func newID() string {
	making.Lock()
	defer making.Unlock()
	made++
	return fmt.Sprintf("%s%020x", IDAt(time.Now()), made)
}

var channels = map[string]*channel.Channel{
	"a": {Channel: config.Channel{Name: "a"}, Provider: "openai"}, "b": {Channel: config.Channel{Name: "b"}, Provider: "anthropic"},
}

// attempt is one that was completed.
func attempt(at string) record.Attempt {
	return record.Attempt{
		Result: channel.Result{Channel: channels[at], Sent: true}, Endpoint: wire.ChatCompletions, Model: "gpt", Asked: "gpt-4o", Answered: "gpt-4o-2024",
		Status: 200, Duration: 20 * time.Millisecond, FirstEvent: 5 * time.Millisecond,
		Usage: wire.Usage{Uncached: 100, CacheRead: 10, Text: 20, Reasoning: 5},
		Cost:  record.Cost{Cost: 7000, Charge: 7000, Priced: true, Counted: record.CountedByProvider, Rule: "openai/gpt-4o", Date: "2026-09-23"},
	}
}

// end is a request that was completed at the first attempt.
func end(token string) *record.End {
	return &record.End{
		RequestID: newID(), Endpoint: wire.ChatCompletions, Outcome: outcome.Completed, Known: true, Token: token, Model: "gpt", Status: 200,
		Began: time.Now(), Duration: 21 * time.Millisecond, Attempts: []record.Attempt{attempt("a")},
	}
}

func (s *scene) add(n int) {
	for range n {
		s.End(context.Background(), end("ann"))
	}
}

func TestEveryRequestIsInTheRowsAndInTheSumsOnce(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { s.add(500) })
		}
		all.Wait()
		s.flush()
		s.exact(5000)
		state := s.State()
		require.Zero(t, state.Queue)
		require.Zero(t, state.Lost)
		require.NoError(t, state.Away)
		require.Equal(t, state.Spilled, state.Replayed)
	})
}

func TestWhatIsLeftWhenTheRelayStopsIsWritten(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		s.add(700)
		s.close()
		s = newScene(t, target)
		s.exact(700)
	})
}

func TestRowsThatAreThereAlreadyChangeNothing(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		var rows []Row
		for i := range 100 {
			var r Row
			r.fill(end("ann"), 0, time.Now())
			r.settle(time.UTC)
			rows = append(rows, r)
			_ = i
		}
		w := writer{store: s.store}
		require.NoError(t, w.write(context.Background(), rows[:40]))
		require.NoError(t, w.write(context.Background(), rows))
		require.NoError(t, w.write(context.Background(), rows))
		require.NoError(t, w.write(context.Background(), append(rows[:1:1], rows...)), "twice in one batch")
		s.exact(100)
	})
}

func TestEachAttemptHasItsRowAndTheRequestIsCountedAtTheLast(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		e := end("ann")
		said := int64(9)
		cut := attempt("b")
		cut.Outcome, cut.Failure = outcome.UpstreamTruncated, &outcome.Failure{Outcome: outcome.UpstreamTruncated}
		cut.Usage, cut.Cost = wire.Usage{Uncached: 40, Text: 3}, record.Cost{Cost: 500, Charge: 1000, Priced: true, Counted: record.CountedByEstimate, IsSaid: true, Said: said}
		e.Attempts = append([]record.Attempt{cut}, e.Attempts...)
		e.ClientRequestID = "mine%1"
		s.End(context.Background(), e)
		e.Attempts[0].Cost.Cost = 77 // its memory is used again
		refused := end("ann")
		refused.Attempts, refused.Outcome, refused.Reason, refused.Status = nil, outcome.Rejected, outcome.OverLimit, 429
		s.End(context.Background(), refused)
		nobody := end("")
		nobody.Attempts, nobody.Outcome, nobody.Reason, nobody.Status = nil, outcome.Rejected, outcome.BadAuth, 401
		s.End(context.Background(), nobody)

		rows, err := s.Request(context.Background(), e.RequestID)
		require.NoError(t, err)
		require.Len(t, rows, 2)
		first, last := rows[0], rows[1]
		require.Equal(t, []any{1, false, "b", "anthropic", "upstream_truncated", "estimated", int64(500), int64(1000), int64(40), int64(3)},
			[]any{first.Attempt, first.Last, first.Channel, first.Provider, first.Outcome, first.Source, first.Cost, first.Charge, first.Uncached, first.TextOut})
		require.Equal(t, &said, first.More.Said)
		require.Equal(t, []any{2, true, "a", "completed", int64(7500), "gpt", "gpt-4o", "gpt-4o-2024", "mine%1", int64(21), int64(5), "openai/gpt-4o"},
			[]any{last.Attempt, last.Last, last.Channel, last.TotalOutcome, last.TotalCost, last.Model, last.Asked, last.Answered, last.More.ClientRequestID, last.TotalMS, last.FirstMS, last.Rule})

		used, err := s.Usage(context.Background(), UsageQuery{By: []Dimension{ByChannel}, From: s.Today(), To: s.Today()})
		require.NoError(t, err)
		require.Equal(t, []Usage{
			{Channel: "a", Requests: 1, Attempts: 1, Input: 110, Cached: 10, Output: 20, Reasoning: 5, Cost: 7000, Charge: 7000},
			{Channel: "b", Attempts: 1, Input: 40, Output: 3, Cost: 500, Charge: 1000, Estimated: 1},
		}, used)
		s.balanced()

		all, err := s.Requests(context.Background(), RequestQuery{Limit: 10})
		require.NoError(t, err)
		require.Len(t, all, 2, "nobody's is in no log")
		require.Equal(t, "rejected", all[0].TotalOutcome)
		require.Equal(t, "limit", all[0].More.Reason)
		for _, q := range []RequestQuery{
			{Channel: "b"}, {Channel: "a", Token: "ann"}, {Outcome: "completed"}, {ClientRequestID: "mine%1"}, {MinCost: 7500}, {Model: "gpt", Before: refused.RequestID},
			{From: IDAt(e.Began.Add(-time.Minute)), Outcome: "completed"},
		} {
			q.Limit = 10
			found, err := s.Requests(context.Background(), q)
			require.NoError(t, err)
			require.Len(t, found, 1, "%+v", q)
			require.Equal(t, e.RequestID, found[0].ID)
			require.True(t, found[0].Last)
		}
		for _, q := range []RequestQuery{{Channel: "c"}, {Token: "bob"}, {Outcome: "panic"}, {ClientRequestID: "mine_1"}, {MinCost: 7501}, {Before: e.RequestID}, {To: IDAt(e.Began.Add(-time.Minute))}} {
			q.Limit = 10
			found, err := s.Requests(context.Background(), q)
			require.NoError(t, err)
			require.Empty(t, found, "%+v", q)
		}
	})
}

func TestAStrangersTextIsKeptAsEveryDatabaseTakesIt(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		e := end("ann")
		e.Model = "a\x00b\xffc\u202e" + string(make([]byte, 1000)) + "'; DROP TABLE relay_attempts; --"
		s.End(context.Background(), e)
		s.flush()
		s.exact(1)
		rows, err := s.Requests(context.Background(), RequestQuery{Limit: 1})
		require.NoError(t, err)
		require.NotContains(t, rows[0].Model, "\x00")
		require.LessOrEqual(t, len(rows[0].Model), longestName+len("…"))
	})
}

func TestPagesHoldEveryRequestOnceTheLatestFirst(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		s.add(25)
		var ids []string
		for before := ""; ; {
			page, err := s.Requests(context.Background(), RequestQuery{Token: "ann", Before: before, Limit: 10})
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				ids = append(ids, r.ID)
			}
			before = page[len(page)-1].ID
		}
		require.Len(t, ids, 25)
		require.IsDecreasing(t, ids)
	})
}

func TestRefusalsAreKeptWhileThereAreFew(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		for range 1000 {
			e := end("ann")
			e.Attempts, e.Outcome, e.Reason = nil, outcome.Rejected, outcome.OverLimit
			s.End(context.Background(), e)
		}
		s.flush()
		n := s.number("SELECT count(*) FROM relay_attempts")
		require.GreaterOrEqual(t, n, int64(rejectedPerSecond))
		require.Less(t, n, int64(1000))
		require.Zero(t, s.number("SELECT count(*) FROM relay_daily"), "they have cost nothing")
	})
}

func TestWhatIsOldIsDeletedAFewAtATimeAndWhatWasSpentStays(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		s.rest() // or its own upkeep takes a part, should this take as long as that waits
		s.add(10)
		s.flush()
		var rows []Row
		for i := range 1200 {
			e := end("ann")
			at := time.Now().Add(-time.Duration(31+i%2*400) * 24 * time.Hour)
			e.RequestID = IDAt(at) + fmt.Sprintf("%020x", i)
			var r Row
			r.fill(e, 0, at)
			r.settle(time.UTC)
			rows = append(rows, r)
		}
		w := writer{store: s.store}
		require.NoError(t, w.write(context.Background(), rows))
		require.EqualValues(t, 1210, s.number("SELECT count(*) FROM relay_attempts"))
		parts := 0
		for more := true; more; parts++ {
			var err error
			more, err = s.forget(context.Background(), time.Now())
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, parts, 4)
		require.EqualValues(t, 10, s.number("SELECT count(*) FROM relay_attempts"))
		require.EqualValues(t, 610, s.number("SELECT sum(requests) FROM relay_daily"), "those of the last 400 days")
		require.EqualValues(t, 1210*7000, s.number("SELECT spent FROM relay_budgets WHERE scope = 'token:ann'"))
		s.balanced()
		spent, err := s.Spent(context.Background())
		require.NoError(t, err)
		all := int64(0)
		for _, one := range spent {
			require.Equal(t, "ann", one.Token)
			all += one.Charge
		}
		require.EqualValues(t, 1210*7000, all)
		require.Len(t, spent, 3)
	})
}

func TestADifferenceOfTheBooksIsSeen(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		s.add(10)
		s.flush()
		s.balanced()
		require.NoError(t, s.store.Write(context.Background(), func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE relay_daily SET charge = charge + 3")
			return err
		}))
		require.NoError(t, s.audit(context.Background(), time.Now()))
		require.EqualValues(t, 3, s.State().Rows)
		require.EqualValues(t, 3, s.State().Spent)
	})
}

func TestATokenThatHasSpentNothingAndHasSumsIsADifference(t *testing.T) {
	each(t, func(t *testing.T, target store.Target) {
		s := newScene(t, target)
		s.add(10)
		s.flush()
		s.balanced()
		var charge int64
		require.NoError(t, s.store.Write(context.Background(), func(tx *sql.Tx) error {
			if err := tx.QueryRow("SELECT sum(charge) FROM relay_daily").Scan(&charge); err != nil {
				return err
			}
			_, err := tx.Exec("DELETE FROM relay_budgets")
			return err
		}))
		require.Positive(t, charge)
		require.NoError(t, s.audit(context.Background(), time.Now()))
		require.Equal(t, charge, s.State().Spent)
	})
}

func TestADayIsThatOfTheRelaysTimeZone(t *testing.T) {
	zone := time.FixedZone("far", 14*3600)
	r := Row{At: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC).UnixMicro()}
	r.settle(zone)
	require.Equal(t, 20261201, r.Day)
	r.settle(time.UTC)
	require.Equal(t, 20261130, r.Day)
}

func TestToTakeDownAnEndAllocatesNothing(t *testing.T) {
	s := newScene(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "x.db")})
	e := end("ann")
	s.End(context.Background(), e)
	s.flush()
	l := &Ledger{options: s.options, news: make(chan struct{}, 1), pending: make([]Row, 0, 5000)}
	require.Zero(t, testing.AllocsPerRun(1000, func() { l.End(context.Background(), e) }))
}

func BenchmarkEnd(b *testing.B) {
	l := &Ledger{news: make(chan struct{}, 1), pending: make([]Row, 0, 1024)}
	e := end("ann")
	b.ReportAllocs()
	for b.Loop() {
		if len(l.pending) == cap(l.pending) {
			l.pending = l.pending[:0]
		}
		l.End(context.Background(), e)
	}
}
