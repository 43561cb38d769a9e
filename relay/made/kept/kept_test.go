package kept

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/made"
	"one-api/relay/store"
	"one-api/relay/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is one on a store, with a keeper of its own, which has done nothing yet.
func book(t *testing.T, target store.Target) *Book {
	t.Helper()
	s, err := store.Open(t.Context(), target)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	b := &Book{Keeper: &made.Keeper{}, Store: s, Log: slog.New(slog.DiscardHandler)}
	b.Keeper.Track()
	return b
}

func TestWhatIsNotedAndForgottenIsSoForTheNextProcessToo(t *testing.T) {
	for name, target := range map[string]func(t *testing.T) store.Target{
		"SQLite": func(t *testing.T) store.Target {
			return store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "l.db")}
		},
		"PostgreSQL": func(t *testing.T) store.Target {
			return store.Target{Kind: store.PostgreSQL, DSN: storetest.PostgreSQL(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := target(t)
			ann := made.Origin{Token: "ann", Channel: "a", Model: "m"}
			first := book(t, at)
			first.Keeper.Note(ann, "resp_1", "resp_2")
			first.look(t.Context())
			first.Keeper.Forget("resp_2")
			first.Keeper.Note(ann, "resp_3")
			first.look(t.Context())

			second := book(t, at)
			second.look(t.Context())
			for id, known := range map[string]bool{"resp_1": true, "resp_2": false, "resp_3": true, "resp_4": false} {
				by, is := second.Keeper.Of(id)
				require.Equal(t, known, is, id)
				if known {
					require.Equal(t, ann, by)
				}
			}
			require.Empty(t, second.Keeper.Changes(), "what was read is no change")
		})
	}
}

func TestWhatTheStoreDoesNotTakeIsTakenLater(t *testing.T) {
	at := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "l.db")}
	b := book(t, at)
	b.look(t.Context())
	b.Keeper.Note(made.Origin{Token: "ann"}, "resp_1")
	ended, end := context.WithCancel(t.Context())
	end()
	b.look(ended)
	require.Len(t, b.Keeper.Changes(), 1)
	b.Keeper.Note(made.Origin{Token: "ann"}, "resp_1")
	b.look(t.Context())
	other := book(t, at)
	other.look(t.Context())
	_, known := other.Keeper.Of("resp_1")
	require.True(t, known)
}
