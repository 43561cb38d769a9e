package gate

import (
	"context"
	"net"
	"net/http"
)

type connKey struct{}

// WithConn lets the handlers of a connection's requests find it.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// closeIfAmbiguous has the connection closed behind the answer if it cannot be told for sure where the request ends.
func closeIfAmbiguous(header http.Header, r *http.Request) {
	conn, ok := r.Context().Value(connKey{}).(interface{ Ambiguous(*http.Request) bool })
	if ok && conn.Ambiguous(r) {
		header["Connection"] = []string{"close"}
	}
}
