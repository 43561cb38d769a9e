package exchange

import (
	"one-api/relay/lane"
	"one-api/relay/outcome"
)

// Send asks the upstream. On success the answer is a 2xx and waits to be relayed.
func (x *Exchange) Send(call *lane.Call) *outcome.Failure {
	x.call = call
	x.noteSent()
	x.chunks = x.Channel.Metrics.Chunks(call.Endpoint.Operation())
	x.lease(call)
	if x.Channel.OnResponses(call.Endpoint, call.Model) {
		x.place = onResponses
	}
	failure := x.request(call)
	for failure != nil && (x.withdraws() || x.renews(failure)) {
		failure = x.telling(failure, x.request(call))
	}
	if failure != nil {
		return failure
	}
	if x.has(withoutUsage) || x.thoughtful || x.droppedReasoning() || x.place == movedThere {
		x.told(x.span.In(x.client))
	}
	x.Taken()
	if x.hold.shown != nil {
		x.hold.shown.Accepted()
	}
	if !x.body.unpack(x.answer.Encoding) {
		return outcome.Malformed("the answer has a Content-Encoding that was not asked for")
	}
	x.translates()
	return nil
}

// request sends the request, and waits for the header of a 2xx.
func (x *Exchange) request(call *lane.Call) *outcome.Failure {
	request, failure := x.prepare(call)
	if failure != nil {
		return failure
	}
	x.asksUsage = request.AsksUsage
	request.Header["Accept-Encoding"] = unpacked
	if failure := x.address(&request); failure != nil {
		return failure
	}
	if !x.sent && x.Because != "" {
		x.Channel.Metrics.Retry(x.Because)
	}
	x.sent = true
	connected, err := x.ask(&request)
	if err != nil {
		return x.broken(err, connected)
	}
	x.opened()
	if x.answer.Status < 200 || x.answer.Status > 299 {
		return x.refused(true)
	}
	return nil
}

// unpacked asks for answers that are not compressed. gzip is unpacked if it comes all the same. But a provider that was asked for it
// would hold events back to compress them better, and compressing a whole answer takes both ends longer than the network takes to
// send it.
var unpacked = []string{"identity"}

// opened takes in an answer whose header has come.
func (x *Exchange) opened() {
	x.hold.opened(x.answer.Body, x.answer.CloseFirst)
	x.spread()
	x.body = body{source: x.answer.Body, clock: &x.hold.clock, came: x.body.came}
	if x.call.Stream && !x.passesBy() {
		x.body.silence = x.silencePhase
	} else {
		x.body.by(after(x.Began, x.Channel.Timeouts.Header), outcome.HeaderTimeout)
	}
}
