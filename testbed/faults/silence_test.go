package faults

import (
	"net/http"
	"testing"
	"time"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F8: an upstream that falls silent, and those that only seem to.

func TestASilentUpstreamIsGivenUpByTheClockOfItsPhase(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F8")
	wait := func(r *http.Request) { <-r.Context().Done() }
	header := harness.Ending{Outcome: outcome.HeaderTimeout, Status: http.StatusGatewayTimeout, Code: "header_timeout"}
	first := harness.Ending{Outcome: outcome.FirstTokenTimeout, Status: http.StatusGatewayTimeout, Code: "first_token_timeout"}
	idle := harness.Ending{Outcome: outcome.IdleTimeout, Status: http.StatusGatewayTimeout, Code: "idle_timeout"}
	cut := idle
	cut.Cut = true
	mishaps{
		"before-its-header": {nil, "header: 4s",
			func(_ harness.Variant, _ http.ResponseWriter, r *http.Request) { wait(r) }, header},
		"before-its-header-with-a-token-due": {harness.Streaming, "header: 20s, first_token: 4s",
			func(_ harness.Variant, _ http.ResponseWriter, r *http.Request) { wait(r) }, first},
		"before-its-first-event": {harness.Streaming, "first_token: 4s",
			func(v harness.Variant, w http.ResponseWriter, r *http.Request) { v.Header(w); wait(r) }, first},
		"but-for-comments": {harness.Streaming, "first_token: 4s",
			func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
				v.Header(w)
				harness.Every(r, 20*time.Millisecond, func() bool { harness.Say(w, ": still thinking\n\n"); return true })
			}, first},
		"before-its-first-event-unclocked": {harness.Streaming, "idle: 4s",
			func(v harness.Variant, w http.ResponseWriter, r *http.Request) { v.Header(w); wait(r) }, idle},
		"in-the-middle-of-a-stream": {harness.Streaming, "idle: 4s",
			func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
				v.Begin(w, r, harness.FromFaulty)
				wait(r)
			}, cut},
		"in-the-middle-of-an-answer": {harness.Whole, "header: 4s",
			func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
				v.Begin(w, r, harness.FromFaulty)
				wait(r)
			}, header},
	}.inEveryVariant(t, plan{waits: true})
}
