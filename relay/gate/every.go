package gate

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/reply"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Incoming is any request, relayed or not.
type Incoming interface {
	Identified
	Arrived() *Arrival
	// Began is when it came.
	Began() time.Time
	// Route is the pattern of the path; empty: none matched.
	Route() string
	// HTTP is what is told of the request when it has ended.
	HTTP() telemetry.HTTP
}

// Arrival is a request as it comes, and the way back to who made it.
type Arrival struct {
	W http.ResponseWriter
	R *http.Request

	ids    ids
	method uint8 // telemetry.MethodIndex
	Passed uint8 // gates of Every
	Turn   bool  // it is made on a websocket, and is no request of HTTP's: the connection's is, and counts its goroutines
}

// Arrived is the arrival itself, for what has it as a part.
func (a *Arrival) Arrived() *Arrival { return a }

// ID is the request's id.
func (a *Arrival) ID() string { return a.ids.own[0] }

// ClientID is what the client calls its request; empty: nothing that can be repeated.
func (a *Arrival) ClientID() string { return a.ids.client[0] }

// identity gives every request an id and every response its header.
type identity struct{ noExit[Incoming] }

// Enter never refuses.
func (identity) Enter(r Incoming) *outcome.Refusal {
	a := r.Arrived()
	header := a.W.Header()
	closeIfAmbiguous(header, a.R)
	a.ids.give(header, a.R, r.Began())
	return nil
}

// traffic counts the requests that are being served, and records each one's end.
type traffic struct {
	metrics  *telemetry.Metrics
	handling [telemetry.Methods]atomic.Int64
}

// Enter never refuses.
func (t *traffic) Enter(r Incoming) *outcome.Refusal {
	a := r.Arrived()
	if a.Turn {
		return nil
	}
	a.method = uint8(telemetry.MethodIndex(a.R.Method)) //nolint:gosec // there are few methods
	t.handling[a.method].Add(1)
	return nil
}

// Exit records the end.
func (t *traffic) Exit(r Incoming) {
	if a := r.Arrived(); !a.Turn {
		t.handling[a.method].Add(-1)
		t.metrics.HTTP(r.HTTP())
	}
}

// crossOrigin lets web pages call the relay, as one-api did: the key is in a header, never in a cookie, so any origin may. What operators
// look at stays closed to pages: there it may be the browser's place in the network that opens the door.
type crossOrigin struct {
	noExit[Incoming]
	closedHealth bool
}

// Enter never refuses.
func (c crossOrigin) Enter(r Incoming) *outcome.Refusal {
	if a := r.Arrived(); !c.ofOperators(a.R, r.Route()) {
		allowOrigin(a.W.Header(), a.R)
	}
	return nil
}

// ofOperators reports whether a request is for an operator's endpoint, or asks whether one may be called.
func (c crossOrigin) ofOperators(r *http.Request, path string) bool {
	if r.Method == http.MethodOptions {
		path = r.URL.Path
	}
	switch path {
	case "/api/status":
		return false
	case "/api/monitor/health":
		return c.closedHealth
	}
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/debug/")
}

// FallbackHeader says which model was asked instead of the one that the client asked for.
const FallbackHeader = "X-Oneapi-Fallback"

// EstimatedHeader says that a number of tokens is an estimate, since nobody who would know could be asked.
const EstimatedHeader = "X-Oneapi-Estimated"

// exposedHeaders is what pages may read of an answer besides its body: all that the relay writes there and a browser would keep
// from them (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
var exposedHeaders = strings.Join([]string{
	reply.RequestIDHeader, "X-Request-Id", "Request-Id", "Retry-After", "Allow", FallbackHeader, EstimatedHeader,
}, ", ")

// allowedOrigin is the header that answers a web page's request as one.
const allowedOrigin = "Access-Control-Allow-Origin"

// allowOrigin answers a web page's request as one; false: it is none.
func allowOrigin(header http.Header, r *http.Request) bool {
	if wire.First(r.Header, "Origin") == "" {
		return false
	}
	header.Set(allowedOrigin, "*")
	header.Set("Access-Control-Expose-Headers", exposedHeaders)
	return true
}

// IsPreflight reports whether a request only asks whether a web page may call, which it has been allowed, and completes the header of
// the answer.
func IsPreflight(a *Arrival) bool {
	header := a.W.Header()
	if a.R.Method != http.MethodOptions || header.Get(allowedOrigin) == "" {
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "*, Authorization")
	header.Set("Access-Control-Max-Age", "86400")
	return true
}

// maxHeaderFields is how many fields a request's header may have. net/http bounds its bytes only, of which each field takes
// some twenty times as many once it is parsed; no client sends half as many.
const maxHeaderFields = 128

// headerLimit refuses a header of too many fields, so that no call holds one.
type headerLimit struct{ noExit[Incoming] }

// Enter refuses with 431.
func (headerLimit) Enter(r Incoming) *outcome.Refusal {
	n := 0
	for _, values := range r.Arrived().R.Header {
		n += len(values)
	}
	if n <= maxHeaderFields {
		return nil
	}
	return &outcome.Refusal{Err: &wire.Error{
		Status: http.StatusRequestHeaderFieldsTooLarge, Type: "invalid_request_error", Code: "header_too_large",
		Message: "The request's header has " + strconv.Itoa(n) + " fields, and this relay takes " + strconv.Itoa(maxHeaderFields) +
			" at the most.",
	}}
}
