package llm

import (
	"encoding/json"
	"strings"

	"one-api/relay/wire"
)

// Step is the kind of an Event.
type Step uint8

// The steps of an answer, in the order in which they come. Pieces of several calls may be mixed.
const (
	Started   Step = iota // ID and Model
	Said                  // Text
	Thought               // Text, of reasoning
	Signed                // Text: the signature of what was thought
	Sealed                // Text: reasoning that only its maker can read
	Refused               // Text
	Called                // Call, ID, Name: a tool call begins; Text: its maker's signature, unless the id holds that
	Given                 // Call, Text: a piece of its arguments, which are JSON
	CallEnded             // Call
	Other                 // a part of the answer that only its own format can express, and that is left out
	Finished              // Reason; Text: the stop sequence that ended it, if that is known
)

// Event is a step of an answer. A whole answer is the fold of its events.
type Event struct {
	Step   Step
	Call   int // which one of the answer's calls, from 0
	ID     string
	Name   string
	Model  string
	Text   string
	Reason wire.EndReason
}

// Sink takes the events of an answer, one after the other. An event's contents are valid only during the call.
type Sink interface{ Take(e *Event) }

// Answer is a whole answer: the fold of its events. Its usage is counted elsewhere.
type Answer struct {
	ID, Model string
	Blocks    []Block
	Calls     int
	Reason    wire.EndReason

	calls map[int]int // the block of each call
}

// Block is a piece of an answer: text, reasoning, a refusal or a tool call.
type Block struct {
	Kind      Kind
	Text      string // of a call: its arguments
	Signature string
	ID, Name  string
}

// Take folds an event in.
func (a *Answer) Take(e *Event) {
	switch e.Step {
	case Started:
		a.ID, a.Model = e.ID, e.Model
	case Said:
		a.grow(Text, e.Text)
	case Refused:
		a.grow(Refusal, e.Text)
	case Thought:
		a.grow(Reasoning, e.Text)
	case Signed:
		if n := len(a.Blocks); n > 0 && a.Blocks[n-1].Kind == Reasoning {
			a.Blocks[n-1].Signature += e.Text
		}
	case Sealed:
		a.Blocks = append(a.Blocks, Block{Kind: Redacted, Text: e.Text})
	case Called:
		if a.calls == nil {
			a.calls = map[int]int{}
		}
		a.calls[e.Call] = len(a.Blocks)
		a.Blocks = append(a.Blocks, Block{Kind: ToolCall, ID: e.ID, Name: e.Name})
		a.Calls++
	case Given:
		if at, ok := a.calls[e.Call]; ok {
			a.Blocks[at].Text += e.Text
		}
	case Finished:
		a.Reason = e.Reason
	case CallEnded, Other:
	}
}

// grow adds to the last block if it is open and of that kind, and begins a new one otherwise. Whole answers have few pieces.
func (a *Answer) grow(kind Kind, text string) {
	if n := len(a.Blocks); n > 0 && a.Blocks[n-1].Kind == kind && a.Blocks[n-1].Signature == "" {
		a.Blocks[n-1].Text += text
		return
	}
	a.Blocks = append(a.Blocks, Block{Kind: kind, Text: text})
}

// Input is a call's arguments as an object. A call without any has an empty one.
func (b *Block) Input() json.RawMessage {
	if text := strings.TrimSpace(b.Text); text != "" {
		return json.RawMessage(text)
	}
	return json.RawMessage("{}")
}
