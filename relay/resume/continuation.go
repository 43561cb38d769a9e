package resume

import (
	"errors"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

// Continuation is the channel.Client of an attempt that continues where the stream broke off.
type Continuation struct {
	to       *Transcript
	follower format.Follower // of the other answer, as its lane would have it sent to the client
	encoder  format.Encoder  // of the client's stream
	overlap  *overlap
	replay   *replay // the answer is begun anew; nil if it is continued
	thinks   bool    // the client has neither text nor reasoning: it gets the other answer's
	err      error   // why the other answer does not fit
}

// Continue makes the way to the client of the next attempt. spaceHidden: its upstream was not told of white space at the end
// of the text.
func (t *Transcript) Continue(spaceHidden bool) *Continuation {
	sent := t.text[:len(t.text):len(t.text)] // what is added to it is added elsewhere
	from := t.follower
	if from == nil { // nobody asks for the rest of what cannot be resumed
		from = t.format.Follow()
	}
	return &Continuation{
		to: t, follower: t.format.Follow(), encoder: from.Resume(&t.asked), overlap: newOverlap(sent, spaceHidden), thinks: !t.spoken,
	}
}

// Anew makes the way to the client of an attempt that answers all of it again, because its upstream refuses to continue a
// message. What the client has already is cut off, if the new answer says it to the letter: two halves of different
// answers would be none.
func (t *Transcript) Anew() *Continuation {
	c := t.Continue(false)
	c.overlap, c.replay = newOverlap(nil, false), &replay{sent: c.overlap.sent}
	return c
}

// Whole is never called: a stream has no whole answer.
func (c *Continuation) Whole([]byte) error {
	return outcome.Malformed("one object instead of the rest of a stream")
}

// Hold passes on what is new in the events at once: the client has the beginning of the answer, and this one is committed only
// by continuing with it.
func (c *Continuation) Hold(events []byte) (committed bool, err error) { return false, c.Write(events) }

// Flush sends what Write left in a buffer.
func (c *Continuation) Flush() error { return c.to.client.Flush() }

// perByte is how many bytes fitting takes for each of an event: its text decoded, if a byte that is not UTF-8 becomes three,
// and encoded as JSON and as an event, in buffers that grow.
const perByte = 16

// Write passes on what is new in the events. An error may be a *outcome.Failure: the continuation does not fit.
func (c *Continuation) Write(events []byte) error {
	err := sse.Each(events, longestEvent, c.fit)
	if errors.Is(err, sse.ErrTooLarge) {
		return outcome.Malformed("an event that is too long to be fitted to what the client has")
	}
	return err
}

func (c *Continuation) fit(event sse.Event) error {
	if err := c.hold(perByte * len(event.Raw)); err != nil {
		return outcome.NoRoom(err)
	}
	defer func() { _ = c.hold(0) }() // no more than with the event: it fits
	c.encoder.Begin()
	heard, err := c.follower.Event(event, c)
	if err == nil && (heard.Done || c.follower.Complete()) {
		c.flush()
	}
	if err == nil && heard.Done {
		c.encoder.End(c.follower.Usage())
	}
	switch {
	case c.err != nil:
		return c.err
	case err != nil:
		return unfit(err)
	case c.encoder.Err() != nil:
		return unfit(c.encoder.Err())
	}
	// What has said why it ends is not to be continued by a third, even if the client does not know yet.
	c.to.ended = c.to.ended || c.follower.Complete()
	if out := c.encoder.Out(); len(out) > 0 {
		return c.to.Write(out)
	}
	return nil
}

// unfit is the failure of an event that the client's format cannot say, or not in this place. Its words are for the operator.
func unfit(err error) error {
	var fault *format.Fault
	if errors.As(err, &fault) && (fault.Flaw == format.IsMalformed || fault.Flaw == format.IsTruncated) {
		return outcome.Malformed(fault.Detail)
	}
	return outcome.Malformed("the rest of an answer that cannot be put behind what the client has")
}

// Take says an event to the client, without what it has. Reasoning belongs in front of the text: that of a continuation is left out
// if the client has any of the answer.
func (c *Continuation) Take(e *llm.Event) {
	switch e.Step {
	case llm.Said:
		c.say(e)
	case llm.Thought, llm.Signed, llm.Sealed:
		if c.thinks {
			c.encoder.Take(e)
		}
	case llm.Other:
		c.fails(outcome.Malformed("a part of an answer that cannot be put behind what the client has"))
	case llm.Started:
		c.encoder.Take(e)
	case llm.Refused, llm.Called, llm.Given, llm.CallEnded, llm.Finished:
		c.flush()
		c.encoder.Take(e)
	}
}

// say says what is new in a piece of text.
func (c *Continuation) say(e *llm.Event) {
	if c.replay != nil {
		fresh, err := c.replay.add(e.Text)
		c.passes(fresh, err)
		return
	}
	c.passes(c.checked(c.overlap.add([]byte(e.Text))))
}

// flush says what was held back of the text and is new: nothing overtakes it.
func (c *Continuation) flush() {
	if c.replay != nil {
		c.passes("", c.replay.end())
		return
	}
	c.passes(c.checked(c.overlap.rest()))
}

func (c *Continuation) passes(fresh string, err error) {
	if err != nil {
		c.fails(err)
	} else if fresh != "" && c.err == nil {
		c.encoder.Take(&llm.Event{Step: llm.Said, Text: fresh})
	}
}

func (c *Continuation) checked(fresh []byte) (string, error) {
	if c.overlap.decided && c.overlap.beganAnew() {
		return "", outcome.Malformed("the answer was begun anew instead of continued")
	}
	return string(fresh), nil
}

func (c *Continuation) fails(why error) {
	if c.err == nil {
		c.err = why
	}
}

// hold counts what the continuation holds, and so many bytes more.
func (c *Continuation) hold(more int) error {
	before := c.to.beside
	c.to.beside = c.overlap.size() + cap(c.encoder.Out()) + c.encoder.Retained() + c.follower.Retained() + more
	err := c.to.hold(0)
	if err != nil {
		c.to.beside = before
	}
	return err
}
