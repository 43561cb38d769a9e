package controller

import (
	"errors"
	"net/http"

	"one-api/relay/exchange"
	"one-api/relay/gate"
	"one-api/relay/lane"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// estimates answers a client who asks how many tokens a request has, if nobody who would know could be asked, or has answered: with an
// estimate, whose header says so. It asks nobody and costs nothing. c.failed is what the client is told otherwise, and is nil if it has
// been answered.
func (c *call) estimates() {
	if _, counts := c.End.Endpoint.Counts(); !counts || c.left == turnedAway || !c.estimable(c.failed) {
		return
	}
	var held membudget.Lease
	c.of.Gates.Lease(&held, c.Key)
	defer held.Release()
	if err := held.Hold(exchange.Conversion(c.current.Body)); err != nil {
		c.refuse(outcome.RefuseNoRoom(err))
		return
	}
	answer, err := lane.Estimate(c.End.Endpoint, c.current.Body)
	if err != nil {
		var wrong *wire.Error
		if errors.As(err, &wrong) {
			c.refuse(&outcome.Refusal{Reason: outcome.BadBody, Err: wrong})
		}
		return
	}
	c.W.Header().Set(gate.EstimatedHeader, "true")
	c.failed, c.End.Reason, c.End.Outcome = nil, "", outcome.Completed
	if err := c.Client.Whole(answer); err != nil {
		c.failed = outcome.Gone()
	}
}

// estimable reports whether a number of tokens can be guessed after a failure: not if the request is wrong in itself, or refers to what
// only its upstream has, or has ended.
func (c *call) estimable(f *outcome.Failure) bool {
	if f == nil || c.Client.Started() || c.over() || c.Select.Only != nil {
		return false
	}
	switch f.Outcome {
	case outcome.Rejected: // there was no channel, or none with room; else the request cannot be said
		return f.Err.Status == http.StatusTooManyRequests || f.Err.Status == http.StatusServiceUnavailable ||
			f.Err.Status == http.StatusNotFound // other models of the channel can be counted, and this one cannot
	case outcome.ClientGone, outcome.ClientStalled, outcome.OperatorEnded, outcome.Panic, outcome.Shutdown, outcome.Completed:
		return false
	default:
		return f.Class != outcome.ClassRequest
	}
}
