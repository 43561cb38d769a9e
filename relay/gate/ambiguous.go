package gate

import (
	"context"
	"net"
	"net/http"

	"one-api/relay/inflight"
)

type connKey struct{}

// WithConn lets the handlers of a connection's requests find it.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// serving is a client's connection that says when its client leaves the call that is served on it.
type serving interface{ Serves(call *inflight.Entry) }

// servingOf is the connection of a call, if it will say so; nil: the context alone does. A websocket's connection is read by who serves it.
func servingOf(a *Admission) serving {
	if a.Turn || a.End.Endpoint.Tunnels() {
		return nil
	}
	conn, _ := a.R.Context().Value(connKey{}).(serving)
	return conn
}

// closeIfAmbiguous has the connection closed behind the answer if it cannot be told for sure where the request ends.
func closeIfAmbiguous(header http.Header, r *http.Request) {
	conn, ok := r.Context().Value(connKey{}).(interface{ Ambiguous(*http.Request) bool })
	if ok && conn.Ambiguous(r) {
		header["Connection"] = []string{"close"}
	}
}
