package exchange

import (
	"bytes"
	"context"
	"net/http"
	"slices"

	"one-api/relay/lane"
	"one-api/relay/wire"
)

// DroppedHeader tells a client what its conversation was sent without.
const DroppedHeader = "X-Oneapi-Dropped"

// droppedIsReasoning is its value for reasoning that another provider has signed.
const droppedIsReasoning = "reasoning"

// refusesSignature reports whether an error says that the reasoning of earlier turns is not the upstream's own: Anthropic's "Invalid
// `signature` in `thinking` block", Bedrock's "thinking.signature: Field required", Vertex's "…signature.str: Input should be a valid
// string", Gemini's "Thought signature is not valid", OpenAI's invalid_encrypted_content; or that it is missing, before calls of tools that
// another provider has made: "Expected `thinking` or `redacted_thinking`, but found `tool_use`". The words may be the client's: all that
// they bring about is another form of its own call.
func (x *Exchange) refusesSignature(text []byte) bool {
	if x.answer.Status != http.StatusBadRequest && x.answer.Status != http.StatusUnprocessableEntity || x.call == nil ||
		!x.namesReasoning(bytes.ToLower(text)) {
		return false
	}
	if x.converts() {
		return x.converted != nil && x.converted.Gave
	}
	return lane.HoldsSigned(x.call)
}

// namesReasoning reports whether an error names what holds the reasoning of earlier turns. In chat completions each server has members of
// its own for it, which others refuse as they refuse any that they do not know: "property 'reasoning_content' is unsupported".
func (x *Exchange) namesReasoning(text []byte) bool {
	words := refusedReasoning[:]
	if x.call.Endpoint == wire.ChatCompletions && !x.converts() {
		words = refusedMembers[:]
	}
	return slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(text, []byte(word)) })
}

var (
	refusedReasoning = [...]string{"signature", "encrypted_content", "encrypted content", "redacted_thinking"}
	refusedMembers   = [...]string{"signature", "reasoning", "thinking", "extra_content"}
)

// toldUnsigned notes that a conversation was taken without.
func (x *Exchange) toldUnsigned(ctx context.Context) {
	if !x.droppedReasoning() {
		return
	}
	x.door.options.Metrics.StateDropped(x.Channel.Name)
	x.door.options.Log.InfoContext(ctx, "a conversation was sent without the reasoning of its earlier turns: another provider has made it, "+
		"and this one takes none but its own",
		"channel", x.Channel.Name, "request_id", x.requestID())
}

// droppedReasoning reports whether the request was sent without reasoning of earlier turns, at once or after it was refused.
func (x *Exchange) droppedReasoning() bool { return x.has(unread) }
