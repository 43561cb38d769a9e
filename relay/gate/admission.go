package gate

import (
	"context"
	"net/http"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/channel"
	"one-api/relay/inflight"
	"one-api/relay/lane"
	"one-api/relay/limit"
	"one-api/relay/membudget"
	"one-api/relay/price"
	"one-api/relay/record"
	"one-api/relay/reply"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// Directory is the configuration that a request begins with and keeps: who may call, and what there is to be called.
type Directory struct {
	Channels *channel.Set
	Keys     *apikey.Store
	// ContextFallback is the larger model for each one whose context may be too small.
	ContextFallback map[string]string
	Limits          *limit.Set
	Prices          *price.Book
}

// Admission is a request that is to be relayed, and what its gates find out about it. It is a part of the call, which holds it for as
// long as that lasts.
type Admission struct {
	Arrival
	Ctx       context.Context // the request's, with the span of the call in it if that is traced
	Flight    inflight.Entry
	End       record.End
	Client    reply.Writer
	Directory *Directory
	Key       *apikey.Key
	Asked     lane.Call             // as the client made it
	Select    channel.SelectRequest // what is asked of selection
	Held      membudget.Lease       // of the request's body

	Reserved *limit.Reservation // nil: no limit counts for it

	Passed  uint8 // gates of Calls
	Counted bool  // as a call, whose end is recorded
	whole   bool  // its body has been read
}

// Arrive begins an admission.
func (a *Admission) Arrive(w http.ResponseWriter, r *http.Request, endpoint wire.Endpoint) {
	a.W, a.R, a.Ctx = w, r, r.Context()
	a.End.Endpoint, a.End.Began = endpoint, time.Now()
}

// Route is the endpoint's path.
func (a *Admission) Route() string { return a.End.Endpoint.Path() }

// Began is when it came.
func (a *Admission) Began() time.Time { return a.End.Began }

// HTTP is what is told of the request when it has ended.
func (a *Admission) HTTP() telemetry.HTTP {
	h := telemetry.HTTP{Method: a.R.Method, Route: a.Route(), Status: a.End.Status, Duration: a.End.Duration, Span: a.End.Span}
	if a.Counted {
		h.ErrorType = a.End.ErrorType()
	}
	return h
}

// trace begins the span of the call. It does so for those whose key is known: what strangers send is counted, not traced.
func (a *Admission) trace(tracing *telemetry.Tracing) {
	a.Ctx, a.End.Span = tracing.Request(a.Ctx, a.R.Method, a.End.Endpoint.Path(), a.R.Header, a.End.Began)
	a.Asked.Untraced = !a.End.Span.Recorded()
}

// ReadAway reads what is left of the body of a request that was turned away, so that its client gets to read why.
func (a *Admission) ReadAway() {
	if !a.whole {
		ReadAway(a.W, a.R)
	}
}
