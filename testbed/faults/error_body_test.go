package faults

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

var padding = strings.Repeat("x", 1<<20)

// errorBodies is what a provider's error can look like on the wire. readable tells whether its words have arrived, endless
// whether nothing but a clock ends it.
var errorBodies = []struct {
	name     string
	readable bool
	endless  bool
	say      func(w http.ResponseWriter, r *http.Request, body string)
}{
	{"empty", false, false, func(http.ResponseWriter, *http.Request, string) {}},
	{"with trailing bytes and trailers", true, false, func(w http.ResponseWriter, _ *http.Request, body string) {
		harness.Say(w, body[:10])
		harness.Say(w, body[10:])
		harness.Say(w, "\n\n   \r\n")
		w.Header().Set(http.TrailerPrefix+"X-Trailer", "late")
	}},
	{"1 MiB long", false, false, func(w http.ResponseWriter, _ *http.Request, body string) {
		_, _ = io.WriteString(w, body[:len(body)-1]+`,"padding":"`)
		_, _ = io.WriteString(w, padding)
		harness.Say(w, `"}`)
	}},
	{"endless", false, false, func(w http.ResponseWriter, r *http.Request, body string) {
		harness.Say(w, body[:len(body)-1]+`,"padding":"`)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, padding[:4<<10]); err != nil {
				return
			}
		}
	}},
	{"reset half-way", false, false, func(w http.ResponseWriter, _ *http.Request, body string) {
		harness.Say(w, body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}},
	{"silent half-way", false, true, func(w http.ResponseWriter, r *http.Request, body string) {
		harness.Say(w, body[:len(body)/2])
		<-r.Context().Done()
	}},
	{"whole but never ending", true, true, func(w http.ResponseWriter, r *http.Request, body string) {
		harness.Say(w, body)
		<-r.Context().Done()
	}},
	{"shorter than its Content-Length", true, false, func(w http.ResponseWriter, _ *http.Request, body string) {
		harness.Say(w, body)
		panic(http.ErrAbortHandler)
	}},
}

func TestAnUpstreamsErrorIsPassedOnHoweverItsBodyComes(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F2")
	statuses := map[string]struct {
		upstream, client int
		kind             string // in the provider's words
	}{
		"500": {http.StatusInternalServerError, http.StatusBadGateway, "api_error"},
		"503": {http.StatusServiceUnavailable, http.StatusBadGateway, "api_error"},
		"400": {http.StatusBadRequest, http.StatusBadRequest, "invalid_request_error"},
		"429": {http.StatusTooManyRequests, http.StatusTooManyRequests, "rate_limit_error"},
	}
	for _, endless := range []bool{false, true} { // by a clock for each
		all, clock := mishaps{}, harness.Patience
		if endless {
			clock = 300 * time.Millisecond
		}
		for _, body := range errorBodies {
			if body.endless != endless {
				continue
			}
			for name, status := range statuses {
				want := harness.Ending{
					Outcome: outcome.UpstreamStatus, Status: status.client, Final: status.upstream == http.StatusBadRequest,
					Message: "the upstream answered with status " + name, Header: map[string]string{"Retry-After": "7"},
				}
				if body.readable {
					want.Message = harness.Complained
				}
				all[body.name+", "+name] = mishap{ending: want, handle: func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
					text := harness.VoiceFor(r).Complaint(status.kind, "", harness.Complained)
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Retry-After", "7")
					if strings.Contains(body.name, "Content-Length") {
						w.Header().Set("Content-Length", fmt.Sprint(len(text)+100))
					}
					w.WriteHeader(status.upstream)
					body.say(w, r, text)
				}}
			}
		}
		all.inEveryVariant(t, plan{waits: endless, options: []harness.RelayOption{harness.WithErrorBodyTimeout(clock)}}, func(t *testing.T, s *scene, _ map[string]harness.Heard) {
			about := map[string]string{}
			for _, w := range s.ways {
				about[w.Name] = w.About
			}
			for _, a := range s.Recorded() {
				if name, faulty := about[a.Channel.Name]; faulty {
					require.True(t, strings.HasSuffix(name, ", "+a.Failure.ErrorType()), "the status is the error's type")
				}
			}
		})
	}
}
