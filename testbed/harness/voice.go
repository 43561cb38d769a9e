package harness

import (
	"io"
	"net/http"
	"time"

	"one-api/testbed/internal/voice"
)

// Voice is what a provider says in its wire format. Answers are chunked: a body that is short and has a Content-Length hides
// most of what these tests look for.
type Voice = voice.Voice

// VoiceFor knows the provider by the path that it is asked on.
func VoiceFor(r *http.Request) Voice { return voice.For(r) }

// Event is an event of server-sent events; without a name: its data alone.
func Event(name, data string) string { return voice.Event(name, data) }

// Header begins an answer of the kind that the variant's clients ask for.
func (v Variant) Header(w http.ResponseWriter) {
	v.Kind(w)
	_ = http.NewResponseController(w).Flush()
}

// Kind begins it too, and sends nothing yet.
func (v Variant) Kind(w http.ResponseWriter) {
	kind := "application/json"
	if v.Stream {
		kind = "text/event-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
}

// AsIn is the variant with the kind of answer that a request asks for.
func (v Variant) AsIn(r *http.Request) Variant {
	v.Stream = asked(r).Stream
	return v
}

// Answer is a good answer, whole or as a stream.
func (v Variant) Answer(w http.ResponseWriter, r *http.Request, text string) {
	v.Header(w)
	if v.Stream {
		Say(w, VoiceFor(r).Opening(text)+VoiceFor(r).Closing())
		return
	}
	Say(w, VoiceFor(r).Whole(text))
}

// Begin is the first part of an answer: a stream up to the text, or half of a whole answer, the text included. It is sent in one
// piece with the header, so that the short clocks of those who fall silent behind it have nothing to measure before.
func (v Variant) Begin(w http.ResponseWriter, r *http.Request, text string) {
	v.Kind(w)
	if v.Stream {
		Say(w, VoiceFor(r).Opening(text))
		return
	}
	whole := VoiceFor(r).Whole(text)
	Say(w, whole[:len(whole)*3/4])
}

// Say sends text now.
func Say(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

// Every does something at the upstream's pace, until it says that it is done or the relay has gone.
func Every(r *http.Request, pace time.Duration, do func() bool) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for do() {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
