package controller

import (
	"one-api/relay/exchange"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/resume"
)

// What a call does to finish a stream that has broken off.

// prepareRescue begins to follow a stream that another channel may have to finish.
func (c *call) prepareRescue() {
	c.transcript.Close()
	c.transcript = nil
	if c.current.Stream && c.Directory.Channels.Resumes(&c.Select) {
		if how := lane.Rescue(c.End.Endpoint); how != nil {
			c.transcript = resume.NewTranscript(&c.Client, how, c.current.Options.Usage, &c.Held)
		}
	}
	c.current.Keep = c.transcript != nil
}

// resumes is movesOn for a stream that broke off and that another channel may finish. What the client is told of, if none can,
// is why it broke off, and not why it could not be finished.
func (c *call) resumes(attempt *record.Attempt) bool {
	verdict := attempt.Failure.Verdict()
	ours := c.over()
	switch attempt.Outcome {
	case outcome.ClientGone, outcome.ClientStalled, outcome.Shutdown, outcome.Panic:
		ours = true
	default: // the upstream's
	}
	added := c.transcript.Noted() > c.noted
	c.noted = c.transcript.Noted()
	switch {
	case ours:
		c.failed = attempt.Failure
		return false
	case !added && c.resuming:
		return true // asked for the rest, and it had none to give: the next one may
	}
	c.failed = attempt.Failure
	if !verdict.MoveOn || !c.transcript.Resumable() || !c.resuming && !c.transcript.Continuable(c.current.Body) {
		return false
	}
	c.resuming, c.current.Prefix = true, c.transcript.Text()
	c.Select.BreaksOff(attempt.Channel, c.current.Prefix != "")
	return true
}

// downstream is what the exchange writes the answer to.
//
//go:noinline
func (c *call) downstream() exchange.Downstream {
	switch {
	case c.resuming:
		c.End.Resumed++
		if c.anew {
			return c.transcript.Anew()
		}
		return c.transcript.Continue(c.exchange.HidesSpace())
	case c.transcript != nil:
		return c.transcript
	}
	return &c.Client
}

// beginsAnew reports whether the channel that just refused to continue a message is asked for the whole answer instead. From
// any other attempt on, the next one is asked to continue it.
func (c *call) beginsAnew() bool {
	if !c.resuming {
		return false
	}
	if c.anew || c.left == 0 || c.current.Prefix == "" || !c.last.Refused() {
		c.continues()
		return false
	}
	c.anew, c.current.Prefix = true, ""
	return true
}

// continues has the next attempt of a rescue go on with what the client has.
func (c *call) continues() {
	if c.anew {
		c.anew, c.current.Prefix = false, c.transcript.Text()
	}
}
