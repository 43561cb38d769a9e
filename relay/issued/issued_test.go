package issued

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/apikey"
	"one-api/relay/config"
	"one-api/relay/store"
	"one-api/relay/store/storetest"
)

// eachDatabase runs a test on SQLite, and on PostgreSQL if there is one.
func eachDatabase(t *testing.T, test func(t *testing.T, target store.Target)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		test(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) { test(t, store.Target{Kind: store.PostgreSQL, DSN: storetest.PostgreSQL(t)}) })
}

// registry is one on a store, and counts its changes.
func registry(t *testing.T, target store.Target) (r *Registry, changes *int) {
	t.Helper()
	kept, err := store.Open(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, kept.State())
	t.Cleanup(kept.Close)
	changes = new(int)
	r = &Registry{
		Store: kept, Log: slog.New(slog.DiscardHandler), Changed: func() { *changes++ },
		InFile: func(name string) bool { return name == "of-the-file" },
	}
	return r, changes
}

// opens reports whose key it is.
func opens(r *Registry, key string) string {
	var tokens []config.Token
	for _, t := range r.All() {
		tokens = append(tokens, t.Token)
	}
	if found := apikey.NewStore(tokens).Find(key); found != nil {
		return found.Name
	}
	return ""
}

func TestAKeyWorksFromWhenItIsMadeUntilItIsDeletedAndIsKeptAsADigest(t *testing.T) {
	eachDatabase(t, func(t *testing.T, target store.Target) {
		ctx := t.Context()
		r, changes := registry(t, target)
		made, key, err := r.Create(ctx, map[string]any{"name": "kid", "models": []any{"gpt-*"}, "expires": "2099-01-01T00:00:00Z"})
		require.NoError(t, err)
		require.Equal(t, []string{"gpt-*"}, made.Models)
		require.Equal(t, []string{"default"}, made.Groups)
		require.Equal(t, 2099, made.Expires.Year())
		require.Regexp(t, `^sk-[A-Za-z0-9]{48}$`, key)
		require.Equal(t, "kid", opens(r, key))
		require.Equal(t, "kid", opens(r, key[3:]), "as one-api's clients send it")
		require.Equal(t, 1, *changes)

		var whole string
		db, err := r.Store.Reader()
		require.NoError(t, err)
		require.NoError(t, db.QueryRowContext(ctx, "SELECT key_sha256 || settings FROM relay_tokens").Scan(&whole))
		require.NotContains(t, whole, key[3:])

		_, _, err = r.Create(ctx, map[string]any{"name": "kid"})
		require.ErrorIs(t, err, ErrTaken)
		_, _, err = r.Create(ctx, map[string]any{"name": "of-the-file"})
		require.ErrorIs(t, err, ErrTaken)

		require.NoError(t, r.Delete(ctx, "kid"))
		require.Empty(t, opens(r, key))
		require.ErrorIs(t, r.Delete(ctx, "kid"), ErrUnknown)
		require.ErrorIs(t, r.Delete(ctx, "of-the-file"), ErrFile)
	})
}

func TestAnotherReplicaKnowsWhatWasChangedWhenItLooks(t *testing.T) {
	eachDatabase(t, func(t *testing.T, target store.Target) {
		ctx := t.Context()
		one, _ := registry(t, target)
		other, changes := registry(t, target)
		_, key, err := one.Create(ctx, map[string]any{"name": "kid"})
		require.NoError(t, err)
		require.Empty(t, opens(other, key))
		other.Look(ctx)
		require.Equal(t, "kid", opens(other, key))
		other.Look(ctx)
		require.Equal(t, 1, *changes, "nothing has changed since")
		require.NoError(t, one.Delete(ctx, "kid"))
		other.Look(ctx)
		require.Empty(t, opens(other, key))
	})
}

func TestAKeyThatIsRotatedGoesOnForItsGrace(t *testing.T) {
	eachDatabase(t, func(t *testing.T, target store.Target) {
		ctx := t.Context()
		r, _ := registry(t, target)
		_, first, err := r.Create(ctx, map[string]any{"name": "kid"})
		require.NoError(t, err)
		second, err := r.Rotate(ctx, "kid", time.Hour)
		require.NoError(t, err)
		require.Equal(t, []string{"kid", "kid"}, []string{opens(r, first), opens(r, second)})
		third, err := r.Rotate(ctx, "kid", 0)
		require.NoError(t, err)
		require.Equal(t, []string{"", "", "kid"}, []string{opens(r, first), opens(r, second), opens(r, third)}, "no grace for the second, and none left for the first")
		_, err = r.Rotate(ctx, "none", 0)
		require.ErrorIs(t, err, ErrUnknown)
	})
}

func TestSettingsAreMergedAndJudgedAsThoseOfTheFile(t *testing.T) {
	eachDatabase(t, func(t *testing.T, target store.Target) {
		ctx := t.Context()
		r, _ := registry(t, target)
		_, key, err := r.Create(ctx, map[string]any{"name": "kid", "models": []any{"a", "b"}, "groups": []any{"vip"}})
		require.NoError(t, err)
		changed, err := r.Update(ctx, "kid", map[string]any{"models": nil, "disabled": true})
		require.NoError(t, err)
		require.Empty(t, changed.Models)
		require.True(t, changed.Disabled)
		require.Equal(t, []string{"vip"}, changed.Groups)
		require.Equal(t, "kid", opens(r, key), "it is found, and told that it is disabled")
		for _, wrong := range []map[string]any{
			{"model": []any{"a"}}, {"expires": "tomorrow"}, {"key": "sk-0123456789"}, {"name": "other"},
		} {
			_, err := r.Update(ctx, "kid", wrong)
			var invalid Invalid
			require.ErrorAs(t, err, &invalid, "%v", wrong)
		}
		require.Equal(t, []string{"vip"}, r.Get("kid").Groups, "what was refused has changed nothing")
		changed, err = r.Update(ctx, "kid", map[string]any{"models": []any{"${HOME}"}})
		require.NoError(t, err)
		require.Equal(t, []string{"${HOME}"}, changed.Models, "nothing is taken from the environment: some old database has such a name")
		for _, wrong := range []map[string]any{{}, {"name": ""}, {"name": 7}, {"name": "x", "key_sha256": "00"}, {"name": "x", "limits": "many"}} {
			_, _, err := r.Create(ctx, wrong)
			var invalid Invalid
			require.ErrorAs(t, err, &invalid, "%v", wrong)
		}
	})
}

func TestWithoutADatabaseNothingIsMadeAndWhatIsKnownStays(t *testing.T) {
	r, _ := registry(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	_, key, err := r.Create(t.Context(), map[string]any{"name": "kid"})
	require.NoError(t, err)
	r.Store.Close()
	r.Look(t.Context())
	require.Equal(t, "kid", opens(r, key))
	off := &Registry{Store: store.New(store.Target{}), InFile: func(string) bool { return false }, Changed: func() {}}
	_, _, err = off.Create(context.Background(), map[string]any{"name": "kid"})
	require.ErrorIs(t, err, store.ErrOff)
}

func TestARowThatIsNotUnderstoodOpensNothingAndHoldsNoOtherUp(t *testing.T) {
	r, _ := registry(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	_, key, err := r.Create(t.Context(), map[string]any{"name": "kid"})
	require.NoError(t, err)
	db, err := r.Store.Writer()
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "INSERT INTO relay_tokens (name, key_sha256, settings, created, changed) VALUES ('odd', 'no sum', '{}', 1, 2)")
	require.NoError(t, err)
	r.Look(t.Context())
	require.Equal(t, "kid", opens(r, key))
	require.Nil(t, r.Get("odd"))
}

func TestWhatAnotherProgramHasChangedIsToldOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, target store.Target) {
		ctx := t.Context()
		relay, _ := registry(t, target)
		commands, _ := registry(t, target)
		var told [][]string
		relay.Found = func(made, changed, deleted []string) { told = append(told, made, changed, deleted) }
		_, _, err := commands.Create(ctx, map[string]any{"name": "before"})
		require.NoError(t, err)
		relay.Look(ctx)
		require.Empty(t, told, "what is there at the start is no news")
		_, _, err = relay.Create(ctx, map[string]any{"name": "own"})
		require.NoError(t, err)
		require.Empty(t, told, "whoever has made it knows it")
		_, _, err = commands.Create(ctx, map[string]any{"name": "kid"})
		require.NoError(t, err)
		_, err = commands.Update(ctx, "before", map[string]any{"disabled": true})
		require.NoError(t, err)
		relay.Look(ctx)
		relay.Look(ctx)
		require.Equal(t, [][]string{{"kid"}, {"before"}, nil}, told)
		told = nil
		require.NoError(t, commands.Delete(ctx, "kid"))
		relay.Look(ctx)
		require.Equal(t, [][]string{nil, nil, {"kid"}}, told)
	})
}

func TestAKeyThatSomebodyDeletesWhileItIsMadeOrChangedIsUnknown(t *testing.T) {
	ctx := t.Context()
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")}
	r, _ := registry(t, target)
	other, _ := registry(t, target)
	other.Look(ctx)
	deletes := false
	r.Changed = func() {
		if deletes {
			deletes = false
			other.Look(ctx)
			require.NoError(t, other.Delete(ctx, "kid"))
			r.Look(ctx)
		}
	}
	deletes = true
	made, key, err := r.Create(ctx, map[string]any{"name": "kid"})
	require.ErrorIs(t, err, ErrUnknown)
	require.Nil(t, made)
	require.Empty(t, key)
	_, _, err = r.Create(ctx, map[string]any{"name": "kid"})
	require.NoError(t, err)
	deletes = true
	_, err = r.Update(ctx, "kid", map[string]any{"disabled": true})
	require.ErrorIs(t, err, ErrUnknown)
}

func TestALookBesideAChangeTakesNothingBackAndTakesItForNobodyElses(t *testing.T) {
	ctx := t.Context()
	r, _ := registry(t, store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")})
	r.Changed = func() {}
	found := map[string]bool{}
	r.Found = func(made, changed, deleted []string) {
		for _, name := range slices.Concat(made, changed, deleted) {
			found[name] = true
		}
	}
	r.Look(ctx)
	done := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				r.Look(ctx)
			}
		}
	})
	for i := range 20 {
		name := fmt.Sprintf("kid-%d", i)
		_, _, err := r.Create(ctx, map[string]any{"name": name})
		require.NoError(t, err)
		require.NotNil(t, r.Get(name))
	}
	close(done)
	looks.Wait()
	require.Empty(t, found)
}
