package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"one-api/relay/channel"
	"one-api/relay/outcome"
)

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		a            Attempt
		fresh, begun bool
	}{
		{"no connection", Attempt{Result: channel.Result{Outcome: outcome.ConnectFailed}}, true, true},
		{"a reset before the header", Attempt{Result: channel.Result{Outcome: outcome.UpstreamReset}}, true, true},
		{"a reset behind the header", Attempt{Result: channel.Result{Outcome: outcome.UpstreamReset}, Status: 200}, false, true},
		{"cut short", Attempt{Result: channel.Result{Outcome: outcome.UpstreamTruncated}, Status: 200}, false, true},
		{"no header in time", Attempt{Result: channel.Result{Outcome: outcome.HeaderTimeout}}, false, false},
		{"no content in time", Attempt{Result: channel.Result{Outcome: outcome.FirstTokenTimeout}, Status: 200}, false, false},
		{"silence", Attempt{Result: channel.Result{Outcome: outcome.IdleTimeout}, Status: 200}, false, false},
		{"too large", Attempt{Result: channel.Result{Outcome: outcome.TooLarge}, Status: 200}, false, false},
		{"malformed", Attempt{Result: channel.Result{Outcome: outcome.UpstreamMalformed}, Status: 200}, false, false},
		{"ended by an operator", Attempt{Result: channel.Result{Outcome: outcome.OperatorEnded}}, false, false},
		{"the client has left", Attempt{Result: channel.Result{Outcome: outcome.ClientGone}}, false, false},
		{"an error event of a server", Attempt{Result: channel.Result{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassServer}, Status: 200}, true, true},
		{"an error event about a rate", Attempt{Result: channel.Result{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassKeyLimited}, Status: 200}, true, true},
		{"an error event about the request", Attempt{Result: channel.Result{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassRequest}, Status: 200}, false, false},
		{"an error event about the key", Attempt{Result: channel.Result{Outcome: outcome.UpstreamErrorEvent, Class: outcome.ClassKeyRefused}, Status: 200}, false, false},
	} {
		c.a.Failure = &outcome.Failure{Outcome: c.a.Outcome, Class: c.a.Class}
		assert.Equal(t, c.fresh, c.a.Transient(false), c.name)
		assert.Equal(t, c.begun, c.a.Transient(true), c.name+", with content")
	}
	for status, want := range map[int]bool{429: true, 500: true, 502: true, 503: true, 529: true, 408: false, 501: false, 504: false, 520: false} {
		a := Attempt{Result: channel.Result{Outcome: outcome.UpstreamStatus, Class: outcome.ClassServer, Failure: &outcome.Failure{Status: status}}}
		assert.Equal(t, want, a.Transient(false), status)
		a.Class = outcome.ClassKeyRefused // no quota, with a 429; a bad key, with a 500
		assert.False(t, a.Transient(false), status)
		a.Class = outcome.ClassRequest
		assert.False(t, a.Transient(false), status)
	}
	a := Attempt{Result: channel.Result{Outcome: outcome.UpstreamStatus, Class: outcome.ClassKeyLimited, Failure: &outcome.Failure{Status: 429, RetryAfter: 5 * time.Second}}}
	assert.True(t, a.Transient(false))
	a.Failure.RetryAfter += time.Millisecond
	assert.False(t, a.Transient(false), "nobody is kept waiting for longer")
}
