package relay

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"one-api/relay/channel"
)

// F14: an error, or an early end, inside an answer that began with status 200.

func TestAnErrorInsideAnAnswerIsAnError(t *testing.T) {
	inMatrix(t, "F14")
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
		want := ending{outcome: channel.UpstreamErrorEvent, status: tc.status, final: tc.final, message: complained}
		t.Run(name+", at once", func(t *testing.T) {
			inEveryVariant(t, nil, func(t *testing.T, v variant) { requireEndingOfAll(t, v, fault(true), want) })
		})
		want.cut = true
		t.Run(name+", in the middle", func(t *testing.T) {
			inEveryVariant(t, streaming, func(t *testing.T, v variant) { requireEndingOfAll(t, v, fault(false), want) })
		})
	}
}

func TestAStreamThatEndsWithoutItsTerminatorIsNotComplete(t *testing.T) {
	inMatrix(t, "F14")
	for name, body := range map[string]func(voice) string{
		"in the middle":                  func(v voice) string { return v.opening(fromFaulty) },
		"between its end and the marker": func(v voice) string { return v.opening(fromFaulty) + v.beforeTerminator() },
	} {
		t.Run(name, func(t *testing.T) {
			inEveryVariant(t, streaming, func(t *testing.T, v variant) {
				requireEndingOfAll(t, v, func(v variant, w http.ResponseWriter, r *http.Request) {
					v.header(w)
					say(w, body(voiceFor(r)))
				}, ending{outcome: channel.UpstreamTruncated, code: "upstream_truncated", cut: true})
			})
		})
	}
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
			outcome: channel.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated",
		})
	})
}

// TestAStreamThatEndsInTheMiddleOfAnEventIsNotComplete ends in good order as far as HTTP is concerned, as it does behind a proxy
// that lost its own upstream.
func TestAStreamThatEndsInTheMiddleOfAnEventIsNotComplete(t *testing.T) {
	inMatrix(t, "F14")
	inEveryVariant(t, streaming, func(t *testing.T, v variant) {
		requireEndingOfAll(t, v, func(v variant, w http.ResponseWriter, r *http.Request) {
			v.header(w)
			more := voiceFor(r).more("cut")
			say(w, voiceFor(r).opening(fromFaulty)+more[:strings.Index(more, "cut")])
		}, ending{outcome: channel.UpstreamTruncated, code: "upstream_truncated", cut: true})
	})
}

// requireEndingOfAll is a case without anything special.
func requireEndingOfAll(t *testing.T, v variant, handle func(v variant, w http.ResponseWriter, r *http.Request), want ending) {
	t.Helper()
	s := newScene(t, v, plan{handle: func(w http.ResponseWriter, r *http.Request) { handle(v, w, r) }})
	s.requireEnding(t, s.callAll(context.Background(), ear{}), want)
}
