package faults

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F14: an error, or an early end, inside an answer that began with status 200.

func TestAnErrorInsideAnAnswerIsAnError(t *testing.T) {
	harness.InMatrix(t, "F14")
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
		fault := func(first bool) func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			return func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
				voice := harness.VoiceFor(r)
				switch {
				case !v.Stream:
					v.Header(w)
					harness.Say(w, voice.Complaint(tc.kind, tc.code, harness.Complained))
					return
				case first:
					v.Header(w)
				default:
					v.Begin(w, r, harness.FromFaulty)
				}
				harness.Say(w, voice.ComplaintInside(tc.kind, tc.code, harness.Complained))
				harness.Say(w, voice.Closing()) // some providers go on as if nothing had happened
			}
		}
		want := harness.Ending{Outcome: outcome.UpstreamErrorEvent, Status: tc.status, Final: tc.final, Message: harness.Complained}
		all[name+", at once"] = mishap{handle: fault(true), ending: want}
		want.Cut = true
		all[name+", in the middle"] = mishap{fits: harness.Streaming, handle: fault(false), ending: want}
	}
	all.inEveryVariant(t, plan{})
}

func TestAStreamThatEndsInTheMiddleIsNotComplete(t *testing.T) {
	harness.InMatrix(t, "F14")
	all := mishaps{}
	for name, body := range map[string]func(harness.Voice) string{
		"as it is": func(v harness.Voice) string { return v.Opening(harness.FromFaulty) },
		// In good order as far as HTTP is concerned, as it is behind a proxy that lost its own upstream.
		"in the middle of an event": func(v harness.Voice) string {
			more := v.More("cut")
			return v.Opening(harness.FromFaulty) + more[:strings.Index(more, "cut")]
		},
	} {
		all[name] = mishap{fits: harness.Streaming, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			harness.Say(w, body(harness.VoiceFor(r)))
		}, ending: harness.Ending{Outcome: outcome.UpstreamTruncated, Code: "upstream_truncated", Cut: true}}
	}
	all.inEveryVariant(t, plan{})
}

// TestAStreamThatEndsBetweenItsEndReasonAndItsTerminatorIsComplete: then the terminator is written.
func TestAStreamThatEndsBetweenItsEndReasonAndItsTerminatorIsComplete(t *testing.T) {
	harness.InMatrix(t, "F14")
	harness.InEveryVariant(t, harness.Streaming, func(t *testing.T, v harness.Variant) {
		requireEndingOfAll(t, v, func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			harness.Say(w, harness.VoiceFor(r).Opening(harness.FromFaulty)+harness.VoiceFor(r).BeforeTerminator())
		}, harness.Ending{Outcome: outcome.Completed})
	})
}

// TestAStreamThatEndsBeforeAnythingWasPassedOnIsTakenUpByAnotherChannel sends events, but none that says anything to the client.
func TestAStreamThatEndsBeforeAnythingWasPassedOnIsTakenUpByAnotherChannel(t *testing.T) {
	harness.InMatrix(t, "F14")
	harness.InEveryVariant(t, harness.Streaming, func(t *testing.T, v harness.Variant) {
		s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			if harness.VoiceFor(r).Anthropic {
				harness.Say(w, harness.VoiceFor(r).KeepAlive())
			} else {
				harness.Say(w, harness.Event("", ""))
			}
		}})
		s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), harness.Ending{
			Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated",
		})
	})
}

// requireEndingOfAll is a case without anything special.
func requireEndingOfAll(t *testing.T, v harness.Variant, handle func(v harness.Variant, w http.ResponseWriter, r *http.Request), want harness.Ending) {
	t.Helper()
	s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) { handle(v, w, r) }})
	s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), want)
}
