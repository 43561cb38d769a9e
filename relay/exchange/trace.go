package exchange

import (
	"net/http"

	"one-api/telemetry"
)

// trace begins the attempt's span, where its call is traced, and tells the upstream of it, where the channel asks for that.
func (x *Exchange) trace(header http.Header) {
	if !x.sent {
		if x.span = x.beginTrace(); x.span.Recorded() {
			x.says = &says{}
		}
	}
	if x.Channel.PropagateTrace {
		x.span.Propagate(x.call.Header, header)
	}
}

func (x *Exchange) beginTrace() telemetry.Span {
	if x.call.Untraced {
		return telemetry.Span{}
	}
	return x.door.options.Tracing.Attempt(x.client, telemetry.AttemptStart{
		Channel: x.Channel.Name, Provider: x.Channel.Provider, Operation: x.call.Endpoint.Operation(),
		Model: x.call.Model, Stream: x.call.Stream, Began: x.Began,
	})
}

// beginTraceLate begins the span of an attempt that has none because it panicked before it was sent: it counts all the same.
func (x *Exchange) beginTraceLate() {
	if !x.sent && x.call != nil {
		x.span = x.beginTrace()
	}
}

// requestID is the id of the client's request, for the log; empty: nothing has been sent yet.
func (x *Exchange) requestID() string {
	if x.call == nil {
		return ""
	}
	return x.call.RequestID
}
