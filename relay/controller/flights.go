package controller

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/channel"
	"one-api/relay/exchange"
	"one-api/relay/outcome"
)

// phase is what a request is waiting for. The list is closed: the README has it.
type phase uint32

// The phases. A stream of which something has been sent is streaming, whatever its phase says.
const (
	reading   phase = iota // its body
	choosing               // nothing: it is being checked, or converted
	asking                 // the upstream's header: connecting and sending are part of it
	answering              // the upstream's answer, of which nothing has been sent yet
	streaming              // the upstream's next event
	writing                // the client, to take what is sent
	pausing                // the time of another try

	phases
)

var phaseNames = [phases]string{"reading", "choosing", "asking", "answering", "streaming", "writing", "waiting"}

// flight is a request as far as the operator sees it and can end it. It is a part of its visit: being listed costs no
// allocation.
type flight struct {
	prev, next *visit // guarded by the list
	phase      atomic.Uint32

	mu       sync.Mutex
	model    string
	channel  *channel.Channel   // that was asked last; nil: none was
	exchange *exchange.Exchange // the attempt at hand
	wake     chan struct{}      // closed to end a pause; nil: there is none
	ended    atomic.Bool        // by an operator; it is set under mu
	over     bool               // the response belongs to net/http again, and soon to another request
}

// asksFor says which model the request is for.
func (f *flight) asksFor(model string) {
	f.mu.Lock()
	f.model = model
	f.mu.Unlock()
}

// flies notes the attempt at hand. One that begins after the request's end was ordered is ended at once.
func (f *flight) flies(x *exchange.Exchange) {
	f.mu.Lock()
	f.exchange, f.channel = x, x.Channel
	ended := f.ended.Load()
	f.mu.Unlock()
	f.is(asking)
	if ended {
		x.Cut(outcome.ErrOperator)
	}
}

// lands notes that the attempt is over.
func (f *flight) lands() {
	f.mu.Lock()
	f.exchange = nil
	f.mu.Unlock()
	f.is(choosing)
}

func (f *flight) is(p phase) { f.phase.Store(uint32(p)) }

// isEnded reports whether an operator has ended the request.
func (f *flight) isEnded() bool { return f.ended.Load() }

// pause is closed when an operator ends the request before resume is called.
func (f *flight) pause() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake = make(chan struct{})
	if f.ended.Load() {
		close(f.wake)
	}
	f.is(pausing)
	return f.wake
}

func (f *flight) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake = nil
	f.is(choosing)
}

// endBy ends the request, whatever it is doing.
func (v *visit) endBy(cause error) {
	f := &v.flight
	f.mu.Lock()
	again := f.ended.Swap(true)
	exchange, wake := f.exchange, f.wake
	f.mu.Unlock()
	if again {
		return
	}
	if exchange != nil {
		exchange.Cut(cause)
	}
	if wake != nil {
		close(wake)
	}
	if phase(f.phase.Load()) == reading {
		// Its reader looks whether the request is ended after it has moved the deadline, so that this one holds.
		v.onConnection((*http.ResponseController).SetReadDeadline)
	}
}

// onConnection passes a deadline of the connection, so that what waits there fails; not once the request is over.
func (v *visit) onConnection(set func(*http.ResponseController, time.Time) error) {
	v.flight.mu.Lock()
	defer v.flight.mu.Unlock()
	if !v.flight.over {
		_ = set(http.NewResponseController(v.w), time.Unix(1, 0)) // fails on no connection that can be slow
	}
}

// flights is the requests in flight, oldest first.
type flights struct {
	mu          sync.Mutex
	first, last *visit
}

func (l *flights) add(v *visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.flight.prev = l.last; l.last == nil {
		l.first = v
	} else {
		l.last.flight.next = v
	}
	l.last = v
}

func (l *flights) remove(v *visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &v.flight
	if f.prev == nil {
		l.first = f.next
	} else {
		f.prev.flight.next = f.next
	}
	if f.next == nil {
		l.last = f.prev
	} else {
		f.next.flight.prev = f.prev
	}
	f.prev, f.next = nil, nil
	f.mu.Lock()
	f.over = true
	f.mu.Unlock()
}

// find is the request of that id; nil: it is not in flight.
func (l *flights) find(id string) *visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	for v := l.first; v != nil; v = v.flight.next {
		if v.end.RequestID == id {
			return v
		}
	}
	return nil
}

// Flight is a request in flight, as GET /api/monitor/requests lists it.
type Flight struct {
	ID         string  `json:"id"`
	Token      string  `json:"token"`
	Model      string  `json:"model"`
	Channel    string  `json:"channel"`
	Phase      string  `json:"phase"`
	AgeSeconds float64 `json:"age_seconds"`
	Bytes      int64   `json:"bytes"` // of its answer, sent to the client
}

// all lists the requests.
func (l *flights) all(now time.Time) []Flight {
	list := []Flight{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for v := l.first; v != nil; v = v.flight.next {
		list = append(list, v.inFlight(now))
	}
	return list
}

func (v *visit) inFlight(now time.Time) Flight {
	f := &v.flight
	is, sent := phase(f.phase.Load()), v.client.Sent()
	switch {
	case v.client.Writing():
		is = writing
	case is == answering && sent > 0:
		is = streaming
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := ""
	if f.channel != nil {
		asked = f.channel.Name
	}
	return Flight{
		ID: v.end.RequestID, Token: v.token.Name, Model: f.model, Channel: asked, Phase: phaseNames[is],
		AgeSeconds: now.Sub(v.end.Began).Seconds(), Bytes: sent,
	}
}

// Requests serves GET /api/monitor/requests: what is in flight, oldest first.
func (c *Controller) Requests(g *gin.Context) {
	g.JSON(http.StatusOK, gin.H{"data": c.flights.all(time.Now())})
}

// How long an operator waits at most to see a request end, and how often is looked. A client that does not read what is being
// written to it is waited for a moment only.
const (
	endingTimeout = 2 * time.Second
	endingWrite   = 250 * time.Millisecond
	endingPoll    = 5 * time.Millisecond
)

// EndRequest serves DELETE /api/monitor/requests/:id: it ends one request, whose client is told 503, or with an error event
// once it has a part of its answer. Nothing moves on to another channel. The answer comes when the request has been cancelled,
// and as good as always when it is over.
func (c *Controller) EndRequest(g *gin.Context) {
	id := g.Param("id")
	v := c.flights.find(id)
	if v == nil {
		refuseOperator(g, http.StatusNotFound, "There is no request of that id in flight. GET /api/monitor/requests lists them.")
		return
	}
	v.endBy(outcome.ErrOperator)
	c.Log.Warn("a request was ended by the operator", "ended", id, "request_id", requestID(g))
	look := time.NewTicker(endingPoll)
	defer look.Stop()
	for began := time.Now(); c.flights.find(id) == v && time.Since(began) < endingTimeout; {
		select {
		case <-look.C:
			if v.client.Writing() && time.Since(began) > endingWrite {
				v.onConnection((*http.ResponseController).SetWriteDeadline)
			}
		case <-g.Request.Context().Done():
			return
		}
	}
	g.JSON(http.StatusOK, gin.H{"success": true})
}
