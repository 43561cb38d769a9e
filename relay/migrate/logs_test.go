package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/ledger"
	"one-api/relay/store"
	"one-api/relay/store/storetest"
	"one-api/relay/wire"
)

const logTable = ";CREATE TABLE logs (id integer primary key, user_id bigint, created_at bigint, type bigint, username text, token_name text, model_name text, " +
	"quota bigint, prompt_tokens bigint, completion_tokens bigint, channel_id bigint)"

// withLog is an old database with a log of so many rows, one every ten minutes from 2026 on, a call each but every tenth.
func withLog(t testing.TB, rows int) string {
	path := made(t, oneAPITables+logTable,
		insert("channels", "id", "1", "type", "1", "key", text("k"), "status", "1", "name", text("main"), "models", text("gpt-4o"), "group", text("default")),
		insert("users", "id", "1", "username", text("ann"), "status", "1", "quota", "5", "group", text("default")),
		insert("tokens", "id", "1", "user_id", "1", "key", text("k"), "status", "1", "name", text("phone"), "unlimited_quota", "1"),
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO logs SELECT i * 2, 1, 1767225600 + i %% 40000 * 600, `+
			`CASE WHEN i %% 10 = 0 THEN 1 ELSE 2 END, 'ann', CASE WHEN i %% 3 = 0 THEN 'gone' ELSE 'phone' END, 'gpt-4o', 3, 10, 5, i %% 2 + 1 FROM n`, rows),
	)
	return path
}

func TestTheLogBecomesDailySumsOnceHoweverOftenItIsStopped(t *testing.T) {
	const rows = 12_000
	from, kept := withLog(t, rows), opened(t)
	p := plan(t, from, Options{Out: "c.yaml"})
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	defer s.Close()
	o := LogOptions{Since: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Zone: time.UTC}
	ctx, stop := context.WithCancel(context.Background())
	o.Rate, o.Said = 1_000_000, func(LogsDone) { stop() } // after the first part
	first, err := p.Logs(ctx, s, kept, o)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, int64(logBatch), first.Rows)
	o.Said = nil
	rest, err := p.Logs(context.Background(), s, kept, o)
	require.NoError(t, err)
	require.True(t, rest.Resumed)
	require.Equal(t, int64(rows-143-logBatch), rest.Rows, "the first day is left out")
	again, err := p.Logs(context.Background(), s, kept, o)
	require.NoError(t, err)
	require.Zero(t, again.Rows)

	books := ledger.New(ledger.Options{Store: kept, SpillDir: t.TempDir(), Zone: time.UTC})
	defer books.Close(context.Background())
	used, err := books.Usage(context.Background(), ledger.UsageQuery{By: []ledger.Dimension{ledger.ByToken, ledger.ByChannel}, From: 20260101, To: 20271231})
	require.NoError(t, err)
	var calls, cost int64
	names := map[string]bool{}
	for _, u := range used {
		calls, cost = calls+u.Requests, cost+u.Cost
		names[u.Token+" "+u.Channel] = true
		require.Equal(t, u.Requests*10, u.Input)
	}
	require.Equal(t, map[string]bool{"phone main": true, "phone channel-2": true, "ann.gone main": true, "ann.gone channel-2": true}, names)
	require.Equal(t, first.Calls+rest.Calls, calls)
	require.Equal(t, calls*3*2000, cost)
	spent, err := books.Spent(context.Background())
	require.NoError(t, err)
	require.Empty(t, spent, "no budget counts what was before")

	other, err := Open(context.Background(), withLog(t, 10))
	require.NoError(t, err)
	defer other.Close()
	_, err = p.Logs(context.Background(), other, kept, o)
	require.ErrorContains(t, err, "another log")
}

func TestTwoRunsAtOnceAddNothingTwice(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		for _, begins := range []int64{0, logBatch} {
			twoRuns(t, opened(t), begins)
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		for _, begins := range []int64{0, logBatch} {
			twoRuns(t, openedAt(t, store.Target{Kind: store.PostgreSQL, DSN: storetest.PostgreSQL(t)}), begins)
		}
	})
}

// twoRuns has a whole run come between two parts of another one, of which the first has read so many rows.
func twoRuns(t *testing.T, kept *store.Store, begins int64) {
	const rows = 12_000
	from := withLog(t, rows)
	p := plan(t, from, Options{Out: "c.yaml"})
	run := func(said func(LogsDone)) error {
		s, err := Open(context.Background(), from)
		require.NoError(t, err)
		defer s.Close()
		_, err = p.Logs(context.Background(), s, kept, LogOptions{Zone: time.UTC, Said: said})
		return err
	}
	other := func() { require.NoError(t, run(nil)) }
	if begins == 0 {
		goesOn := firstRun(t, p, from, kept)
		other()
		require.ErrorIs(t, goesOn(), errMoved)
	} else {
		require.ErrorIs(t, run(func(done LogsDone) {
			if done.Rows == begins {
				other()
			}
		}), errMoved)
	}
	db, err := kept.Reader()
	require.NoError(t, err)
	var calls, marks int64
	require.NoError(t, db.QueryRow("SELECT sum(requests), (SELECT count(*) FROM relay_imports) FROM relay_daily_imported").Scan(&calls, &marks))
	require.EqualValues(t, rows-rows/10, calls)
	require.EqualValues(t, 1, marks)
}

// firstRun is one that has found no mark, and goes on when it is called.
func firstRun(t *testing.T, p *Plan, from string, kept *store.Store) func() error {
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	l := &logReader{
		Source: s, kept: kept, plan: p, unit: rate{p.Sums.PerDollar}, options: LogOptions{Zone: time.UTC},
		columns: []string{"id", "created_at", "type", "quota", "model_name"}, started: time.Now(),
	}
	l.index()
	_, before, err := l.begin(context.Background())
	require.NoError(t, err)
	return func() error {
		done := LogsDone{}
		_, err := l.batch(context.Background(), &done, &before)
		return err
	}
}

func TestTheNameOfAModelIsCutBetweenCharacters(t *testing.T) {
	from := withLog(t, 1)
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(from, "?", "%3F"))
	require.NoError(t, err)
	_, err = db.Exec("UPDATE logs SET model_name = ?", strings.Repeat("a", longModel-1)+"模型")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	defer s.Close()
	kept := opened(t)
	_, err = plan(t, from, Options{Out: "c.yaml"}).Logs(context.Background(), s, kept, LogOptions{Zone: time.UTC})
	require.NoError(t, err)
	reader, err := kept.Reader()
	require.NoError(t, err)
	var model string
	require.NoError(t, reader.QueryRow("SELECT model FROM relay_daily_imported").Scan(&model))
	require.Equal(t, strings.Repeat("a", longModel-1), model)
}

func TestADatabaseWithoutALogSaysWhereItMayBe(t *testing.T) {
	from := evening(t)
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	defer s.Close()
	_, err = plan(t, from, Options{Out: "c.yaml"}).Logs(context.Background(), s, opened(t), LogOptions{Zone: time.UTC})
	require.ErrorContains(t, err, "--logs-from")
}

// TestAMillionRowsAreReadInLittleMemory runs with ONE_API_TEST_MILLION=1: it takes a minute.
func TestAMillionRowsAreReadInLittleMemory(t *testing.T) {
	if os.Getenv("ONE_API_TEST_MILLION") == "" {
		t.Skip("ONE_API_TEST_MILLION=1 has it run")
	}
	from, kept := withLog(t, 1_000_000), opened(t)
	p := plan(t, from, Options{Out: "c.yaml"})
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	defer s.Close()
	writer, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(from, "?", "%3F")+"?_busy_timeout=1000")
	require.NoError(t, err)
	defer writer.Close()
	var most uint64
	var slowest time.Duration
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	before := memory.HeapInuse
	began := time.Now()
	done, err := p.Logs(context.Background(), s, kept, LogOptions{Zone: time.UTC, Rate: 200_000, Said: func(LogsDone) {
		runtime.ReadMemStats(&memory)
		most = max(most, memory.HeapInuse)
		at := time.Now() // the old server goes on writing
		_, err := writer.Exec("UPDATE users SET quota = quota - 1")
		require.NoError(t, err)
		slowest = max(slowest, time.Since(at))
	}})
	require.NoError(t, err)
	require.Equal(t, int64(1_000_000), done.Rows)
	t.Logf("%d rows in %v, %d calls; heap %d KiB before, %d KiB at the most; the slowest write of the old server %v", done.Rows, time.Since(began),
		done.Calls, before>>10, most>>10, slowest)
	require.Less(t, most, before+64<<20)
}

// TestFiguresThatNobodyCanMeanSpoilNoSum: with some of the largest numbers there are, sums would be more than a database takes, and a time
// of long after now would keep what comes behind it from being read.
func TestFiguresThatNobodyCanMeanSpoilNoSum(t *testing.T) {
	from, kept := withLog(t, 100), opened(t)
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(from, "?", "%3F"))
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE logs SET created_at = 4070908800 WHERE id = 22",
		"UPDATE logs SET quota = 9223372036854775807, prompt_tokens = 9223372036854775807, completion_tokens = -9223372036854775808 WHERE id > 22 AND id <= 62",
	} {
		_, err = db.Exec(statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	p := plan(t, from, Options{Out: "c.yaml"})
	s, err := Open(context.Background(), from)
	require.NoError(t, err)
	defer s.Close()
	done, err := p.Logs(context.Background(), s, kept, LogOptions{Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Zone: time.UTC})
	require.NoError(t, err)
	require.EqualValues(t, 100, done.Rows)
	books := ledger.New(ledger.Options{Store: kept, SpillDir: t.TempDir(), Zone: time.UTC})
	defer books.Close(context.Background())
	used, err := books.Usage(context.Background(), ledger.UsageQuery{By: []ledger.Dimension{ledger.ByToken}, From: 20260101, To: 20991231})
	require.NoError(t, err)
	var all ledger.Usage
	for _, u := range used {
		all.Requests, all.Cost, all.Input, all.Output = all.Requests+u.Requests, all.Cost+u.Cost, all.Input+u.Input, all.Output+u.Output
	}
	const calls, odd = 90, 18
	require.EqualValues(t, calls, all.Requests)
	require.EqualValues(t, (calls-odd)*3*2000+odd*wire.MostCost, all.Cost)
	require.Positive(t, all.Input)
	require.EqualValues(t, (calls-odd)*5, all.Output, "what is less than nothing is nothing")
}
