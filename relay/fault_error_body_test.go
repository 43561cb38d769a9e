package relay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
)

// F2: an upstream's error, however its body comes.

const complained = "the provider says why"

// errorBodies is what a provider's error can look like on the wire. readable tells whether its words have arrived.
var errorBodies = []struct {
	name     string
	readable bool
	say      func(w http.ResponseWriter, r *http.Request, body string)
}{
	{"empty", false, func(http.ResponseWriter, *http.Request, string) {}},
	{"with trailing bytes and trailers", true, func(w http.ResponseWriter, _ *http.Request, body string) {
		say(w, body[:10])
		say(w, body[10:])
		say(w, "\n\n   \r\n")
		w.Header().Set(http.TrailerPrefix+"X-Trailer", "late")
	}},
	{"1 MiB long", false, func(w http.ResponseWriter, _ *http.Request, body string) {
		say(w, body[:len(body)-1]+`,"padding":"`+strings.Repeat("x", 1<<20)+`"}`)
	}},
	{"endless", false, func(w http.ResponseWriter, r *http.Request, body string) {
		say(w, body[:len(body)-1]+`,"padding":"`)
		block := strings.Repeat("x", 32<<10)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
	}},
	{"reset half-way", false, func(w http.ResponseWriter, _ *http.Request, body string) {
		say(w, body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}},
	{"silent half-way", false, func(w http.ResponseWriter, r *http.Request, body string) {
		say(w, body[:len(body)/2])
		<-r.Context().Done()
	}},
	{"whole but never ending", true, func(w http.ResponseWriter, r *http.Request, body string) {
		say(w, body)
		<-r.Context().Done()
	}},
	{"shorter than its Content-Length", true, func(w http.ResponseWriter, _ *http.Request, body string) {
		say(w, body)
		panic(http.ErrAbortHandler)
	}},
}

func TestAnUpstreamsErrorIsPassedOnHoweverItsBodyComes(t *testing.T) {
	statuses := []struct {
		upstream, client int
		kind             string // in the provider's words
	}{
		{http.StatusInternalServerError, http.StatusBadGateway, "api_error"},
		{http.StatusServiceUnavailable, http.StatusBadGateway, "api_error"},
		{http.StatusBadRequest, http.StatusBadRequest, "invalid_request_error"},
		{http.StatusTooManyRequests, http.StatusTooManyRequests, "rate_limit_error"},
	}
	for _, body := range errorBodies {
		for _, status := range statuses {
			t.Run(fmt.Sprintf("%s %d", body.name, status.upstream), func(t *testing.T) {
				inEveryVariant(t, nil, func(t *testing.T, v variant) {
					s := newScene(t, v, plan{
						options: []relayOption{withErrorBodyTimeout(60 * time.Millisecond)},
						handle: func(w http.ResponseWriter, r *http.Request) {
							text := voiceFor(r).complaint(status.kind, "", complained)
							w.Header().Set("Content-Type", "application/json")
							w.Header().Set("Retry-After", "7")
							if strings.Contains(body.name, "Content-Length") {
								w.Header().Set("Content-Length", fmt.Sprint(len(text)+100))
							}
							w.WriteHeader(status.upstream)
							body.say(w, r, text)
						},
					})
					want := ending{
						outcome: channel.UpstreamStatus, status: status.client, final: status.upstream == http.StatusBadRequest,
						message: fmt.Sprintf("the upstream answered with status %d", status.upstream),
						header:  map[string]string{"Retry-After": "7"},
					}
					if body.readable {
						want.message = complained
					}
					s.requireEnding(t, s.callAll(context.Background(), ear{}), want)
					for _, a := range s.recorded() {
						if a.Outcome == channel.UpstreamStatus {
							require.Equal(t, fmt.Sprint(status.upstream), a.Failure.ErrorType())
						}
					}
				})
			})
		}
	}
}
