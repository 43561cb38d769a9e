package suite

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"one-api/relay/outcome"
)

// F14: an error, or an early end, inside an answer that began with status 200.

func TestAnErrorInsideAnAnswerIsAnError(t *testing.T) {
	inMatrix(t, "F14")
	all := mishaps{}
	for name, tc := range map[string]struct {
		kind, code string // in the provider's words
		status     int
		final      bool
	}{
		"the provider's own trouble": {"api_error", "server_error", http.StatusBadGateway, false},
		"overloaded":                 {"overloaded_error", "overloaded", http.StatusBadGateway, false},
		"too many requests":          {"rate_limit_error", "rate_limit_exceeded", http.StatusTooManyRequests, false},
		"the client's mistake":       {"invalid_request_error", "invalid_value", http.StatusBadRequest, true},
	} {
		fault := func(first bool) func(v variant, w http.ResponseWriter, r *http.Request) {
			return func(v variant, w http.ResponseWriter, r *http.Request) {
				voice := voiceFor(r)
				switch {
				case !v.stream:
					v.header(w)
					say(w, voice.complaint(tc.kind, tc.code, complained))
					return
				case first:
					v.header(w)
				default:
					v.begin(w, r, fromFaulty)
				}
				say(w, voice.complaintInside(tc.kind, tc.code, complained))
				say(w, voice.closing()) // some providers go on as if nothing had happened
			}
		}
		want := ending{outcome: outcome.UpstreamErrorEvent, status: tc.status, final: tc.final, message: complained}
		all[name+", at once"] = mishap{handle: fault(true), ending: want}
		want.cut = true
		all[name+", in the middle"] = mishap{fits: streaming, handle: fault(false), ending: want}
	}
	all.inEveryVariant(t, plan{})
}

func TestAStreamThatEndsInTheMiddleIsNotComplete(t *testing.T) {
	inMatrix(t, "F14")
	all := mishaps{}
	for name, body := range map[string]func(voice) string{
		"as it is": func(v voice) string { return v.opening(fromFaulty) },
		// In good order as far as HTTP is concerned, as it is behind a proxy that lost its own upstream.
		"in the middle of an event": func(v voice) string {
			more := v.more("cut")
			return v.opening(fromFaulty) + more[:strings.Index(more, "cut")]
		},
	} {
		all[name] = mishap{fits: streaming, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.header(w)
			say(w, body(voiceFor(r)))
		}, ending: ending{outcome: outcome.UpstreamTruncated, code: "upstream_truncated", cut: true}}
	}
	all.inEveryVariant(t, plan{})
}

// TestAStreamThatEndsBetweenItsEndReasonAndItsTerminatorIsComplete: then the terminator is written.
func TestAStreamThatEndsBetweenItsEndReasonAndItsTerminatorIsComplete(t *testing.T) {
	inMatrix(t, "F14")
	inEveryVariant(t, streaming, func(t *testing.T, v variant) {
		requireEndingOfAll(t, v, func(v variant, w http.ResponseWriter, r *http.Request) {
			v.header(w)
			say(w, voiceFor(r).opening(fromFaulty)+voiceFor(r).beforeTerminator())
		}, ending{outcome: outcome.Completed})
	})
}

// TestAStreamThatEndsBeforeAnythingWasPassedOnIsTakenUpByAnotherChannel sends events, but none that says anything to the client.
func TestAStreamThatEndsBeforeAnythingWasPassedOnIsTakenUpByAnotherChannel(t *testing.T) {
	inMatrix(t, "F14")
	inEveryVariant(t, streaming, func(t *testing.T, v variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
			v.header(w)
			if voiceFor(r).anthropic {
				say(w, voiceFor(r).keepAlive())
			} else {
				say(w, event("", ""))
			}
		}})
		s.requireEnding(t, s.callAll(context.Background(), ear{}), ending{
			outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated",
		})
	})
}

// requireEndingOfAll is a case without anything special.
func requireEndingOfAll(t *testing.T, v variant, handle func(v variant, w http.ResponseWriter, r *http.Request), want ending) {
	t.Helper()
	s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) { handle(v, w, r) }})
	s.requireEnding(t, s.callAll(context.Background(), ear{}), want)
}
