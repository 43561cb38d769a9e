// Package sse reads and writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
package sse

// Event is one event. Its slices are valid until the next call of Next or Close.
type Event struct {
	// Raw is the event as it came, from its first line to its blank line. It may be passed on as it is only if Clean is set.
	Raw []byte
	// Name is the value of the event field; nil means none.
	Name []byte
	// Data is the value of the data field, its lines joined by \n.
	Data []byte
	// Clean is false if Raw contains anything that careless clients trip over: a carriage return, a comment, a byte order mark,
	// a missing blank line at the end of the stream.
	Clean bool

	from int // where Raw stands in the reader's buffer
}
