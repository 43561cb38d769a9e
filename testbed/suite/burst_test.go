package suite

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheConnectionsOfABurstAreGivenBackSoonAndThoseInUseOrFewAreKept(t *testing.T) {
	long(t)
	const calls = 60
	var arrived sync.WaitGroup
	arrived.Add(calls)
	together := true
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if together {
			arrived.Done()
			arrived.Wait()
		}
		answers(200, wholeAnswer)(w, r)
	})
	r := startRelay(t, openAIChannel("a", u, ""))
	open := func() float64 {
		_, c := r.get("/api/monitor/channels/a")
		return c["open_connections"].(float64)
	}
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			response, err := r.post(context.Background(), "/v1/chat/completions", chat)
			if err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return open() <= 8 }, patience, 20*time.Millisecond)

	together = false
	status, _, _ := r.ask("/v1/chat/completions", chat)
	require.Equal(t, 200, status)
	for range 5 {
		r.server.Pool().Trim()
	}
	require.Positive(t, open(), "a few are kept for the next call")
	require.LessOrEqual(t, open(), 8.0)
}
