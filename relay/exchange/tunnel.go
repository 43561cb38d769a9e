package exchange

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/format/realtime"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/socket"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Tunnel asks the upstream for a websocket and, once there is one, turns the client's request into one with accept, which it calls at
// most once. Until then another channel can be asked. It passes messages on in both directions until either side closes or the session
// is over, and returns nil if the session ended as sessions do.
//
// A tunnel has the goroutine of its request, which reads the upstream, and one beside it, which reads the client.
func (x *Exchange) Tunnel(call *lane.Call, accept func() (*socket.Conn, error)) *outcome.Failure {
	x.call = call
	x.noteSent()
	x.chunks = x.Channel.Metrics.Chunks(call.Endpoint.Operation())
	x.lease(call)
	up, failure := x.dial(call)
	if failure != nil {
		return failure
	}
	x.Taken()
	x.translates()
	client, err := accept()
	if err != nil {
		return x.interruptedOrGone()
	}
	x.started = true
	x.AnswerBegan()
	t := &tunnel{x: x, up: up, client: client, options: x.door.options.Session.filled(), read: make(chan struct{})}
	t.touch()
	return t.run()
}

// dial asks for the upstream's websocket.
func (x *Exchange) dial(call *lane.Call) (*socket.Conn, *outcome.Failure) {
	request, failure := x.prepare(call)
	if failure != nil {
		return nil, failure
	}
	if failure := x.address(&request); failure != nil {
		return nil, failure
	}
	if !x.sent && x.Because != "" {
		x.Channel.Metrics.Retry(x.Because)
	}
	x.sent = true
	asked := breaker.Now()
	x.awaitsHeader(asked)
	up, connected, err := x.Channel.Transport.Upgrade((*asking)(x), x.outgoing(&request), &x.answer)
	x.hasWaited(asked)
	switch {
	case err == nil:
		x.opened()
		return up, nil
	case x.answer.Status == 0:
		return nil, x.broken(err, connected)
	}
	x.opened()
	if x.answer.Status/100 == 2 {
		return nil, x.noWebsocket()
	}
	return nil, x.refused(true)
}

// noWebsocket is the failure of an upstream that answers with a 2xx and no websocket: it has no sessions, or a proxy in front of it takes
// the upgrade out. That is held against nobody while its other endpoints work.
func (x *Exchange) noWebsocket() *outcome.Failure {
	status := x.answer.Status
	x.hold.closeBody()
	f := &outcome.Failure{
		Outcome: outcome.UpstreamStatus, Class: outcome.ClassMisplaced, Status: status,
		Detail: fmt.Sprintf("it answered %d where a websocket was asked for: it has none there, or a proxy before it does not pass "+
			"upgrades on", status),
		Err: &wire.Error{Status: http.StatusBadGateway, Type: "api_error", Code: "upstream_has_no_websocket",
			Message: "the upstream does not answer with a websocket"},
	}
	if x.Channel.Lacks(x.call.Endpoint) {
		f.Class = outcome.ClassUnserved
	}
	return f
}

// tunnel is a session: a websocket on either side.
type tunnel struct {
	x          *Exchange
	up, client *socket.Conn
	options    SessionOptions
	read       chan struct{} // closed when nobody reads the client any more
	last       atomic.Int64  // when a message was last passed on, a moment
	activity   activity
	draining   atomic.Bool // the relay shuts down
	pinged     int64       // when the sides were last asked for a sign of life, a moment
	within     bool        // the client has been sent a part of a message; only the one who reads the upstream knows

	mu     sync.Mutex
	over   *sessionEnd // why it ends; nil: it does not
	timer  *time.Timer
	ticks  sync.Mutex // held while a tick is at work
	closed bool       // no tick begins any more; it is set under ticks
}

// sessionEnd is why a session ends. The first reason that is noted counts.
type sessionEnd struct {
	code    int // what one side or both are told
	reason  string
	failure *outcome.Failure // nil: it ended as sessions do
	byError bool             // the client is told what it was in an event, too
}

// ends notes why the session ends, unless it is ending already.
func (t *tunnel) ends(e *sessionEnd) *sessionEnd {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over == nil {
		t.over = e
	}
	return t.over
}

func (t *tunnel) touch() { t.last.Store(breaker.Now()) }

// run passes messages on until the session is over.
func (t *tunnel) run() *outcome.Failure {
	t.watch()
	t.x.door.sessions.add(t)
	defer t.x.door.sessions.remove(t)
	go t.fromClient()
	end := t.fromUpstream()
	if end.byError && !t.within { // else there is no telling it: an event cannot stand inside of another
		t.complain(end)
	}
	t.client.Close(end.code, end.reason)
	t.x.hold.closeBody() // nothing that is to be sent has any meaning now
	<-t.read
	t.stop()
	return end.failure
}

// complain tells the client in an event why its session ends.
func (t *tunnel) complain(end *sessionEnd) {
	e := &wire.Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "session_expired", Message: end.reason}
	if end.failure != nil {
		e = end.failure.Err
	}
	body := wire.OpenAI.ErrorBody(e, t.x.requestID())
	_ = t.client.Write(append([]byte(`{"type":"error","event_id":"event_oneapi",`), body[1:]...)) // if it cannot be told, it has left
}

// fromUpstream passes on what the upstream says, until it says no more or it cannot be passed on.
func (t *tunnel) fromUpstream() *sessionEnd {
	part := make([]byte, partOfMessage)
	for {
		lost, err := t.pass(t.up, t.client, part, t.listen)
		if err == nil {
			continue
		}
		return t.ends(t.upstreamEnd(err, lost))
	}
}

// upstreamEnd is the end of a session when nothing more can be passed on to the client. lost means that the client takes no more.
func (t *tunnel) upstreamEnd(err error, lost bool) *sessionEnd {
	x := t.x
	if f := x.interrupted(); f != nil {
		return &sessionEnd{socket.GoingAway, "the relay has ended this session", f, true}
	}
	if lost {
		return &sessionEnd{socket.Policy, "the client does not take what it is sent", x.unwritable(err), false}
	}
	code, reason, said := socket.CloseOf(err)
	switch {
	case socket.IsTooBig(err):
		return &sessionEnd{socket.Broken, "the upstream's message is too large", x.broken(sse.ErrTooLarge, true), true}
	case !said:
		return &sessionEnd{socket.Broken, "the connection to the upstream broke", x.broken(err, true), true}
	case code == socket.Broken || code == socket.Later || code == socket.BadGateway || code == socket.Restart:
		f := outcome.Truncated(fmt.Sprintf("it closed the session with code %d", code))
		return &sessionEnd{code, reason, f, false}
	}
	return &sessionEnd{code, reason, nil, false}
}

// listen takes in what the upstream says: whether it is a part of an answer, and what something has cost.
func (t *tunnel) listen(message []byte, whole bool) (more bool) {
	x := t.x
	t.activity.note(message)
	if x.counted.looks < mostLooks {
		x.looks(message)
	}
	if realtime.Says(message) {
		if x.firstEvent == 0 {
			x.firstEvent = time.Since(x.Began)
		}
		x.events++
		x.chunks.Chunk(time.Duration(breaker.Now()))
	}
	if !realtime.Costs(message) {
		return false
	}
	if whole {
		_, _ = x.translator.Event(sse.Event{Data: message})
	}
	return !whole
}

// fromClient passes on what the client says. It ends the upstream's websocket as the client has ended its own.
func (t *tunnel) fromClient() {
	defer close(t.read)
	defer func() {
		if p := recover(); p != nil {
			t.x.door.options.Log.Error("panic in a session", "request_id", t.x.requestID(), "channel", t.x.Channel.Name,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			t.ends(&sessionEnd{socket.Broken, "the relay has failed", outcome.Panicked(), true})
			t.up.CloseNow()
		}
	}()
	part := make([]byte, partOfMessage)
	for {
		lost, err := t.pass(t.client, t.up, part, nil)
		switch {
		case err == nil:
			continue
		case lost:
			t.ends(&sessionEnd{socket.Broken, "the connection to the upstream broke", t.x.broken(err, true), true})
			t.up.CloseNow()
			return
		}
		end := &sessionEnd{socket.GoingAway, "", outcome.Gone(), false}
		if code, reason, said := socket.CloseOf(err); said {
			end = &sessionEnd{code, reason, nil, false}
		} else if socket.IsTooBig(err) {
			end = &sessionEnd{socket.TooBig, "message too large", nil, false}
		}
		if t.ends(end) == end {
			t.up.Close(end.code, end.reason)
		}
		return
	}
}
