package exchange

import (
	"bytes"
	"context"
	"net/http"

	"one-api/relay/outcome"
)

// Some models are served on the Responses API and nowhere else. If that is not known beforehand (channel.OnResponses), a model is asked
// for once where the others are. Its upstream then says where it is served, and the call is sent there, as the same attempt.

// placing is where a call's model is served.
type placing uint8

const (
	whereOthersAre placing = iota
	onResponses            // on the Responses API, as is known
	movedThere             // as the upstream has said to this very call
)

// elsewhere is how upstreams say it: OpenAI, Azure, and those in front of them.
var elsewhere = [...][]byte{
	[]byte("only supported in v1/responses"),
	[]byte("only supported in /v1/responses"),
	[]byte("operation does not work with the specified model"),
	[]byte("unsupported_api_for_model"),
	[]byte("not accessible via the /chat/completions endpoint"),
}

// isMisasked reports whether an error says that the model is served on the Responses API and not where it was asked for.
func (x *Exchange) isMisasked(text []byte) bool {
	switch x.answer.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity:
	default:
		return false
	}
	if x.place != whereOthersAre || x.Channel.ResponsesLanes[x.call.Endpoint] == nil {
		return false
	}
	text = bytes.ToLower(text)
	for _, words := range elsewhere {
		if bytes.Contains(text, words) {
			return true
		}
	}
	return false
}

// telling is the failure that says more of a call that was sent once more: what the upstream has said of the model, if it turns out to
// have no Responses API.
func (x *Exchange) telling(before, again *outcome.Failure) *outcome.Failure {
	if again != nil && x.place == movedThere && (again.Status == http.StatusNotFound || again.Status == http.StatusMethodNotAllowed) {
		return before
	}
	return again
}

// toldMoved notes that a model was answered for on the Responses API once it had been refused elsewhere.
func (x *Exchange) toldMoved(ctx context.Context, model string) {
	if x.place == movedThere && x.Channel.Responses.Add(model) {
		x.door.options.Log.InfoContext(ctx, "an upstream serves a model on the Responses API only: until the next reload it is asked there",
			"channel", x.Channel.Name, "request_id", x.requestID())
	}
}
