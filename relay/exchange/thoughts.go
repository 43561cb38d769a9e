package exchange

import (
	"bytes"
	"context"
	"net/http"

	"one-api/relay/lane"
	"one-api/relay/wire"
)

// DeepSeek, Kimi and whoever serves their models refuse a conversation if its tool calls come back without the reasoning that led to
// them (reasoning_content). OpenAI's own SDKs leave that out, since OpenAI has no such thing. A request is not changed until it has been
// refused for it. Then it is sent once more with something in that place, and so are the requests that follow.

// givesThoughts reports whether something is put in the place of reasoning that is missing.
func (x *Exchange) givesThoughts(call *lane.Call) bool {
	return call.Endpoint != wire.Embeddings && !call.Endpoint.Media() &&
		(x.thoughtful || x.Channel.Thoughts.Has(x.Channel.UpstreamModel(call.Model)))
}

// lacks is how the refusals go on that name reasoning_content: DeepSeek's, DeepSeek's of before, Kimi's, others'.
var lacks = [...]string{"passed back", "missing", "required", "must be provided"}

// missesThoughts reports whether an error says that the reasoning of earlier turns is not there.
func (x *Exchange) missesThoughts(text []byte) bool {
	if x.answer.Status != http.StatusBadRequest && x.answer.Status != http.StatusUnprocessableEntity ||
		!bytes.Contains(text, []byte("reasoning_content")) {
		return false
	}
	text = bytes.ToLower(text)
	for _, words := range lacks {
		if bytes.Contains(text, []byte(words)) {
			return true
		}
	}
	return false
}

// toldThoughts notes that a conversation was taken once something stood in the place of its reasoning.
func (x *Exchange) toldThoughts(ctx context.Context, model string) {
	if x.thoughtful && x.Channel.Thoughts.Add(model) {
		x.door.options.Log.InfoContext(ctx, "an upstream refuses conversations without the reasoning of their earlier turns "+
			"(reasoning_content), which a client has left out: until the next reload a blank stands in its place. A client that gives it back "+
			"gets better answers",
			"channel", x.Channel.Name, "request_id", x.requestID())
	}
}
