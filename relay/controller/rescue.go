package controller

import (
	"one-api/relay/exchange"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/resume"
)

// What a visit does to finish a stream that has broken off.

// prepareRescue begins to follow a stream that another channel may have to finish.
func (v *visit) prepareRescue() {
	v.transcript.Close()
	v.transcript = nil
	if v.call.Stream && v.snapshot.Channels.Resumes(&v.want) {
		if how := lane.Rescue(v.end.Endpoint); how != nil {
			v.transcript = resume.NewTranscript(&v.client, how, v.call.Options.Usage, &v.held)
		}
	}
	v.call.Keep = v.transcript != nil
}

// resumes is movesOn for a stream that broke off and that another channel may finish. What the client is told of, if none can,
// is why it broke off, and not why it could not be finished.
func (v *visit) resumes(attempt *record.Attempt) bool {
	verdict := attempt.Failure.Verdict()
	ours := v.over()
	switch attempt.Outcome {
	case outcome.ClientGone, outcome.ClientStalled, outcome.Shutdown, outcome.Panic:
		ours = true
	default: // the upstream's
	}
	added := v.transcript.Noted() > v.noted
	v.noted = v.transcript.Noted()
	switch {
	case ours:
		v.failed = attempt.Failure
		return false
	case !added && v.resuming:
		return true // asked for the rest, and it had none to give: the next one may
	}
	v.failed = attempt.Failure
	if !verdict.MoveOn || !v.transcript.Resumable() || !v.resuming && !v.transcript.Continuable(v.call.Body) {
		return false
	}
	v.resuming, v.call.Prefix = true, v.transcript.Text()
	v.want.BreaksOff(attempt.Channel, v.call.Prefix != "")
	return true
}

// way is the exchange's way to the client.
//
//go:noinline
func (v *visit) way() exchange.Client {
	switch {
	case v.resuming:
		v.end.Resumed++
		if v.anew {
			return v.transcript.Anew()
		}
		return v.transcript.Continue(v.exchange.HidesSpace())
	case v.transcript != nil:
		return v.transcript
	}
	return &v.client
}

// beginsAnew reports whether the channel that just refused to continue a message is asked for the whole answer instead. From
// any other attempt on, the next one is asked to continue it.
func (v *visit) beginsAnew() bool {
	if !v.resuming {
		return false
	}
	if v.anew || v.left == 0 || v.call.Prefix == "" || !v.last.Refused() {
		v.continues()
		return false
	}
	v.anew, v.call.Prefix = true, ""
	return true
}

// continues has the next attempt of a rescue go on with what the client has.
func (v *visit) continues() {
	if v.anew {
		v.anew, v.call.Prefix = false, v.transcript.Text()
	}
}
