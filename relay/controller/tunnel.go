package controller

import (
	"net/http"

	"one-api/relay/socket"
)

// realtimeProtocol is the one that clients of the Realtime API offer, and are answered with.
const realtimeProtocol = "realtime"

// upgrade makes the client's request a websocket, once its upstream has agreed to one. From then on the connection is no longer net/http's.
func (c *call) upgrade() (*socket.Conn, error) {
	conn, err := socket.Accept(c.W, c.R, realtimeProtocol, c.of.Gates.BodyTimeout())
	c.upgraded = err == nil
	return conn, err
}

// status is what the client was sent; 0: nothing.
func (c *call) status() int {
	if c.upgraded {
		return http.StatusSwitchingProtocols
	}
	return c.Client.Status()
}
