// Package turns serves the websocket mode of OpenAI's Responses API (https://developers.openai.com/api/docs/guides/websocket-mode) over
// channels of any kind: each response.create is an ordinary call, whose events leave as messages. It knows neither channels nor
// upstreams; whoever serves a connection gives it the handler of a call.
package turns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/socket"
	"one-api/relay/wire"
)

// Bounds of a connection.
const (
	// mostWaiting is how many messages may wait while one is being answered.
	mostWaiting = 8
	// longestLife is the API's own: clients know what its end means, and connect anew.
	longestLife = time.Hour
	pingEvery   = 30 * time.Second
	pingTimeout = 20 * time.Second
)

// Options is what a connection is served with.
type Options struct {
	Conn    *socket.Conn
	Request *http.Request // that asked for it. Its context ends when the relay does
	ID      string        // of the request
	// Call serves one call, as if it were the POST of a client.
	Call http.Handler
	// Check says why the client may not ask for a model; nil: it may.
	Check func(model string) *wire.Error
	// Keeps reports whether an upstream is known to keep a response.
	Keeps func(id string) bool
	// Held makes leases ones of the client's part of the budget.
	Held func(*membudget.Lease)
	// MostBytes is how long a message may be.
	MostBytes int64
	// Draining is closed when no more calls are taken.
	Draining <-chan struct{}
	// Life is how long the connection may last; 0: longestLife.
	Life time.Duration
	Log  *slog.Logger
}

// connection is one client's. It has two goroutines: the one that serves, which is that of its request, and the one that reads, which it
// starts and waits for.
type connection struct {
	Options
	ctx   context.Context // ends when the client leaves, and when the relay stops
	leave context.CancelCauseFunc
	in    chan *message // what the client asks for; closed when it has left
	read  chan struct{} // closed when nobody reads any more
	chain chain
}

// message is one of the client's, and what it holds.
type message struct {
	envelope
	held membudget.Lease
}

// Serve serves a connection until one of its ends closes it. It returns when all is given back.
func Serve(o Options) {
	c := &connection{Options: o, in: make(chan *message, mostWaiting), read: make(chan struct{})}
	c.ctx, c.leave = context.WithCancelCause(o.Request.Context())
	c.chain.held = o.Held
	go c.reads()
	code, reason := socket.Broken, "the relay has failed" // for a panic
	defer func() {
		c.leave(context.Canceled)
		c.Conn.Close(code, reason)
		<-c.read
		for m := range c.in {
			m.held.Release()
		}
		c.chain.release()
	}()
	code, reason = c.serve()
}

// serve answers one message after the other.
func (c *connection) serve() (code int, reason string) {
	life := c.Life
	if life == 0 {
		life = longestLife
	}
	end := time.NewTimer(life)
	defer end.Stop()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select { // what ends the connection comes before what is asked on it
		case <-c.Draining:
			return socket.GoingAway, "the relay is shutting down"
		case <-c.ctx.Done():
			return c.over()
		default:
		}
		select {
		case m, ok := <-c.in:
			if !ok {
				return c.over()
			}
			if !c.turn(m) {
				c.Conn.CloseNow()
				return socket.Normal, ""
			}
			ping.Reset(pingEvery)
		case <-ping.C:
			if c.Conn.Ping(pingTimeout) != nil {
				return socket.Policy, "no answer to a ping"
			}
		case <-end.C:
			c.refuse(&wire.Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "websocket_connection_limit_reached",
				Message: fmt.Sprintf("Responses websocket connection limit reached (%d minutes). Create a new websocket connection to continue.",
					int(life.Minutes()))}, "")
			return socket.Normal, "connection limit reached"
		case <-c.Draining:
			return socket.GoingAway, "the relay is shutting down"
		case <-c.ctx.Done():
			return c.over()
		}
	}
}

// over is why the connection ends that somebody else has ended.
func (c *connection) over() (code int, reason string) {
	var ended *ending
	switch cause := context.Cause(c.ctx); {
	case errors.As(cause, &ended):
		return ended.code, ended.reason
	case errors.Is(cause, outcome.ErrShutdown):
		return socket.GoingAway, "the relay is shutting down"
	}
	return socket.Normal, ""
}

// ending is why nothing more is read of a client that has not left.
type ending struct {
	code   int
	reason string
}

func (e *ending) Error() string { return e.reason }

// reads takes in what the client sends until it leaves, and ends the call at hand then. It never waits for that call: whoever asks for
// more than may wait is told so.
func (c *connection) reads() {
	defer close(c.read)
	defer close(c.in)
	cause := context.Canceled
	defer func() {
		if p := recover(); p != nil {
			c.Log.Error("panic in a websocket's reader", "request_id", c.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			cause = &ending{socket.Broken, "the relay has failed"}
		}
		c.leave(cause)
	}()
	for {
		m := &message{}
		c.Held(&m.held)
		text, err := c.Conn.Read(&m.held, c.MostBytes)
		if err != nil {
			m.held.Release()
			if cause = c.unread(err); cause == nil {
				continue
			}
			return
		}
		if !c.takes(m, text) {
			m.held.Release()
		}
	}
}

// unread is why reading ends with an error; nil: it does not.
func (c *connection) unread(err error) error {
	switch {
	case errors.Is(err, socket.ErrBinary):
		c.refuse(wrong("", "A binary message: this API speaks JSON, as text."), "")
		return nil
	case errors.Is(err, membudget.ErrFull):
		// What is left of the message would have to be read to read the next one.
		c.refuse(outcome.RefuseNoRoom(err).Err, "")
		return &ending{socket.Later, "no room for the message"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &ending{socket.Policy, "a message did not come in time"}
	}
	return context.Canceled
}

// takes looks at a message; true: it waits for its turn.
func (c *connection) takes(m *message, text []byte) bool {
	refusal := m.read(text)
	switch {
	case refusal != nil:
		c.refuse(refusal, m.lane)
		return false
	case m.kind == kindProcessed:
		return false // Codex's: it has what the relay sent
	case m.kind == kindSteer:
		c.say(m.lane, m.unsteered())
		return false
	case m.kind != kindCreate:
		c.refuse(wrong("type", "Unknown event type "+quote(m.kind)+". Supported are: 'response.create'."), m.lane)
		return false
	}
	select {
	case c.in <- m:
		return true
	default:
		c.refuse(&wire.Error{Status: http.StatusTooManyRequests, Type: "rate_limit_error", Code: "websocket_stream_limit_reached",
			RetryAfter: time.Second,
			Message: fmt.Sprintf("%d requests wait on this connection already, which answers one after the other. Wait for a response before "+
				"asking for more, or open another connection.", mostWaiting)}, m.lane)
		return false
	}
}

// refuse tells the client of an error that is no response's. That it cannot be told ends the connection elsewhere.
func (c *connection) refuse(e *wire.Error, lane string) {
	c.say(lane, errorMessage(e.Status, wire.Responses.ErrorBody(e, c.ID), errorHeaders(e, c.ID)))
}

func (c *connection) say(lane string, message []byte) { _ = c.Conn.Write(onLane(lane, message)) }

func wrong(param, message string) *wire.Error {
	return wire.BadRequest(param, message)
}
