package exchange

import (
	"context"
	"errors"
	"net/http"

	"one-api/relay/breaker"
	"one-api/relay/credential"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/upstream"
	"one-api/relay/wire"
)

// Some clouds take a token that lives for an hour, and no key. It is fetched for all calls of a channel together. A call that comes before
// there is one waits for it on the clock of connecting, since nothing of it has been sent yet.

// shown is the token that an upstream is shown.
type shown struct {
	*credential.Token
	own    bool // it has been fetched for this call
	second bool // the upstream has refused another one
}

// showToken shows the upstream the channel's token.
func (x *Exchange) showToken(r *lane.Outgoing) *outcome.Failure {
	from := x.Channel.Tokens
	t := from.Kept()
	own := t == nil
	if own {
		var f *outcome.Failure
		if t, f = x.awaitToken(from); f != nil {
			return f
		}
	}
	x.hold.shown = &shown{t, own, x.hold.shown != nil}
	if auth := x.Channel.Auth; auth.Sign != nil { // it is something to sign with
		return x.signed(x.outgoing(r).Sign(x.client, auth, t.Secret()))
	}
	r.Header["Authorization"] = t.Header()
	return nil
}

// awaitToken waits for a token, until the call has to be connected.
func (x *Exchange) awaitToken(from *credential.Source) (*credential.Token, *outcome.Failure) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(x.client))
	defer cancel(nil)
	x.hold.canceler.Hold(func() { cancel(context.Canceled) })
	deadline, as := x.connectPhase()
	asked := breaker.Now()
	x.hold.clock.until(asked, deadline, as)
	t, err := from.Wait(ctx)
	x.hasWaited(asked)
	x.hold.canceler.Drop()
	if err == nil {
		return t, nil
	}
	return nil, x.tokenless(err)
}

// tokenless is the failure of a call for which there is no token.
func (x *Exchange) tokenless(err error) *outcome.Failure {
	var known *credential.Error
	if !errors.As(err, &known) {
		f := x.broken(err, false)
		switch f.Outcome {
		case outcome.ConnectFailed:
			x.sent = true
			f.Detail = "the token endpoint did not answer in time"
		case outcome.ClientGone: // as one that leaves while a connection is made: the operator is told whom it has waited for
			x.sent = true
			f.Detail = "the token endpoint had not answered when the client left"
		default:
		}
		return f
	}
	x.sent = true // it counts against the channel, as if that could not be reached
	f := &outcome.Failure{Outcome: outcome.ConnectFailed, Detail: known.Text, Err: &wire.Error{
		Status: http.StatusBadGateway, Type: "api_error", Code: outcome.ConnectFailed.String(),
		Message: "the upstream could not be asked: it takes tokens, and none could be had",
	}}
	if known.Refused {
		f = outcome.RefusedCredentials(known.Text)
	}
	return x.censored(f)
}

// renews prepares for sending the call once more, with a new token: the upstream has refused one that it had taken before, as it does
// when an account's keys are changed, or after a sleep of the machine that no clock has noticed. That is the same attempt.
func (x *Exchange) renews(f *outcome.Failure) bool {
	shown := x.hold.shown
	if shown == nil || f.Outcome != outcome.UpstreamStatus || f.Status != http.StatusUnauthorized && f.Class != outcome.ClassKeyRefused {
		return false
	}
	again := x.Channel.Tokens.Refused(shown.Token)
	if !again || shown.own || shown.second || x.hold.canceler.Why() != nil {
		return false
	}
	x.again()
	return true
}

// again prepares for another request of the same attempt.
func (x *Exchange) again() {
	x.unspread()
	x.waited += x.body.waited
	x.answer, x.body = upstream.Answer{}, body{}
}
