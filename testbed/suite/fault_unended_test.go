package suite

import (
	"net/http"
	"testing"
	"time"

	"one-api/relay/outcome"
)

// F14: an upstream that has said all, and does not end.

// TestAnAnswerThatHasSaidAllIsCompleteThoughItsStreamNeverEnds: every choice has its end reason, so nothing is missing but the
// terminator, and the client gets that. Its usage may follow, but not for ever.
func TestAnAnswerThatHasSaidAllIsCompleteThoughItsStreamNeverEnds(t *testing.T) {
	long(t)
	inMatrix(t, "F14")
	complete := ending{outcome: outcome.Completed}
	all := mishaps{}
	for name, then := range map[string]func(voice) string{
		"silence":        nil,
		"comments":       func(voice) string { return ": still here\n\n" },
		"pings":          voice.keepAlive,
		"unknown events": func(voice) string { return event("progress", `{"type":"progress"}`) },
	} {
		for _, timeouts := range []string{"idle: 40s", "idle: 1s"} {
			all["its end, and "+name+" with "+timeouts] = mishap{fits: streaming, timeouts: timeouts, ending: complete, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
				v.begin(w, r, fromFaulty)
				say(w, voiceFor(r).beforeTerminator())
				if then == nil {
					<-r.Context().Done()
					return
				}
				every(r, 100*time.Millisecond, func() bool { say(w, then(voiceFor(r))); return true })
			}}
		}
	}
	all.inVariants(t, atMostEach(), plan{waits: true})
}
