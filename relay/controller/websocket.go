package controller

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/apikey"
	"one-api/relay/channel"
	"one-api/relay/gate"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/socket"
	"one-api/relay/turns"
	"one-api/relay/wire"
)

// Sockets is how many websockets are open.
func (c *Controller) Sockets() int64 { return c.sockets.Load() }

// Socket serves the websocket of an endpoint whose calls can be made on one. Each is a call like any other; the connection
// itself is a request, which is counted as long as it is open.
func (c *Controller) Socket(endpoint wire.Endpoint) gin.HandlerFunc {
	return func(g *gin.Context) {
		key, refusal := c.greet(g.Request, endpoint)
		if refusal != nil {
			c.turnAway(g, endpoint, key, refusal)
			return
		}
		c.sockets.Add(1)
		defer c.sockets.Add(-1)
		conn, err := socket.Accept(g.Writer, g.Request, "", c.Gates.BodyTimeout())
		if err != nil {
			return // the library has said why
		}
		turns.Serve(turns.Options{
			Conn: conn, Request: g.Request, ID: gate.RequestID(g.Writer.Header()), Log: c.Log,
			Call: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.relay(w, r, endpoint, true) //nolint:contextcheck // it has its request's
			}),
			Check:     func(model string) *wire.Error { return c.checkModel(key, endpoint, model) },
			Keeps:     func(id string) bool { return c.keeps(key, id) },
			Held:      func(l *membudget.Lease) { c.Gates.Lease(l, key) },
			MostBytes: c.Settings.MaxRequestBody, Draining: c.Gates.Intake.Drained(),
		})
	}
}

// greet finds out who asks for a websocket, before it is one. key is nil if that is not known.
func (c *Controller) greet(r *http.Request, endpoint wire.Endpoint) (key *apikey.Key, refusal *outcome.Refusal) {
	if !socket.Asks(r) {
		return nil, gate.RefuseBody(http.StatusUpgradeRequired, "GET "+endpoint.Path()+" is a websocket: ask with `Connection: Upgrade` and "+
			"`Upgrade: websocket`, or use POST.")
	}
	if status, why := socket.Misasked(r); status != 0 {
		return nil, gate.RefuseBody(status, why)
	}
	if refusal = c.Gates.Intake.Refusal(); refusal != nil {
		return nil, refusal
	}
	gate.TakeProtocolKey(r.Header)
	key, _, refusal = c.Gates.Caller(r, endpoint.Format())
	return key, refusal
}

// turnAway answers who asks for a websocket and does not get it, and records that as the end of a request.
func (c *Controller) turnAway(g *gin.Context, endpoint wire.Endpoint, key *apikey.Key, refusal *outcome.Refusal) {
	switch refusal.Err.Status {
	case http.StatusUpgradeRequired:
		gate.SayUpgrade(g.Writer.Header())
	case http.StatusServiceUnavailable:
		g.Header("Connection", "close")
	}
	fail(g, refusal.Err)
	end := record.End{
		RequestID: gate.RequestID(g.Writer.Header()), Endpoint: endpoint, Outcome: outcome.Rejected, Status: refusal.Err.Status,
		Reason:  refusal.Reason,
		Failure: &outcome.Failure{Outcome: outcome.Rejected, Err: refusal.Err}, Began: time.Now(),
	}
	if key != nil {
		end.Token = key.Name
	}
	c.Record.End(g.Request.Context(), &end)
}

// checkModel says why a client may not ask for a model; nil: it may.
func (c *Controller) checkModel(key *apikey.Key, endpoint wire.Endpoint, model string) *wire.Error {
	if model == "" {
		return wire.BadRequest("model", "You must provide a `model`, as a string.")
	}
	want := channel.SelectRequest{Caller: gate.CallerOf(key), Endpoint: endpoint, Model: model, Stream: true}
	if refusal := c.Gates.Directory().Channels.Check(&want); refusal != nil {
		return refusal.Err
	}
	return nil
}

// keeps reports whether an upstream is known to keep a response of this client's.
func (c *Controller) keeps(key *apikey.Key, id string) bool {
	if id == "" {
		return false
	}
	by, known := c.Made.Of(id)
	return known && by.Token == key.Name
}
