package clients

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestTheConnectionsOfABurstAreGivenBackSoonAndThoseInUseOrFewAreKept(t *testing.T) {
	harness.Long(t)
	const calls = 60
	var arrived sync.WaitGroup
	arrived.Add(calls)
	together := true
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if together {
			arrived.Done()
			arrived.Wait()
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	open := func() float64 {
		_, c := r.Get("/api/monitor/channels/a")
		return c["open_connections"].(float64)
	}
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			response, err := r.Post(context.Background(), "/v1/chat/completions", harness.Chat)
			if err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return open() <= 8 }, harness.Patience, 20*time.Millisecond)

	together = false
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status)
	for range 5 {
		r.Server.Pool().Trim()
	}
	require.Positive(t, open(), "a few are kept for the next call")
	require.LessOrEqual(t, open(), 8.0)
}
