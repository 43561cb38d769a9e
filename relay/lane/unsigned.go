package lane

import (
	"one-api/relay/format/chat"
	"one-api/relay/format/gemini"
	"one-api/relay/format/messages"
	"one-api/relay/format/responses"
	"one-api/relay/wire"
)

// Reasoning that its maker has signed, or encrypted, is refused by everybody else: by another provider of the same models, and by another
// account of some. Of a conversation that was converted only its maker ever sees it (format.Seal); a native one is passed on as it is,
// and is sent once more without if it is refused for that.

// HoldsSigned reports whether there may be such reasoning in a native call, or calls of tools before which Anthropic would look for it.
func HoldsSigned(call *Call) bool {
	switch call.Endpoint {
	case wire.ChatCompletions:
		return chat.HoldsThoughts(call.Body)
	case wire.Messages, wire.MessagesCount:
		return messages.HoldsSigned(call.Body) || messages.HoldsCalls(call.Body)
	case wire.ResponsesCreate, wire.ResponsesTokens, wire.ResponsesCompact:
		return responses.HoldsSealed(call.Body)
	case wire.GeminiGenerate, wire.GeminiStream:
		return gemini.HoldsSigned(call.Body)
	default:
		return false
	}
}

// unsigned is the body of a native call without. lost: there was some.
func unsigned(at wire.Endpoint, body []byte) (without []byte, lost bool) {
	switch at {
	case wire.ChatCompletions:
		return chat.Unthought(body), true
	case wire.Messages, wire.MessagesCount:
		return messages.Unsigned(body), messages.HoldsSigned(body)
	case wire.ResponsesCreate, wire.ResponsesTokens, wire.ResponsesCompact:
		return responses.Unsealed(body), true
	case wire.GeminiGenerate, wire.GeminiStream:
		return gemini.Unsigned(body), true
	default:
		return body, false
	}
}
