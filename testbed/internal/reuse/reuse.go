// Package reuse tells the first request of a connection from those behind it: a relay that loses a connection that had been used
// before sends the request once more on a new one, and both together are one attempt.
package reuse

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// usedKey is where a request's context has whether its connection had been used before it.
type usedKey struct{}

// ConnContext is an http.Server's ConnContext.
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, usedKey{}, &atomic.Bool{})
}

// First reports whether nothing came before a request on its connection. It is asked once a request.
func First(r *http.Request) bool {
	used, _ := r.Context().Value(usedKey{}).(*atomic.Bool)
	return !used.Swap(true)
}
