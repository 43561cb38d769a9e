package controller

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"one-api/relay/channel"
	"one-api/relay/exchange"
	"one-api/relay/format"
	"one-api/relay/gate"
	"one-api/relay/inflight"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/resume"
	"one-api/relay/wire"
)

// relay serves one call: its gates, channel after channel until one answers, and the one place that records how it ended. turn: it is
// made on a websocket.
//
// The other endpoints' middleware has no part in it, but their gates have. A stream waits for minutes below this function and attempt,
// so these two keep nothing on the stack, and what they call beforehand has returned by then. That decides whether an open stream
// holds a stack of 8 KiB or of 16.
func (c *Controller) relay(w http.ResponseWriter, r *http.Request, endpoint wire.Endpoint, turn bool) {
	one := c.newCall(w, r, endpoint, turn)
	defer one.leave()
	if one.begin() {
		for one.attempt() && one.goesOn() {
		}
	}
}

// call is one client's request on its way through the relay.
type call struct {
	gate.Admission
	of *Controller

	current  *lane.Call         // what the client asked for, or what has become of it
	exchange *exchange.Exchange // the attempt at hand; nil: none is being made
	failure  *outcome.Failure   // of the attempt at hand
	last     *record.Attempt    // that ended, if it failed; nil: it did not
	noted    int                // how often the client had been sent something before the attempt at hand
	failed   *outcome.Failure   // what the client has to be told

	transcript *resume.Transcript // of what the client has been sent; nil: a stream that breaks off stays so

	left     int8 // attempts that may be made; a hundred and one at the most, and turnedAway
	resuming bool // the stream broke off and is being finished
	anew     bool // and is begun anew for that: its upstream does not continue a message
	growth   int8 // how many larger models it has been given to
	upgraded bool // the connection is a websocket by now
	repeats  repeats
}

// turnedAway is how many attempts are left to a call that one of its gates has not let in.
const turnedAway = -1

//go:noinline
func (c *Controller) newCall(w http.ResponseWriter, r *http.Request, endpoint wire.Endpoint, turn bool) *call {
	one := &call{of: c}
	one.Turn = turn
	one.Arrive(w, r, endpoint)
	one.current = &one.Asked
	return one
}

// begin lets the request in, or turns it away; true: an attempt is to be made.
//
//go:noinline
func (c *call) begin() bool {
	refusal := c.of.Gates.Every.Enter(c, &c.Arrival.Passed)
	c.End.RequestID = c.ID()
	c.Client.Init(c.W, gate.AnsweredIn(c.End.Endpoint, c.R))
	if refusal == nil {
		refusal = c.of.Gates.Calls.Enter(&c.Admission, &c.Passed)
	}
	if refusal != nil {
		c.ReadAway()
		c.left = turnedAway
		if c.refuse(refusal); c.Flight.Ended() {
			c.failed = outcome.Ended(outcome.ErrOperator)
		}
		return false
	}
	switch {
	case c.End.Endpoint.Tunnels(): // before it is a websocket it is sent one answer, or none
	case c.current.Stream && c.End.Endpoint.Media(): // which kind of answer it is to be, nobody knows before it comes
		c.Client.PutOff(c.of.Settings.KeepAlive)
	case c.current.Stream:
		c.Client.KeepAlive(c.of.Settings.KeepAlive)
	}
	c.prepareRescue()
	c.left = int8(1 + c.of.Settings.RetryTimes) //nolint:gosec // RETRY_TIMES is 100 at the most
	return true
}

// leave ends the call, however it went: its client is answered, its end is recorded, and its gates are left.
func (c *call) leave() {
	recovered := recover()
	defer c.gone()
	c.finish(recovered)
	c.End.Duration = time.Since(c.End.Began)
	c.Settle()
	if c.Counted {
		c.of.Record.End(c.Ctx, &c.End)
	}
}

// gone takes the call out of the counts. It comes last, even after a panic in what should have dealt with panics.
func (c *call) gone() {
	if p := recover(); p != nil {
		c.logPanic(p)
		if c.Client.Status() == 0 {
			c.Client.Fail(outcome.Panicked().Err)
			c.End.Status = c.Client.Status()
		}
	}
	c.transcript.Close()
	c.of.Gates.Calls.Leave(&c.Admission, &c.Passed)
	c.of.Gates.Every.Leave(c, &c.Arrival.Passed)
	c.End.Free()
}

// choose begins an exchange with a channel; false: there is none that is left to be asked.
//
//go:noinline
func (c *call) choose() bool {
	c.left--
	if c.Flight.Ended() {
		c.failed = outcome.Ended(outcome.ErrOperator)
		return false
	}
	if c.exchange = c.next(); c.exchange == nil {
		return false
	}
	c.Flight.Begin(c.exchange)
	return true
}

// next begins an exchange: with the channel that was just asked where that is to be tried again first, with another one, or
// where none is left once more with the same; nil: with none.
func (c *call) next() *exchange.Exchange {
	c.Select.Last = c.left == 0
	if c.repeats.now {
		if x := c.again(); x != nil || c.over() {
			return x
		}
		c.Select.Exclude(&c.last.Result) // it was disabled meanwhile, or is full
		c.continues()
	}
	slot, refusal := c.Directory.Channels.Begin(&c.Select)
	switch {
	case refusal == nil:
		c.repeats.made = 0
		return c.begins(slot)
	case c.failed == nil:
		c.refuse(refusal)
	case c.onceMore():
		return c.again()
	}
	return nil
}

// begins begins an exchange in a slot.
func (c *call) begins(slot channel.Slot) *exchange.Exchange {
	if c.Flight.Watched() {
		return c.of.Door.NewUnwatched(c.Ctx, slot)
	}
	return c.of.Door.New(c.Ctx, slot)
}

// attempt is one exchange: begun, used and ended here, whatever happens in between. false: there was none to be begun.
func (c *call) attempt() (made bool) {
	if !c.choose() {
		return false
	}
	defer c.ended()
	made = true // even if there is a panic
	if c.End.Endpoint.Tunnels() {
		c.failure = c.exchange.Tunnel(c.current, c.upgrade)
		return made
	}
	if c.failure = c.exchange.Send(c.current); c.failure == nil {
		c.Flight.Is(inflight.Answering)
		c.Client.Tell(c.exchange.Limits())
		c.failure = c.exchange.Relay(c.downstream())
	}
	return made
}

func (c *call) ended() {
	c.Flight.Done()
	attempt := c.exchange.End(&c.End, c.failure, recover())
	c.exchange, c.last = nil, nil
	c.remember(attempt)
	c.End.Waited += attempt.Waited
	if c.End.FirstToken == 0 && attempt.FirstEvent > 0 {
		c.End.FirstToken = attempt.Began.Sub(c.End.Began) + attempt.FirstEvent
	}
	if attempt.Failure != nil {
		c.last = attempt
		if attempt.Usage.Counts() {
			c.Flight.Spent(attempt)
		}
	}
}

// goesOn makes of an attempt what it means for the call; true: there is to be another one.
//
//go:noinline
func (c *call) goesOn() bool {
	c.Client.Drop()
	if c.transcript != nil {
		c.transcript.Settle(c.Client.Started())
	}
	if c.last == nil {
		c.failed = nil
		return false
	}
	if !c.movesOn(c.last) {
		return c.grows()
	}
	if c.repeats.now = c.staysAt() || c.beginsAnew(); c.repeats.now {
		c.Select.Repeat(&c.last.Result)
	} else {
		c.Select.Exclude(&c.last.Result)
	}
	return c.left > 0
}

// movesOn tells whether another channel is tried after a failure, and notes which failure the client is to be told of.
func (c *call) movesOn(attempt *record.Attempt) bool {
	if c.Client.Started() && c.transcript != nil {
		return c.resumes(attempt)
	}
	verdict := attempt.Failure.Verdict()
	final := !verdict.MoveOn || c.Client.Started() || c.upgraded || c.over()
	// The client is told of the failure that ended its call, or, when the channels run out, of the most telling one.
	if final || c.failed == nil || verdict.Precedence > c.failed.Verdict().Precedence {
		c.failed = attempt.Failure
	}
	return !final
}

// over tells whether the request has ended from outside: then no other attempt is made for it.
func (c *call) over() bool { return c.Ctx.Err() != nil || c.Flight.Ended() }

// refuse turns the request away.
func (c *call) refuse(r *outcome.Refusal) {
	c.End.Outcome, c.End.Reason = outcome.Rejected, r.Reason
	c.failed = &outcome.Failure{Outcome: outcome.Rejected, Err: r.Err}
}

// finish tells the client how its call ended, unless that was with an answer. recovered is a panic outside of any attempt.
func (c *call) finish(recovered any) {
	defer c.Client.Close()
	if recovered == nil {
		c.estimates()
	}
	if recovered != nil {
		c.logPanic(recovered)
		gate.LeaveUnread(c.W) // wherever it was
		c.failed = outcome.Panicked()
	}
	if f := c.failed; f != nil {
		c.shrinks()
		c.End.Outcome, c.End.Failure = f.Outcome, f
		if f.Reason != "" {
			c.End.Reason = f.Reason
		}
		// A client that has left may still read: without a word of ours, net/http would make up an empty 200 for it.
		if f.Outcome != outcome.ClientStalled && !c.upgraded {
			c.tell(f.Err)
		}
	}
	c.End.Status = c.status()
	c.End.Waited += c.Client.Waited()
}

// tell tells the client of the error: in the words of its stream, if that has begun and its format has any.
func (c *call) tell(e *wire.Error) {
	if failing := c.failing(); failing != nil && c.Client.Started() {
		if event := failing.Failed(e, c.End.RequestID); event != nil {
			c.Client.End(event)
			return
		}
	}
	c.Client.Fail(e)
}

// failing is what knows the words of the client's stream; nil: nobody does.
func (c *call) failing() format.Failing {
	if c.resuming {
		if failing := c.transcript.Failing(); failing != nil {
			return failing // the attempt at hand knows no more than its own part
		}
	}
	if c.last != nil {
		return c.last.Failing
	}
	return nil
}

func (c *call) logPanic(p any) {
	c.of.Log.ErrorContext(c.Ctx, "panic in a request", "request_id", c.End.RequestID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}
