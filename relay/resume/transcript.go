// Package resume finishes a stream on another channel when the one that began it breaks off (the channel option resume).
//
// It works on what the client sees, as the events of a conversation, and so knows neither formats nor providers: a Transcript follows
// what a client has been sent, and a Continuation takes out of another answer what the client has already, so that the client sees one
// stream that says nothing twice. Bytes become events, and events bytes, in the client's format (format.Rescue).
package resume

import (
	"one-api/relay/exchange"
	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/membudget"
	"one-api/relay/sse"
)

// Bounds of what is read and remembered of an answer, in bytes.
const (
	// maxText is of an answer that can be resumed.
	maxText = 256 << 10
	// longestEvent is of an event that is looked into: none has more that says so little.
	longestEvent = 1 << 20
)

// Transcript is what a client has been sent of a stream. It is the channel.Client of the attempt that begins it.
type Transcript struct {
	client   exchange.Downstream
	format   format.Rescue
	asked    llm.Request     // as far as an encoder has to know it
	follower format.Follower // nil once what is sent need not be read any more
	held     membudget.Lease // of text and of what a continuation takes
	beside   int             // what a continuation takes
	text     []byte          // of the answer, without reasoning
	pending  []byte          // events that the client may not have got yet: they promise nothing
	missed   bool            // there are such events that there was no room for
	noted    int             // how often something was sent
	spoken   bool            // text or reasoning was
	ended    bool            // the answer says why it ends
	lost     bool            // something was sent that a continuation cannot be fitted to
}

// NewTranscript follows a stream to client, within the budget of another lease of the call, which may be nil. how is the client's
// format; usage says that the client asked for the stream's usage. It is to be closed.
func NewTranscript(client exchange.Downstream, how format.Rescue, usage bool, like *membudget.Lease) *Transcript {
	t := &Transcript{client: client, format: how, asked: llm.Request{Stream: true, IncludeUsage: usage}, follower: how.Follow()}
	t.held.As(like)
	return t
}

// Close gives back what is held of the budget. It may be called on nil, and again.
func (t *Transcript) Close() {
	if t != nil {
		t.loses()
		t.pending = nil
		t.held.Release()
	}
}

// Whole is never called: a stream has no whole answer.
func (t *Transcript) Whole(body []byte) error {
	t.loses()
	return t.client.Whole(body)
}

// Hold keeps events back that promise nothing. They are noted once the client gets them.
func (t *Transcript) Hold(events []byte) (committed bool, err error) {
	committed, err = t.client.Hold(events)
	switch {
	case err != nil:
	case committed:
		t.Settle(true)
		t.note(events)
	default:
		t.pending = append(t.pending, events...)
		if t.hold(0) != nil { // there is no room to remember what it promised
			t.pending, t.missed = nil, true
		}
	}
	return committed, err
}

// Settle says whether the client has got what was held back, or never will.
func (t *Transcript) Settle(sent bool) {
	pending, missed := t.pending, t.missed
	t.pending, t.missed = nil, false
	switch {
	case !sent:
		if pending != nil {
			_ = t.hold(0)
		}
	case missed:
		t.noted++
		t.loses()
	case pending != nil:
		t.note(pending)
	}
}

// Write passes events on and notes them.
func (t *Transcript) Write(events []byte) error {
	if err := t.client.Write(events); err != nil {
		return err
	}
	t.Settle(true)
	t.note(events)
	return nil
}

// Flush sends what Write left in a buffer.
func (t *Transcript) Flush() error { return t.client.Flush() }

func (t *Transcript) note(events []byte) {
	t.noted++
	// What is written was made or checked by a translator: all that can be wrong with it is its size, or its order.
	if !t.lost && sse.Each(events, longestEvent, t.follow) != nil {
		t.loses()
	}
}

func (t *Transcript) follow(event sse.Event) error {
	if t.lost {
		return nil
	}
	heard, err := t.follower.Event(event, t)
	if t.lost {
		return nil
	}
	t.ended = t.ended || heard.Done || t.follower.Complete()
	return err
}

// Take notes an event of the answer.
func (t *Transcript) Take(e *llm.Event) {
	switch e.Step {
	case llm.Said:
		t.spoken = true
		t.add(e.Text)
	case llm.Thought, llm.Signed, llm.Sealed:
		t.spoken = true
	case llm.Refused, llm.Called, llm.Given, llm.CallEnded, llm.Other:
		t.loses()
	case llm.Finished:
		t.ended = true
	case llm.Started:
	}
}

// add notes a piece of the answer's text, if it can be remembered.
func (t *Transcript) add(text string) {
	if len(t.text)+len(text) > maxText || t.hold(len(text)) != nil {
		t.loses()
		return
	}
	t.text = append(t.text, text...)
}

// loses gives up what is remembered: the stream cannot be continued any more.
func (t *Transcript) loses() {
	t.lost, t.text, t.follower = true, nil, nil
	_ = t.hold(0) // less than before: it fits
}

// hold counts the text, and so many bytes more of it: what grows is copied.
func (t *Transcript) hold(more int) error {
	n := 2*(len(t.text)+more) + t.beside + len(t.pending)
	if t.follower != nil {
		n += t.follower.Retained()
	}
	return t.held.Hold(int64(n))
}

// Failing is what tells the client, in the words of its stream, that it has failed; nil if that cannot be told from here.
func (t *Transcript) Failing() format.Failing {
	failing, _ := t.follower.(format.Failing) // nil is none
	return failing
}

// Text is what the client has of the answer's text.
func (t *Transcript) Text() string { return string(t.text) }

// Noted counts how often something was sent: it says whether an attempt has added anything.
func (t *Transcript) Noted() int { return t.noted }

// Continuable reports whether the rest of the answer to a request can be asked for.
func (t *Transcript) Continuable(request []byte) bool { return t.format.Continuable(request) }

// Resumable reports whether the stream can be continued from where it is: it is text so far, or only thought, it is open, and it is
// not too long.
func (t *Transcript) Resumable() bool { return !t.lost && !t.ended && t.follower.Resumable() }
