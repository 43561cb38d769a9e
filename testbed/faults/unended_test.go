package faults

import (
	"net/http"
	"testing"
	"time"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F14: an upstream that has said all, and does not end.

// TestAnAnswerThatHasSaidAllIsCompleteThoughItsStreamNeverEnds: every choice has its end reason, so nothing is missing but the
// terminator, and the client gets that. Its usage may follow, but not for ever.
func TestAnAnswerThatHasSaidAllIsCompleteThoughItsStreamNeverEnds(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F14")
	complete := harness.Ending{Outcome: outcome.Completed}
	all := mishaps{}
	for name, then := range map[string]func(harness.Voice) string{
		"silence":        nil,
		"comments":       func(harness.Voice) string { return ": still here\n\n" },
		"pings":          harness.Voice.KeepAlive,
		"unknown events": func(harness.Voice) string { return harness.Event("progress", `{"type":"progress"}`) },
	} {
		for _, timeouts := range []string{"idle: 40s", "idle: 1s"} {
			all["its end, and "+name+" with "+timeouts] = mishap{fits: harness.Streaming, timeouts: timeouts, ending: complete, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
				v.Begin(w, r, harness.FromFaulty)
				harness.Say(w, harness.VoiceFor(r).BeforeTerminator())
				if then == nil {
					<-r.Context().Done()
					return
				}
				harness.Every(r, 100*time.Millisecond, func() bool { harness.Say(w, then(harness.VoiceFor(r))); return true })
			}}
		}
	}
	all.inVariants(t, harness.AtMostEach(), plan{waits: true})
}
