package inflight

import (
	"sync"
	"time"

	"one-api/relay/channel"
	"one-api/relay/record"
	"one-api/relay/reply"
)

// List is the requests in flight, oldest first. The zero value is empty.
type List struct {
	mu          sync.Mutex
	first, last *Entry
}

// Add lists a request: what its end will say of it so far (id, token, beginning, none of which changes any more), and the way to its
// client.
func (l *List) Add(e *Entry, end *record.End, client *reply.Writer) {
	e.end, e.client = end, client
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.prev = l.last; l.last == nil {
		l.first = e
	} else {
		l.last.next = e
	}
	l.last = e
}

// Remove takes a request out that has ended.
func (l *List) Remove(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.prev == nil {
		l.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
}

// Find is the request of that id; nil: it is not in flight.
func (l *List) Find(id string) *Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.first; e != nil; e = e.next {
		if e.end.RequestID == id {
			return e
		}
	}
	return nil
}

// Leave tells all that their contexts have ended.
func (l *List) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.first; e != nil; e = e.next {
		e.ClientLeaves()
	}
}

// Oldest is the id of the request that came first; empty: none is in flight.
func (l *List) Oldest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		return ""
	}
	return l.first.end.RequestID
}

// IDs visits the ids of the requests in flight.
func (l *List) IDs(visit func(id string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.first; e != nil; e = e.next {
		visit(e.end.RequestID)
	}
}

// Listed is a request in flight, as GET /api/monitor/requests lists it.
type Listed struct {
	ID         string  `json:"id"`
	Token      string  `json:"token"`
	Model      string  `json:"model"`
	Channel    string  `json:"channel"`
	Phase      string  `json:"phase"`
	AgeSeconds float64 `json:"age_seconds"`
	Bytes      int64   `json:"bytes"` // of its answer, sent to the client

	// What it has used so far, of all its attempts. Estimated: the providers have not said all of it, as they seldom do before the end.
	InputTokens  int64  `json:"input_tokens"`
	OutputTokens int64  `json:"output_tokens"`
	CostUSD      string `json:"cost_usd,omitempty"` // absent: nothing that is known to cost something, or nobody knows a price
	Estimated    bool   `json:"estimated"`

	spent   spent
	running *running // nil: nothing has been answered yet, or what it costs is known at its end alone
}

// All lists the requests.
func (l *List) All(now time.Time) []Listed {
	list := []Listed{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.first; e != nil; e = e.next {
		list = append(list, e.request(now))
	}
	return list
}

func (e *Entry) request(now time.Time) Listed {
	is, sent := Phase(e.phase.Load()), e.client.Sent()
	switch {
	case e.client.Writing():
		is = Writing
	case is == Answering && sent > 0:
		is = Streaming
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := ""
	if e.channel != nil {
		asked = e.channel.Name
	}
	l := Listed{
		ID: e.end.RequestID, Token: e.end.Token, Channel: asked, Phase: phaseNames[is],
		AgeSeconds: now.Sub(e.end.Began).Seconds(), Bytes: sent, running: e.running(),
	}
	if e.call != nil {
		l.Model = e.call.Model
	}
	if e.spent != nil {
		l.spent = *e.spent
	}
	return l
}

// Silences visits the requests that wait for something of an answer, with the channel that is asked, for how long nothing has come,
// whether it is a stream, and whether the answer has a header.
func (l *List) Silences(now time.Time, visit func(of *channel.Channel, silent time.Duration, stream, header bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.first; e != nil; e = e.next {
		e.mu.Lock()
		if x, is := e.exchange, Phase(e.phase.Load()); x != nil && (is == Asking || is == Answering) && !e.client.Writing() &&
			!e.call.Endpoint.Tunnels() {
			visit(x.Channel, x.SilentFor(now), e.call.Stream, is == Answering)
		}
		e.mu.Unlock()
	}
}
