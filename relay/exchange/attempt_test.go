package exchange

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"one-api/relay/outcome"
)

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		a            Attempt
		fresh, begun bool
	}{
		{"no connection", Attempt{Outcome: outcome.ConnectFailed}, true, true},
		{"a reset before the header", Attempt{Outcome: outcome.UpstreamReset}, true, true},
		{"a reset behind the header", Attempt{Outcome: outcome.UpstreamReset, Answered: true}, false, true},
		{"cut short", Attempt{Outcome: outcome.UpstreamTruncated, Answered: true}, false, true},
		{"no header in time", Attempt{Outcome: outcome.HeaderTimeout}, false, false},
		{"no content in time", Attempt{Outcome: outcome.FirstTokenTimeout, Answered: true}, false, false},
		{"silence", Attempt{Outcome: outcome.IdleTimeout, Answered: true}, false, false},
		{"too large", Attempt{Outcome: outcome.TooLarge, Answered: true}, false, false},
		{"malformed", Attempt{Outcome: outcome.UpstreamMalformed, Answered: true}, false, false},
		{"ended by an operator", Attempt{Outcome: outcome.OperatorEnded}, false, false},
		{"the client has left", Attempt{Outcome: outcome.ClientGone}, false, false},
		{"an error event of a server", Attempt{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassServer, Answered: true}, true, true},
		{"an error event about a rate", Attempt{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassKeyLimited, Answered: true}, true, true},
		{"an error event about the request", Attempt{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassRequest, Answered: true}, false, false},
		{"an error event about the key", Attempt{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassKeyRefused, Answered: true}, false, false},
	} {
		c.a.Failure = &outcome.Failure{Outcome: c.a.Outcome, Class: c.a.Class}
		assert.Equal(t, c.fresh, c.a.Transient(false), c.name)
		assert.Equal(t, c.begun, c.a.Transient(true), c.name+", with content")
	}
	for status, want := range map[int]bool{429: true, 500: true, 502: true, 503: true, 529: true, 408: false, 501: false, 504: false, 520: false} {
		a := Attempt{Outcome: outcome.UpstreamStatus, Class: outcome.ClassServer, Failure: &outcome.Failure{Status: status}}
		assert.Equal(t, want, a.Transient(false), status)
		a.Class = outcome.ClassKeyRefused // no quota, with a 429; a bad key, with a 500
		assert.False(t, a.Transient(false), status)
		a.Class = outcome.ClassRequest
		assert.False(t, a.Transient(false), status)
	}
	a := Attempt{Outcome: outcome.UpstreamStatus, Class: outcome.ClassKeyLimited, Failure: &outcome.Failure{Status: 429, RetryAfter: 5 * time.Second}}
	assert.True(t, a.Transient(false))
	a.Failure.RetryAfter += time.Millisecond
	assert.False(t, a.Transient(false), "nobody is kept waiting for longer")
}
