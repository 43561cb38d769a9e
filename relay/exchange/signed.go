package exchange

import (
	"bytes"
	"context"
	"net/http"

	"one-api/relay/lane"
)

// DroppedHeader tells a client what its conversation was sent without.
const DroppedHeader = "X-Oneapi-Dropped"

// droppedReasoning is its value for reasoning that another provider has signed.
const droppedReasoning = "reasoning"

// refusesSignature reports whether an error says that the reasoning of earlier turns is not the upstream's own: Anthropic's "Invalid
// `signature` in `thinking` block", Bedrock's "thinking.signature: Field required", Vertex's "…signature.str: Input should be a valid
// string", OpenAI's invalid_encrypted_content. The words may be the client's: all that they bring about is another form of its own call.
func (x *Exchange) refusesSignature(text []byte) bool {
	if x.answer.Status != http.StatusBadRequest && x.answer.Status != http.StatusUnprocessableEntity || x.call == nil || x.converts() {
		return false
	}
	text = bytes.ToLower(text)
	return (bytes.Contains(text, []byte("signature")) || bytes.Contains(text, []byte("encrypted_content")) ||
		bytes.Contains(text, []byte("encrypted content"))) && lane.HoldsSigned(x.call)
}

// toldUnsigned notes that a conversation was taken without.
func (x *Exchange) toldUnsigned(ctx context.Context) {
	if !x.has(unsigned) {
		return
	}
	x.door.options.Metrics.StateDropped(x.Channel.Name)
	x.door.options.Log.InfoContext(ctx, "a conversation was sent without the reasoning of its earlier turns: another provider has signed it, "+
		"and this one takes none but its own",
		"channel", x.Channel.Name, "request_id", x.requestID())
}
