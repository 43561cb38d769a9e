package suite

import (
	"net/http"
	"testing"
	"time"

	"one-api/relay/outcome"
)

// F8: an upstream that falls silent, and those that only seem to.

func TestASilentUpstreamIsGivenUpByTheClockOfItsPhase(t *testing.T) {
	long(t)
	inMatrix(t, "F8")
	wait := func(r *http.Request) { <-r.Context().Done() }
	header := ending{outcome: outcome.HeaderTimeout, status: http.StatusGatewayTimeout, code: "header_timeout"}
	first := ending{outcome: outcome.FirstTokenTimeout, status: http.StatusGatewayTimeout, code: "first_token_timeout"}
	idle := ending{outcome: outcome.IdleTimeout, status: http.StatusGatewayTimeout, code: "idle_timeout"}
	cut := idle
	cut.cut = true
	mishaps{
		"before-its-header": {nil, "header: 4s",
			func(_ variant, _ http.ResponseWriter, r *http.Request) { wait(r) }, header},
		"before-its-header-with-a-token-due": {streaming, "header: 20s, first_token: 4s",
			func(_ variant, _ http.ResponseWriter, r *http.Request) { wait(r) }, first},
		"before-its-first-event": {streaming, "first_token: 4s",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.header(w); wait(r) }, first},
		"but-for-comments": {streaming, "first_token: 4s",
			func(v variant, w http.ResponseWriter, r *http.Request) {
				v.header(w)
				every(r, 20*time.Millisecond, func() bool { say(w, ": still thinking\n\n"); return true })
			}, first},
		"before-its-first-event-unclocked": {streaming, "idle: 4s",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.header(w); wait(r) }, idle},
		"in-the-middle-of-a-stream": {streaming, "idle: 4s",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.begin(w, r, fromFaulty); wait(r) }, cut},
		"in-the-middle-of-an-answer": {whole, "header: 4s",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.begin(w, r, fromFaulty); wait(r) }, header},
	}.inEveryVariant(t, plan{waits: true})
}
