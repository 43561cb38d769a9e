package exchange

import (
	"bytes"
	"context"
	"net/http"

	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/wire"
)

// A stream tells what it costs only if that is asked for (stream_options.include_usage), and most clients do not ask. So the upstream
// is asked all the same, and what it says is kept from the client. Some servers refuse to be asked: then the call is sent once more
// as the client made it, and they are not asked again.

// asksForUsage reports whether the upstream is asked for the usage of a stream although its client does not ask.
func (x *Exchange) asksForUsage(call *lane.Call) bool {
	c := x.Channel
	switch {
	case !call.Stream, call.Endpoint.Media(), call.Options.Usage, x.has(withoutUsage), c.StreamUsage == config.StreamUsageNever:
		return false
	case c.StreamUsage == config.StreamUsageAuto && c.Of.QuirksAt(c.Official).UsageUnasked:
		return false
	}
	return !c.Usage.Has(c.UpstreamModel(call.Model))
}

// refusesUsage notes whether an error names what the relay has added to the request to be told the usage.
func (x *Exchange) refusesUsage(text []byte) bool {
	switch x.answer.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return x.asksUsage && (bytes.Contains(text, []byte("stream_options")) || bytes.Contains(text, []byte("include_usage")))
	}
	return false
}

// told notes, where a call was taken without what the relay had added to it, that it need not be added any more.
func (x *Exchange) told(ctx context.Context) {
	model := x.Channel.UpstreamModel(x.call.Model)
	x.toldThoughts(ctx, model)
	x.toldMoved(ctx, model)
	x.toldUnsigned(ctx)
	if x.has(withoutUsage) && x.Channel.Usage.Add(model) {
		x.door.options.Log.InfoContext(ctx, "an upstream refuses to be asked for the usage of streams (stream_options.include_usage), and is "+
			"not asked again before the next reload: what they cost is only counted if it is told unasked",
			"channel", x.Channel.Name, "request_id", x.requestID())
	}
}

// noteDoubtfulUsage logs once for each channel that its figures contradict each other: they are counted as they are.
func (x *Exchange) noteDoubtfulUsage(ctx context.Context, u wire.Usage) {
	if u.Doubtful && x.door.unknownEnds.isNews("usage of "+x.Channel.Name) {
		x.door.options.Log.WarnContext(ctx, "an upstream's token figures contradict each other, and are counted as they are: what it is said "+
			"to cost may be wrong",
			"channel", x.Channel.Name, "request_id", x.requestID(), "input", u.Input(),
			"cache_read", u.CacheRead, "output", u.Output(), "reasoning", u.Reasoning)
	}
}
