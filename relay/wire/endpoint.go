// Package wire holds what travels: the client endpoints, the JSON shapes of the OpenAI and the Anthropic API,
// and errors in either format. It does no I/O and knows nothing of channels.
package wire

// Endpoint is a client endpoint that is relayed to a channel.
type Endpoint uint8

// The relayed endpoints.
const (
	ChatCompletions Endpoint = iota
	Completions
	Embeddings
	Messages

	Endpoints // how many there are
)

// Path is the endpoint's path, the same on the relay and on a provider that speaks the format.
func (e Endpoint) Path() string {
	switch e {
	case ChatCompletions:
		return "/v1/chat/completions"
	case Completions:
		return "/v1/completions"
	case Embeddings:
		return "/v1/embeddings"
	case Messages:
		return "/v1/messages"
	}
	return ""
}

// Operation is the endpoint's gen_ai.operation.name (OpenTelemetry GenAI conventions).
func (e Endpoint) Operation() string {
	switch e {
	case Completions:
		return "text_completion"
	case Embeddings:
		return "embeddings"
	case ChatCompletions, Messages:
		return "chat"
	}
	return ""
}

// Format is the wire format that the endpoint's clients speak.
func (e Endpoint) Format() Format {
	if e == Messages {
		return Anthropic
	}
	return OpenAI
}

// Streams tells whether the endpoint's answers can be streamed.
func (e Endpoint) Streams() bool { return e != Embeddings }
