// Package resume finishes a stream on another channel when the one that began it breaks off (the channel option resume).
//
// It works on what the client sees, and so knows two formats and no provider: an Account notes what a client has been sent,
// and a Continuation fits the events of another answer to it, so that the client sees one stream that says nothing twice.
package resume

import (
	"errors"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Bounds of what is read and remembered of an answer, in bytes.
const (
	// maxText is of an answer that can be resumed.
	maxText = 256 << 10
	// longestEvent is of an event that is looked into: none has more that says so little.
	longestEvent = 1 << 20
	// longestID is of an id, a time or a type.
	longestID = 512
)

// Account is what a client has been sent of a stream. It is the channel.Client of the attempt that begins it.
type Account struct {
	client    channel.Client
	format    format
	held      membudget.Lease // of text and of what a continuation takes
	beside    int             // what a continuation takes
	text      []byte          // of the answer, without reasoning
	noted     int             // events
	lost      bool            // something was sent that a continuation cannot be fitted to
	pending   []byte          // events that the client may not have got yet: they promise nothing
	ended     bool            // the answer says that it is complete
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

// NewAccount keeps the account of a stream to client, within the budget of another lease of the call, which may be nil. Only the
// two endpoints that answer with messages can be resumed; nil: not this one. It is to be closed.
func NewAccount(client channel.Client, endpoint wire.Endpoint, like *membudget.Lease) *Account {
	a := &Account{client: client}
	switch endpoint {
	case wire.ChatCompletions:
		a.format = &chat{}
	case wire.Messages:
		a.format = &messages{block: noBlock}
	default:
		return nil
	}
	a.held.As(like)
	return a
}

// Close gives back what is held of the budget. It may be called on nil, and again.
func (a *Account) Close() {
	if a != nil {
		a.text, a.tooLong = nil, true
		a.held.Release()
	}
}

// Whole is never called: a stream has no whole answer.
func (a *Account) Whole(body []byte) error {
	a.lost = true
	return a.client.Whole(body)
}

// Hold keeps events back that promise nothing. They are noted once the client gets them.
func (a *Account) Hold(events []byte) (committed bool, err error) {
	committed, err = a.client.Hold(events)
	switch {
	case err != nil:
	case committed:
		a.Settle(true)
		a.note(events)
	default:
		a.pending = append(a.pending, events...)
		if a.hold(0) != nil {
			a.lost = true // there is no room to remember what it promised
		}
	}
	return committed, err
}

// Settle says whether the client has got what was held back, or never will.
func (a *Account) Settle(sent bool) {
	pending := a.pending
	a.pending = nil
	if sent && pending != nil {
		a.note(pending)
	}
}

// Write notes the events and passes them on.
func (a *Account) Write(events []byte) error {
	if err := a.client.Write(events); err != nil {
		return err
	}
	a.Settle(true)
	a.note(events)
	return nil
}

func (a *Account) note(events []byte) {
	if (a.lost || a.tooLong) && !a.continued {
		return // nobody will ask what is noted
	}
	// What is written was made or checked by a translator: all that can be wrong with it is its size.
	if sse.Each(events, longestEvent, func(event sse.Event) error {
		a.noted++
		a.format.note(a, event)
		return nil
	}) != nil {
		a.noted, a.lost = a.noted+1, true
	}
}

// add notes a piece of the answer's text, if it can be remembered.
func (a *Account) add(text string) {
	if a.tooLong {
		return
	}
	if len(a.text)+len(text) <= maxText && a.hold(len(text)) == nil {
		a.text = append(a.text, text...)
		return
	}
	a.text, a.tooLong = nil, true
	_ = a.hold(0) // less than before: it fits
}

// hold counts the text, and so many bytes more of it: what grows is copied.
func (a *Account) hold(more int) error {
	return a.held.Hold(int64(2*(len(a.text)+more) + a.beside + len(a.pending)))
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
	replay  *replay // the answer is begun anew; nil: it is continued
	out     []byte  // the events that one event becomes, reused
	json    []byte  // and the JSON in one of them

	blocks map[int]int // Messages: the continuation's content blocks, and which of the client's they are
}

// Continue makes the way to the client of the next attempt. spaceHidden: its upstream was not told of white space at the end
// of the text.
func (a *Account) Continue(spaceHidden bool) *Continuation {
	a.continued = true
	sent := a.text[:len(a.text):len(a.text)] // what is added to it is added elsewhere
	return &Continuation{account: a, overlap: newOverlap(sent, spaceHidden), blocks: map[int]int{}}
}

// Anew makes the way to the client of an attempt that answers all of it again, because its upstream refuses to continue a
// message. What the client has already is cut off, where the new answer says it to the letter: two halves of different
// answers would be none.
func (a *Account) Anew() *Continuation {
	c := a.Continue(false)
	c.overlap, c.replay = newOverlap(nil, false), &replay{sent: c.overlap.sent}
	return c
}

// Whole is never called: a stream has no whole answer.
func (c *Continuation) Whole([]byte) error {
	return outcome.Malformed("one object instead of the rest of a stream")
}

// Hold passes on what is new in the events at once: the client has the beginning of the answer, and this one is committed only
// by going on with it.
func (c *Continuation) Hold(events []byte) (committed bool, err error) { return false, c.Write(events) }

// perByte is how many bytes fitting takes for each of an event: its text decoded, where a byte that is not UTF-8 becomes three,
// and encoded as JSON and as an event, in buffers that grow.
const perByte = 16

// Write passes on what is new in the events. An error may be a *outcome.Failure: the continuation does not fit.
func (c *Continuation) Write(events []byte) error {
	err := sse.Each(events, longestEvent, func(event sse.Event) error {
		if err := c.hold(perByte * len(event.Raw)); err != nil {
			return outcome.NoRoom(err)
		}
		defer c.settle()
		c.out = c.out[:0]
		out, err := c.account.format.fit(c, event)
		if err != nil || len(out) == 0 {
			return err
		}
		return c.account.Write(out)
	})
	if errors.Is(err, sse.ErrTooLarge) {
		return outcome.Malformed("an event that is too long to be fitted to what the client has")
	}
	return err
}

// hold counts what the continuation holds, and so many bytes more.
func (c *Continuation) hold(more int) error {
	before := c.account.beside
	c.account.beside = c.overlap.size() + cap(c.out) + cap(c.json) + more
	err := c.account.hold(0)
	if err != nil {
		c.account.beside = before
	}
	return err
}

// settle lets go of what only a long event needed.
func (c *Continuation) settle() {
	const usual = 16 << 10
	if cap(c.out)+cap(c.json) > usual {
		c.out, c.json = nil, nil
	}
	_ = c.hold(0) // no more than with the event: it fits
}

// Flush sends what Write left in a buffer.
func (c *Continuation) Flush() error { return c.account.client.Flush() }

// said is what is new in a piece of the continuation's text.
func (c *Continuation) said(piece string) (string, error) {
	if c.replay != nil {
		return c.replay.add(piece)
	}
	return c.checked(c.overlap.add([]byte(piece)))
}

// rest is what was held back of the continuation's text and is new.
func (c *Continuation) rest() (string, error) {
	if c.replay != nil {
		return "", c.replay.end()
	}
	return c.checked(c.overlap.rest())
}

func (c *Continuation) checked(fresh []byte) (string, error) {
	if c.overlap.decided && c.overlap.beganAnew() {
		return "", outcome.Malformed("the answer was begun anew instead of continued")
	}
	return string(fresh), nil
}

// key begins a member of an object in the JSON at hand.
func (c *Continuation) key(name string) {
	c.separate()
	c.json = append(jsonscan.AppendString(c.json, name), ':')
}

// member adds a whole one. One that nobody can know by its name is left out.
func (c *Continuation) member(name, value []byte) {
	if len(name) > jsonscan.LongestKey {
		return
	}
	c.key(string(name))
	c.json = append(c.json, value...)
}

// separate puts a comma before an element or a member that is not the first.
func (c *Continuation) separate() {
	if last := c.json[len(c.json)-1]; last != '{' && last != '[' {
		c.json = append(c.json, ',')
	}
}
