package faults

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
	"one-api/testbed/harness"
)

// TestAThousandClientsThatLeaveAfterAWhileLeaveNothingBehind is the incident that this relay was written after: upstreams that
// hang, that stall in the middle of a stream, that send half of an error and no more, and clients that lose their patience with
// them, all at once.
func TestAThousandClientsThatLeaveAfterAWhileLeaveNothingBehind(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F1")
	v := harness.Variant{Stream: true}
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch harness.ModelOf(r) {
		case "stalls":
			v.Begin(w, r, harness.FromFaulty)
		case "errs":
			w.WriteHeader(http.StatusInternalServerError)
			harness.Say(w, `{"error":{"message":"half of`)
		}
		<-r.Context().Done()
	})
	models := []string{"hangs", "stalls", "errs"}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, model := range models {
		fmt.Fprintf(&yaml, "  - {name: %s, type: openai, base_url: %q, keys: [sk-up-a], models: [%s]}\n", model, u.URL, model)
	}
	r := harness.StartRelay(t, yaml.String(), harness.WithErrorBodyTimeout(time.Minute))
	require.Eventually(t, func() bool { return r.Server.Serving() }, harness.Patience, time.Millisecond)
	before := runtime.NumGoroutine()

	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var clients sync.WaitGroup
	for i := range harness.Crowd {
		clients.Go(func() {
			body := fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"hi"}]}`, models[i%len(models)])
			response, err := r.Post(ctx, "/v1/chat/completions", body)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		})
	}
	answered := int64(harness.Crowd - (harness.Crowd+len(models)-1)/len(models)) // by a header at least
	require.Eventually(t, func() bool {
		return u.Open.Load() == harness.Crowd && r.Server.Pool().InFlight() == harness.Crowd && r.Server.Pool().OpenBodies() == answered
	}, harness.Patience, 5*time.Millisecond, "everybody waits")
	leave()
	clients.Wait()

	require.Eventually(t, func() bool { return u.Open.Load() == 0 }, harness.Patience, 5*time.Millisecond, "upstream requests still open")
	require.Eventually(t, func() bool {
		_, health := r.Get("/api/monitor/health")
		return health["in_flight"] == float64(0) && health["open_bodies"] == float64(0)
	}, harness.Patience, 20*time.Millisecond, "health")
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+30 }, harness.Patience, 5*time.Millisecond, "goroutines")
	r.RequireQuiet(before, u)

	require.Len(t, r.Recorded(), harness.Crowd)
	for _, a := range r.Recorded() {
		require.Equal(t, outcome.ClientGone, a.Outcome)
	}
	for _, model := range models {
		snapshot := r.Server.Pool().Set().Get(model).Snapshot(time.Now())
		require.Equal(t, channel.Healthy, snapshot.State, model)
	}
}
