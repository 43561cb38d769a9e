package relay

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/ledger"
	"one-api/relay/limit"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/store"
	"one-api/relay/wire"
)

// locked has somebody else hold an SQLite file, which can be read meanwhile and not written, until the returned function is called.
func locked(t *testing.T, target store.Target) (unlock func()) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+target.Path+"?_txlock=immediate&_busy_timeout=10000")
	require.NoError(t, err)
	tx, err := other.Begin()
	require.NoError(t, err)
	return func() {
		require.NoError(t, tx.Rollback())
		require.NoError(t, other.Close())
	}
}

// ended is the end of a request of the key kid that cost so many nano-dollars.
func ended(id string, cost int64) *record.End {
	return &record.End{
		RequestID: id, Endpoint: wire.ChatCompletions, Outcome: outcome.Completed, Known: true, Token: "kid", Model: "gpt-4o",
		Status: 200, Began: time.Now(), Attempts: []record.Attempt{{
			Result:   channel.Result{Channel: &channel.Channel{Channel: config.Channel{Name: "a"}}, Sent: true},
			Endpoint: wire.ChatCompletions, Model: "gpt-4o", Asked: "gpt-4o", Status: 200,
			Usage: wire.Usage{Uncached: 10, Text: 5},
			Cost:  record.Cost{Cost: cost, Charge: cost, Priced: true, Counted: record.CountedByProvider},
		}},
	}
}

// withBudget is a configuration with a key that has a budget.
func withBudget(t *testing.T) (config.Settings, *config.Config) {
	t.Helper()
	return withToken(t, "{name: kid, key: sk-the-key-of-the-kid, budget: {usd: 1, per: total}}")
}

// withToken is a configuration with one key.
func withToken(t *testing.T, token string) (config.Settings, *config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	require.NoError(t, os.WriteFile(file, []byte("channels:\n  - {name: a, type: openai, keys: [k-7f1c02d94be8a3]}\n"+
		"tokens:\n  - "+token+"\n"), 0o600))
	source := config.Source{File: file, Providers: ConfigProviders(), Env: func(string) (string, bool) { return "", false }}
	settings, err := config.LoadSettings(source)
	require.NoError(t, err)
	c, err := config.Load(source, settings)
	require.NoError(t, err)
	return settings, c
}

// TestABudgetKnowsWhatAFormerRelayHadSpentThatTheDatabaseDidNotTake has a relay end while its database is locked, so that what it has spent
// waits in the spill, and another one begin while it is locked still.
func TestABudgetKnowsWhatAFormerRelayHadSpentThatTheDatabaseDidNotTake(t *testing.T) {
	const cost = 1_230_000
	log := slog.New(slog.DiscardHandler)
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")}
	open := func() *store.Store {
		kept, err := store.Open(t.Context(), target)
		require.NoError(t, err)
		require.NoError(t, kept.State())
		return kept
	}
	former := open()
	unlock := locked(t, target)
	books := ledger.New(ledger.Options{Store: former, Log: log})
	books.End(t.Context(), ended(gate.NewID(), cost))
	require.Eventually(t, func() bool { return books.State().Spilled == 1 }, patience, time.Millisecond)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	books.Close(gone)
	former.Close()
	unlock()

	settings, c := withBudget(t)
	kept := open()
	defer kept.Close()
	unlock = locked(t, target)
	books = ledger.New(ledger.Options{Store: kept, Log: log})
	defer books.Close(context.Background())
	s, err := New(ServerOptions{Settings: settings, Config: c, Log: log, Ledger: books})
	require.NoError(t, err)
	spent := func() (spent int64) {
		s.budgets(func(u limit.Used) { spent += u.Spent })
		return spent
	}
	require.Zero(t, spent(), "nobody can know yet")
	unlock()
	require.Eventually(t, func() bool {
		s.readBudgets() // as it does every second while it serves
		return spent() == cost
	}, patience, 10*time.Millisecond)
}

// TestHealthSaysThatSomethingIsReservedThatNoCallHolds: Kuma's monitor of the ledger looks at nothing else.
func TestHealthSaysThatSomethingIsReservedThatNoCallHolds(t *testing.T) {
	settings, c := withBudget(t)
	kept, err := store.Open(t.Context(), store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	require.NoError(t, err)
	defer kept.Close()
	books := ledger.New(ledger.Options{Store: kept, Log: slog.New(slog.DiscardHandler)})
	defer books.Close(context.Background())
	s, err := New(ServerOptions{Settings: settings, Config: c, Log: slog.New(slog.DiscardHandler), Ledger: books})
	require.NoError(t, err)
	balance := func() int64 {
		answer := httptest.NewRecorder()
		s.front.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/monitor/health", http.NoBody))
		var health struct {
			Ledger struct {
				Balance int64 `json:"balance"`
			} `json:"ledger"`
		}
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &health), answer.Body.String())
		return health.Ledger.Balance
	}
	now := time.Now()
	s.compareReserved(now) // as it does every second while it serves
	require.Zero(t, balance())
	phantom, over := s.directory.Load().Limits.Of("kid").Enter(&limit.Ask{ID: "of-no-request", Model: "gpt-4o", Input: 10})
	require.Nil(t, over)
	s.compareReserved(now.Add(reservedEvery))
	require.EqualValues(t, 1, balance())
	phantom.Leave(0, 0, 0)
	s.compareReserved(now.Add(2 * reservedEvery))
	require.Zero(t, balance())
}

// TestABudgetThatComesWhileCallsAreOpenCountsWhatTheyTake: a key had none when they began, so that nothing settles what they take with it.
func TestABudgetThatComesWhileCallsAreOpenCountsWhatTheyTake(t *testing.T) {
	const cost = 1_230_000
	settings, without := withToken(t, "{name: kid, key: sk-the-key-of-the-kid}")
	_, with := withBudget(t)
	log := slog.New(slog.DiscardHandler)
	kept, err := store.Open(t.Context(), store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	require.NoError(t, err)
	defer kept.Close()
	books := ledger.New(ledger.Options{Store: kept, Log: log})
	defer books.Close(context.Background())
	s, err := New(ServerOptions{Settings: settings, Config: without, Log: log, Ledger: books})
	require.NoError(t, err)
	spent := func() (spent int64) {
		s.readBudgets() // as it does every second while it serves
		s.budgets(func(u limit.Used) { spent += u.Spent })
		return spent
	}
	var before, behind inflight.Entry
	open := ended(gate.NewID(), cost)
	s.inFlight.Add(&before, open, nil)
	require.NoError(t, s.apply(with))
	s.inFlight.Add(&behind, ended(ledger.IDAt(time.Now().Add(time.Minute))+"later", 0), nil)
	require.Zero(t, spent(), "it has not ended")
	books.End(t.Context(), open)
	s.inFlight.Remove(&before)
	require.Eventually(t, func() bool { return spent() == cost }, patience, 10*time.Millisecond)
	s.inFlight.Remove(&behind)
}
