package lane

import (
	"one-api/relay/format/messages"
	"one-api/relay/format/responses"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// Reasoning that its maker has signed, or encrypted, is refused by everybody else: by another provider of the same models, and by another
// account of some. Of a conversation that was converted only its maker ever sees it (format.Seal); a native one is passed on as it is,
// and is sent once more without if it is refused for that.

// HoldsSigned reports whether there may be such reasoning in a native call.
func HoldsSigned(call *Call) bool {
	switch call.Endpoint {
	case wire.Messages:
		return messages.HoldsSigned(call.Body)
	case wire.ResponsesCreate:
		return responses.HoldsSealed(call.Body)
	default:
		return false
	}
}

// unsigned is the call without.
func unsigned(call *Call) *Call {
	body := call.Body
	switch call.Endpoint {
	case wire.Messages:
		body = messages.Unsigned(body)
	case wire.ResponsesCreate:
		body = responses.Unsealed(body)
	default:
	}
	c := *call
	c.Body, c.ModelFrom, c.ModelTo = body, 0, 0
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "model" {
			c.ModelFrom, c.ModelTo = m.Start, m.End
		}
	})
	return &c
}
