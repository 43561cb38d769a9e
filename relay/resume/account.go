// Package resume finishes a stream on another channel when the one that began it breaks off (the channel option resume).
//
// It works on what the client sees, and so knows two formats and no provider: an Account notes what a client has been sent,
// and a Continuation fits the events of another answer to it, so that the client sees one stream that says nothing twice.
package resume

import (
	"bytes"
	"errors"
	"io"

	"one-api/relay/channel"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// maxText bounds what is remembered of an answer, in bytes. A longer one is not resumed: it is
// not part of the budget for large bodies.
const maxText = 256 << 10

// Account is what a client has been sent of a stream. It is the channel.Client of the attempt that begins it.
type Account struct {
	client    channel.Client
	format    format
	text      []byte // of the answer, without reasoning
	noted     int    // events
	lost      bool   // something was sent that a continuation cannot be fitted to
	ended     bool   // the answer says that it is complete
	tooLong   bool
	continued bool // what is sent belongs to a continuation, which is fitted to what is noted
}

// format is what the two wire formats do differently.
type format interface {
	// note takes in an event that was sent.
	note(a *Account, event sse.Event)
	// fit makes of an event of a continuation what the client is to get of it. The result is valid until the next call.
	fit(c *Continuation, event sse.Event) ([]byte, error)
	// open tells whether what was sent ends where an answer can go on.
	open() bool
}

// NewAccount keeps the account of a stream to client. Only the two endpoints that answer with messages can be resumed; nil: not
// this one.
func NewAccount(client channel.Client, endpoint wire.Endpoint) *Account {
	switch endpoint {
	case wire.ChatCompletions:
		return &Account{client: client, format: &chat{}}
	case wire.Messages:
		return &Account{client: client, format: &messages{block: noBlock}}
	}
	return nil
}

// Whole is never called: a stream has no whole answer.
func (a *Account) Whole(body []byte) error {
	a.lost = true
	return a.client.Whole(body)
}

// Write notes the events and passes them on.
func (a *Account) Write(events []byte) error {
	if err := a.client.Write(events); err != nil {
		return err
	}
	if (a.lost || a.tooLong) && !a.continued {
		return nil // nobody will ask what is noted
	}
	// What is written was made or checked by a translator: it can be read.
	_ = eachEvent(events, func(event sse.Event) error {
		a.noted++
		a.format.note(a, event)
		return nil
	})
	if len(a.text) > maxText {
		a.text, a.tooLong = nil, true
	}
	return nil
}

// Flush sends what Write left in a buffer.
func (a *Account) Flush() error { return a.client.Flush() }

// Text is what the client has of the answer's text.
func (a *Account) Text() string { return string(a.text) }

// Noted counts the events that were sent: it tells whether an attempt has added anything.
func (a *Account) Noted() int { return a.noted }

// Resumable tells whether the stream can be continued from where it is: it is text so far, it is open, and it is not too long.
func (a *Account) Resumable() bool {
	return !a.lost && !a.tooLong && !a.ended && a.format.open()
}

// Continuation is the channel.Client of an attempt that goes on where the stream broke off.
type Continuation struct {
	account *Account
	overlap *overlap
	out     []byte

	blocks map[int]int // Messages: the continuation's content blocks, and which of the client's they are
}

// Continue makes the way to the client of the next attempt. spaceHidden: its upstream was not told of white space at the end
// of the text.
func (a *Account) Continue(spaceHidden bool) *Continuation {
	a.continued = true
	return &Continuation{account: a, overlap: newOverlap(bytes.Clone(a.text), spaceHidden), blocks: map[int]int{}}
}

// Whole is never called: a stream has no whole answer.
func (c *Continuation) Whole([]byte) error {
	return channel.Malformed("one object instead of the rest of a stream")
}

// Write passes on what is new in the events. An error may be a *channel.Failure: the continuation does not fit.
func (c *Continuation) Write(events []byte) error {
	return eachEvent(events, func(event sse.Event) error {
		out, err := c.account.format.fit(c, event)
		if err != nil || len(out) == 0 {
			return err
		}
		return c.account.Write(out)
	})
}

// Flush sends what Write left in a buffer.
func (c *Continuation) Flush() error { return c.account.client.Flush() }

// said is what is new in a piece of the continuation's text.
func (c *Continuation) said(piece string) (string, error) {
	return c.checked(c.overlap.add([]byte(piece)))
}

// rest is what was held back of the continuation's text and is new.
func (c *Continuation) rest() (string, error) { return c.checked(c.overlap.rest()) }

func (c *Continuation) checked(fresh []byte) (string, error) {
	if c.overlap.decided && c.overlap.beganAnew() {
		return "", channel.Malformed("the answer was begun anew instead of continued")
	}
	return string(fresh), nil
}

func eachEvent(events []byte, visit func(sse.Event) error) error {
	reader := sse.NewReader(bytes.NewReader(events), len(events)+1)
	defer reader.Close()
	for {
		event, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := visit(event); err != nil {
			return err
		}
	}
}
