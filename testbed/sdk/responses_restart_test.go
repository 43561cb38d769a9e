package sdk

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/store"
	"one-api/testbed/harness"
)

func TestWhatAProviderKeepsIsServedToWhoMadeItAfterARestart(t *testing.T) {
	has, other := newKeeping(t, "resp_1"), newKeeping(t, "resp_2")
	yaml := fmt.Sprintf("channels:\n  - {name: a, type: openai, api: responses, base_url: %q, models: [m], priority: 1}\n"+
		"  - {name: b, type: openai, api: responses, base_url: %q, models: [m], priority: 9}\n%s", has.URL, other.URL, threeTokens)
	target := store.Target{Kind: store.SQLite, Path: filepath.Join(t.TempDir(), "ledger.db")}
	started := func(t *testing.T) *harness.Relay {
		kept, err := store.Open(t.Context(), target)
		require.NoError(t, err)
		t.Cleanup(kept.Close)
		return harness.StartRelay(t, yaml, harness.WithStore(kept))
	}
	t.Run("before", func(t *testing.T) {
		r := started(t)
		status, _ := as(r, t, annsKey, http.MethodPost, "/v1/responses", `{"model":"m","input":"Hi!"}`)
		require.Equal(t, 200, status)
		require.Equal(t, "POST /v1/responses", other.last())
	})
	t.Run("after", func(t *testing.T) {
		r := started(t)
		r.Eventually("what was known before is known again", func() bool {
			status, _ := as(r, t, annsKey, http.MethodGet, "/v1/responses/resp_2", "")
			return status == 200
		})
		require.Equal(t, "GET /v1/responses/resp_2", other.last())
		require.Empty(t, has.last(), "the other channel is not asked")
		status, _ := as(r, t, bobsKey, http.MethodGet, "/v1/responses/resp_2", "")
		require.Equal(t, 404, status, "it is somebody else's")
		status, _ = as(r, t, annsKey, http.MethodDelete, "/v1/responses/resp_2", "")
		require.Equal(t, 200, status)
	})
	t.Run("after its deletion", func(t *testing.T) {
		r := started(t)
		status, _ := as(r, t, annsKey, http.MethodPost, "/v1/responses", `{"model":"m","input":"Hi!","store":false}`)
		require.Equal(t, 200, status, "so that what was known has been read")
		status, _ = as(r, t, annsKey, http.MethodGet, "/v1/responses/resp_2", "")
		require.Equal(t, 404, status)
	})
}
