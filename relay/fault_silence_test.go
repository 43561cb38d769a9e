package relay

import (
	"context"
	"net/http"
	"testing"
	"time"

	"one-api/relay/channel"
)

// F8: an upstream that falls silent, and those that only seem to.

func TestASilentUpstreamIsGivenUpByTheClockOfItsPhase(t *testing.T) {
	wait := func(r *http.Request) { <-r.Context().Done() }
	for name, tc := range map[string]struct {
		fits     func(variant) bool
		timeouts string
		silent   func(v variant, w http.ResponseWriter, r *http.Request)
		ending   ending
	}{
		"before its header": {nil, "header: 150ms",
			func(_ variant, _ http.ResponseWriter, r *http.Request) { wait(r) },
			ending{outcome: channel.HeaderTimeout, status: http.StatusGatewayTimeout, code: "header_timeout"}},
		"before its header, where the first token has less time": {streaming, "header: 20s, first_token: 150ms",
			func(_ variant, _ http.ResponseWriter, r *http.Request) { wait(r) },
			ending{outcome: channel.FirstTokenTimeout, status: http.StatusGatewayTimeout, code: "first_token_timeout"}},
		"between its header and its first event": {streaming, "first_token: 150ms",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.header(w); wait(r) },
			ending{outcome: channel.FirstTokenTimeout, status: http.StatusGatewayTimeout, code: "first_token_timeout"}},
		"but for comments before its first event": {streaming, "first_token: 150ms",
			func(v variant, w http.ResponseWriter, r *http.Request) {
				v.header(w)
				every(r, 20*time.Millisecond, func() bool { say(w, ": still thinking\n\n"); return true })
			},
			ending{outcome: channel.FirstTokenTimeout, status: http.StatusGatewayTimeout, code: "first_token_timeout"}},
		"before its first event, with no clock for that one": {streaming, "idle: 150ms",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.header(w); wait(r) },
			ending{outcome: channel.IdleTimeout, status: http.StatusGatewayTimeout, code: "idle_timeout"}},
		"in the middle of a stream": {streaming, "idle: 400ms",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.begin(w, r, fromFaulty); wait(r) },
			ending{outcome: channel.IdleTimeout, code: "idle_timeout", cut: true}},
		"in the middle of an answer": {func(v variant) bool { return !v.stream }, "header: 150ms",
			func(v variant, w http.ResponseWriter, r *http.Request) { v.begin(w, r, fromFaulty); wait(r) },
			ending{outcome: channel.HeaderTimeout, status: http.StatusGatewayTimeout, code: "header_timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, tc.fits, func(t *testing.T, v variant) {
				s := newScene(t, v, plan{timeouts: tc.timeouts, handle: func(w http.ResponseWriter, r *http.Request) { tc.silent(v, w, r) }})
				s.requireEnding(t, s.callAll(context.Background(), ear{}), tc.ending)
			})
		})
	}
}
