package controller

import (
	"net/http"

	"one-api/relay/membudget"
	"one-api/relay/outcome"
)

// Watchers is how many goroutines net/http runs to notice that a client leaves: one for each request whose body has been read.
func (c *Controller) Watchers() int64 {
	handling, _ := c.Handling()
	return max(0, handling-c.reading.Load())
}

// read reads a request's body, and counts the requests that are at it.
func (c *Controller) read(w http.ResponseWriter, r *http.Request, held *membudget.Lease, ended func() bool) ([]byte, *outcome.Refusal) {
	c.reading.Add(1)
	defer c.reading.Add(-1)
	timeout := c.BodyTimeout
	if timeout == 0 {
		timeout = bodyBlockTimeout
	}
	return readBody(w, r, c.Settings.MaxRequestBody, timeout, held, ended)
}
