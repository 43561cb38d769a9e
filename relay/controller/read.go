package controller

import (
	"cmp"
	"net/http"
	"time"

	"one-api/relay/membudget"
	"one-api/relay/outcome"
)

// Watchers is how many goroutines there are to notice that a client leaves: one for each request whose body has been read. It is
// net/http's or, for a websocket, the one that reads what the client sends.
func (c *Controller) Watchers() int64 {
	handling, _ := c.Handling()
	return max(0, handling-c.reading.Load())
}

// read reads a request's body, and counts the requests that are at it.
func (c *Controller) read(w http.ResponseWriter, r *http.Request, held *membudget.Lease, ended func() bool) ([]byte, *outcome.Refusal) {
	c.reading.Add(1)
	defer c.reading.Add(-1)
	return readBody(w, r, c.Settings.MaxRequestBody, c.bodyTimeout(), held, ended)
}

// bodyTimeout is how long each part of a body, or of a websocket's message, may take to arrive.
func (c *Controller) bodyTimeout() time.Duration { return cmp.Or(c.BodyTimeout, bodyBlockTimeout) }
