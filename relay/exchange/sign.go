package exchange

import (
	"net/http"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/upstream"
	"one-api/relay/wire"
)

// address completes a request: where it goes, what the operator adds to its header and, when nothing of it changes any more, who asks.
func (x *Exchange) address(r *lane.Outgoing) *outcome.Failure {
	for name, value := range x.Channel.Headers {
		r.Header.Set(name, value)
	}
	if wire.First(r.Header, "User-Agent") == "" {
		r.Header["User-Agent"] = upstream.UserAgent
	}
	if x.call.RequestID != "" { // not for the relay's own questions
		x.trace(r.Header)
	}
	x.at = x.Channel.Addresses.Of(r.Path, r.Query)
	return x.sign(r)
}

// sign shows the upstream who asks. What the operator has put into that header stands.
func (x *Exchange) sign(r *lane.Outgoing) *outcome.Failure {
	if x.Channel.Tokens != nil {
		if _, given := x.Channel.Headers["Authorization"]; given {
			return nil
		}
		return x.showToken(r)
	}
	auth := x.Channel.Auth
	if _, given := x.Channel.Headers[auth.Header]; given && auth.Header != "" {
		return nil
	}
	if auth.Sign == nil { // the header will do
		if auth.Header != "" && x.Key.Secret != "" {
			r.Header[auth.Header] = x.Key.Shown(auth.Before)
		}
		return nil
	}
	return x.signed(x.outgoing(r).Sign(x.client, auth, x.Key.Secret))
}

// signed is the failure of a request that could not be signed; nil if it could.
func (x *Exchange) signed(err error) *outcome.Failure {
	if err == nil {
		return nil
	}
	if f := x.interrupted(); f != nil {
		return f
	}
	return x.censored(&outcome.Failure{Outcome: outcome.ConnectFailed, Detail: "the request could not be signed: " + err.Error(),
		Err: &wire.Error{
			Status: http.StatusBadGateway, Type: "api_error", Code: outcome.ConnectFailed.String(), Message: "the upstream could not be asked",
		}})
}
