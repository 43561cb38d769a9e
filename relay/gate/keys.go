package gate

import (
	"net/http"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/inflight"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// keys finds out who calls.
type keys struct {
	noExit[*Admission]
	directory func() *Directory
	throttle  *Throttle
	tracing   *telemetry.Tracing
}

// Enter refuses with 401, to who guesses with a delay.
func (k *keys) Enter(a *Admission) *outcome.Refusal {
	if a.Key, a.Directory = k.caller(a.R); a.Key == nil {
		a.End.Waited = time.Since(a.End.Began)
		return RefuseKey(a.End.Endpoint.Format())
	}
	a.trace(k.tracing)
	a.End.Token, a.Asked.Token = a.Key.Name, a.Key.Name
	return nil
}

func (k *keys) caller(r *http.Request) (*apikey.Key, *Directory) {
	directory := k.directory()
	key := directory.Keys.FindIn(r.Header)
	if key == nil {
		k.throttle.Refused(r)
	}
	return key, directory
}

// RefuseKey is what a client is told that has shown no valid key.
func RefuseKey(format wire.Format) *outcome.Refusal {
	how := "Authorization: Bearer sk-…"
	if format == wire.Anthropic {
		how = "x-api-key: sk-…"
	}
	return &outcome.Refusal{Reason: outcome.BadAuth, Err: &wire.Error{
		Status: http.StatusUnauthorized, Type: "authentication_error", Code: "invalid_api_key",
		Message: "No valid API key was given. Send one as `" + how + "`.",
	}}
}

// listing lists the calls in flight. Those are somebody's: strangers are counted and bounded elsewhere.
type listing struct{ list *inflight.List }

// Enter never refuses.
func (l listing) Enter(a *Admission) *outcome.Refusal {
	l.list.Add(&a.Flight, &a.End, &a.Client)
	return nil
}

// Exit takes the call out.
func (l listing) Exit(a *Admission) { l.list.Remove(&a.Flight) }
