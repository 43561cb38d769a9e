package responses

import (
	"strconv"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// open is an item between its beginning and its end.
type open struct {
	index int64
	id    string
	call  int  // the call's number
	calls bool // it is one
	waits bool // it is one whose name comes with its end
	given bool // something of what it says has come
}

// longestItemID is how many bytes of an item's id are kept to tell it from others.
const longestItemID = 256

// ofItem is the id of the item that an event is about; empty: it does not say.
func (o *outside) ofItem() string {
	id := o.itemID
	if format.IsObject(o.item) {
		id = jsonscan.MemberOf(o.item, "id")
	}
	if len(id) > longestItemID {
		return ""
	}
	return textOf(id)
}

// find is the open item that an event is about; nil: there is none, or a new one begins. It is the one of its id or else, since some give
// every event another id, the latest one at its place.
func (d *decoder) find(o *outside) (found *open) {
	id := o.ofItem()
	for _, i := range d.items {
		if i.index != o.index {
			continue
		}
		if found = i; id != "" && i.id == id {
			return i
		}
	}
	if found != nil && o.kind == itemAdded && (found.calls || found.waits || found.id != "" && id != "") {
		return nil
	}
	return found
}

// argumentsOf is a call's arguments: a text or, from those who imitate the API, an object.
func argumentsOf(value []byte) string {
	if format.IsObject(value) {
		return format.Compact(value)
	}
	return textOf(value)
}

func (d *decoder) spoilt(detail string) {
	if d.fault == nil {
		d.fault = format.Malformed(detail)
	}
}

func (d *decoder) call(o *outside, to llm.Sink) int {
	n := d.calls
	d.calls++
	d.said = true
	name := textOf(o.name)
	if name == "" {
		d.spoilt("a function call without a name")
	}
	if long, ok := d.names[name]; ok {
		name = long
	}
	to.Take(&llm.Event{Step: llm.Called, Call: n, ID: d.public(o, n), Name: name})
	return n
}

// public is the id of a call as clients are given it: the provider's, if it has one and there is no other like it.
func (d *decoder) public(o *outside, n int) string {
	if d.ids == nil {
		d.ids = map[string]bool{}
	}
	id := textOf(o.call)
	if id == "" {
		id = textOf(o.id)
	}
	if id == "" || d.ids[id] {
		id = "call_" + d.answer + "_" + strconv.Itoa(n)
	}
	d.ids[id] = true
	return id
}
