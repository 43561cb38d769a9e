package suite

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/outcome"
)

// TestAThousandClientsThatLeaveAfterAWhileLeaveNothingBehind is the incident that this relay was written after: upstreams that
// hang, that stall in the middle of a stream, that send half of an error and no more, and clients that lose their patience with
// them, all at once.
func TestAThousandClientsThatLeaveAfterAWhileLeaveNothingBehind(t *testing.T) {
	long(t)
	inMatrix(t, "F1")
	v := variant{stream: true}
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch modelOf(r) {
		case "stalls":
			v.begin(w, r, fromFaulty)
		case "errs":
			w.WriteHeader(http.StatusInternalServerError)
			say(w, `{"error":{"message":"half of`)
		}
		<-r.Context().Done()
	})
	models := []string{"hangs", "stalls", "errs"}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, model := range models {
		fmt.Fprintf(&yaml, "  - {name: %s, type: openai, base_url: %q, keys: [sk-up-a], models: [%s]}\n", model, u.URL, model)
	}
	r := startRelay(t, yaml.String(), withErrorBodyTimeout(time.Minute))
	require.Eventually(t, func() bool { return r.server.Serving() }, patience, time.Millisecond)
	before := runtime.NumGoroutine()

	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var clients sync.WaitGroup
	for i := range crowd {
		clients.Go(func() {
			body := fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"hi"}]}`, models[i%len(models)])
			response, err := r.post(ctx, "/v1/chat/completions", body)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		})
	}
	answered := int64(crowd - (crowd+len(models)-1)/len(models)) // by a header at least
	require.Eventually(t, func() bool {
		return u.open.Load() == crowd && r.server.Pool().InFlight() == crowd && r.server.Pool().OpenBodies() == answered
	}, patience, 5*time.Millisecond, "everybody waits")
	leave()
	clients.Wait()

	require.Eventually(t, func() bool { return u.open.Load() == 0 }, patience, 5*time.Millisecond, "upstream requests still open")
	require.Eventually(t, func() bool {
		_, health := r.get("/api/monitor/health")
		return health["in_flight"] == float64(0) && health["open_bodies"] == float64(0)
	}, patience, 20*time.Millisecond, "health")
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+30 }, patience, 5*time.Millisecond, "goroutines")
	r.requireQuiet(before, u)

	require.Len(t, r.recorded(), crowd)
	for _, a := range r.recorded() {
		require.Equal(t, outcome.ClientGone, a.Outcome)
	}
	for _, model := range models {
		snapshot := r.server.Pool().Set().Get(model).Snapshot(time.Now())
		require.Equal(t, channel.Healthy, snapshot.State, model)
	}
}
