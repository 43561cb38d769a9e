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
	ResponsesCreate

	Endpoints // how many there are
)

// endpoints is what each one is, as data: the router, telemetry, parsing and the shape of errors follow from it.
var endpoints = [Endpoints]struct {
	path      string // the same on the relay and on a provider that speaks the format
	operation string // gen_ai.operation.name (OpenTelemetry GenAI conventions)
	format    Format // that its clients speak
	whole     bool   // its answers cannot be streamed
	socket    bool   // its clients may ask for a websocket
}{
	ChatCompletions: {path: "/v1/chat/completions", operation: "chat", format: OpenAI},
	Completions:     {path: "/v1/completions", operation: "text_completion", format: OpenAI},
	Embeddings:      {path: "/v1/embeddings", operation: "embeddings", format: OpenAI, whole: true},
	Messages:        {path: "/v1/messages", operation: "chat", format: Anthropic},
	ResponsesCreate: {path: "/v1/responses", operation: "chat", format: Responses, socket: true},
}

// Path is the endpoint's path, the same on the relay and on a provider that speaks the format.
func (e Endpoint) Path() string { return endpoints[e].path }

// Operation is the endpoint's gen_ai.operation.name.
func (e Endpoint) Operation() string { return endpoints[e].operation }

// Format is the wire format that the endpoint's clients speak.
func (e Endpoint) Format() Format { return endpoints[e].format }

// Streams reports whether the endpoint's answers can be streamed.
func (e Endpoint) Streams() bool { return !endpoints[e].whole }

// Sockets reports whether the endpoint's clients may ask for a websocket at its path.
func (e Endpoint) Sockets() bool { return endpoints[e].socket }
