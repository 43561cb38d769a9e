package exchange

import (
	"context"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/upstream"
)

// asking is the exchange as its transport knows it.
type asking Exchange

func (a *asking) Canceler() upstream.Canceler { return &a.hold.canceler }

func (a *asking) Context() context.Context { return a.client }

func (a *asking) Connecting(again bool) {
	deadline, as := (*Exchange)(a).connectPhase()
	if again && as == outcome.ConnectFailed { // which it is only while nothing has been sent
		as = outcome.UpstreamReset
	}
	a.hold.clock.until(breaker.Now(), deadline, as)
}

func (a *asking) Connected() { (*Exchange)(a).awaitsHeader(breaker.Now()) }

func (a *asking) Sends(n *upstream.Sent) { a.hold.sends(n) }

// ask sends the request and waits for the answer's header, which it puts into x.answer. connected reports whether something of the
// request may have been sent.
func (x *Exchange) ask(r *lane.Outgoing) (connected bool, err error) {
	asked := breaker.Now()
	x.awaitsHeader(asked)
	connected, err = x.Channel.Transport.Do((*asking)(x), x.outgoing(r), &x.answer)
	x.hasWaited(asked)
	return connected, err
}

// awaitsHeader begins the wait for the answer's header, and hasWaited ends it.
func (x *Exchange) awaitsHeader(now int64) {
	deadline, as := x.headerPhase()
	x.hold.clock.until(now, deadline, as)
}

func (x *Exchange) hasWaited(since int64) {
	x.hold.clock.off()
	x.body.came = breaker.Now()
	x.waited += time.Duration(x.body.came - since)
}

// outgoing is a lane's request as a transport takes it.
func (x *Exchange) outgoing(r *lane.Outgoing) upstream.Request {
	return upstream.Request{Method: r.Method, At: x.at, Header: r.Header, Body: r.Body, Source: r.Source}
}
