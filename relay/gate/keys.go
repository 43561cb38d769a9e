package gate

import (
	"net/http"
	"net/netip"
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
	// from is the address that a request comes from.
	from func(*http.Request) netip.Addr
}

// Enter refuses a key that is not valid with 401, after a delay if the client guesses, and one that is used from where it may not be
// with 403.
func (k *keys) Enter(a *Admission) (refusal *outcome.Refusal) {
	if a.Key, a.Directory, refusal = k.caller(a.R, a.End.Endpoint.Format()); refusal != nil {
		a.End.Waited = time.Since(a.End.Began)
		return refusal
	}
	a.trace(k.tracing)
	a.End.Token, a.Asked.Token = a.Key.Name, a.Key.Of
	return nil
}

func (k *keys) caller(r *http.Request, format wire.Format) (*apikey.Key, *Directory, *outcome.Refusal) {
	directory := k.directory()
	key, why := directory.Keys.FindIn(r, k.from, besideHeader(r)...)
	switch {
	case key != nil:
		return key, directory, nil
	case why != apikey.Unknown:
		return nil, directory, refuseClosed(why)
	}
	k.throttle.Refused(r)
	return nil, directory, refuseKey(format)
}

// refuseClosed is what a client is told if its key is known and opens nothing.
func refuseClosed(why apikey.Why) *outcome.Refusal {
	e := &wire.Error{Status: http.StatusUnauthorized, Type: "authentication_error"}
	switch why {
	case apikey.Disabled:
		e.Code, e.Message = "api_key_disabled", "This API key is disabled; the operator of this relay can enable it."
	case apikey.Expired:
		e.Code, e.Message = "api_key_expired", "This API key has expired; the operator of this relay can renew it."
	case apikey.Pinned:
		*e = wire.Error{
			Status: http.StatusForbidden, Type: "permission_error", Code: "channel_not_selectable",
			Message: "This API key has the number of a channel behind it, and a channel cannot be chosen here: send the key without `-` " +
				"and the number.",
		}
	default:
		*e = wire.Error{
			Status: http.StatusForbidden, Type: "permission_error", Code: "address_not_allowed",
			Message: "This API key may not be used from this address; the operator of this relay says from which it may.",
		}
	}
	return &outcome.Refusal{Reason: outcome.BadAuth, Err: e}
}

// refuseKey is what a client is told if it has shown no valid key.
func refuseKey(format wire.Format) *outcome.Refusal {
	how := "Authorization: Bearer sk-…"
	switch format {
	case wire.Anthropic:
		how = "x-api-key: sk-…"
	case wire.Gemini, wire.GeminiList:
		how = "x-goog-api-key: sk-…"
	default:
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
	conn := servingOf(a)
	if conn != nil {
		a.Flight.Watch()
	}
	l.list.Add(&a.Flight, &a.End, &a.Client)
	if conn != nil {
		conn.Serves(&a.Flight)
		if a.R.Context().Err() != nil { // by now whoever ends it finds the call
			a.Flight.ClientLeaves()
		}
	}
	return nil
}

// Exit takes the call out.
func (l listing) Exit(a *Admission) {
	if a.Flight.Watched() {
		servingOf(a).Serves(nil)
	}
	l.list.Remove(&a.Flight)
}
