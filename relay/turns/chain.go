package turns

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"

	"one-api/relay/jsonscan"
	"one-api/relay/membudget"
)

// A client of a websocket sends what is new of its conversation, and the id of the response before. Only some providers keep responses,
// and none where it is told not to (store: false). So what a connection's last responses have been made of is kept here, and sent in
// full. What an upstream keeps, and only that, is referred to by its id.

// mostLinks is how many responses are kept of a connection: the last of each lane, of the lanes that were used last.
const mostLinks = 4

// link is a response that the conversation may go on from.
type link struct {
	id, lane string
	items    []byte // of the conversation, the response's own included, separated by commas
	held     membudget.Lease
}

// chain is the responses that a connection can go on from, the newest first.
type chain struct {
	links []*link
	held  func(*membudget.Lease)
}

// before is what a request goes on from. nil, true: nothing comes before it. nil, false: it is not known here.
func (c *chain) before(e *envelope) (items []byte, known bool) {
	if e.previous == "" {
		return nil, true
	}
	for _, l := range c.links {
		if l.id == e.previous {
			return l.items, true
		}
	}
	return nil, false
}

// add keeps what a response has been made of.
func (c *chain) add(e *envelope, before, response []byte) {
	id, output := "", []byte(nil)
	_ = jsonscan.Object(response, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "id":
			id, _ = jsonscan.String(m.Value)
		case "output":
			output = again(m.Value)
		}
	})
	if id != "" {
		c.put(id, e.lane, join(join(before, e.items()), output))
	}
}

// put keeps a response, if there is room for it, in the place of the one before on its lane. Without, it cannot be gone on from, and
// the client is told so when it tries, and sends all of it.
func (c *chain) put(id, lane string, items []byte) {
	l := &link{id: id, lane: lane, items: bytes.Clone(items)} // which may be a part of a message
	c.held(&l.held)
	kept := []*link{l}
	for _, old := range c.links {
		if old.lane == lane || len(kept) == mostLinks {
			old.held.Release()
			continue
		}
		kept = append(kept, old)
	}
	c.links = kept
	if l.held.Hold(int64(len(items))) != nil {
		c.links = kept[1:]
	}
}

func (c *chain) release() {
	for _, l := range c.links {
		l.held.Release()
	}
	c.links = nil
}

// again is the items of an output as they are sent back: without reasoning of which nothing has been given but an id, which only an
// upstream that keeps it knows, and without the ids of other reasoning, for the same reason.
func again(output []byte) (items []byte) {
	jsonscan.Elements(output, func(item []byte) {
		kind, _ := jsonscan.String(jsonscan.MemberOf(item, "type"))
		if kind == "reasoning" {
			if sealed, _ := jsonscan.String(jsonscan.MemberOf(item, "encrypted_content")); sealed == "" {
				return
			}
			item = without(item, "id", "status")
		}
		items = join(items, item)
	})
	return items
}

// without is an object without some members.
func without(object []byte, names ...string) []byte {
	kept := append(make([]byte, 0, len(object)), '{')
	_ = jsonscan.Object(object, func(m jsonscan.Member) {
		for _, name := range names {
			if string(m.Key) == name {
				return
			}
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = jsonscan.AppendString(kept, string(m.Key))
		kept = append(append(kept, ':'), m.Value...)
	})
	return append(kept, '}')
}

// newID is the id of a response that the relay itself has made up. What begins so no provider has ever heard of.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	return "resp_oneapi_" + hex.EncodeToString(b[:])
}
