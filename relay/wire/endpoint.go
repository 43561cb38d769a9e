// Package wire holds what travels: the client endpoints, the JSON shapes of the OpenAI and the Anthropic API,
// and errors in either format. It does no I/O and knows nothing of channels.
package wire

import (
	"cmp"
	"net/http"
	"strings"
)

// Endpoint is a client endpoint that is relayed to a channel.
type Endpoint uint8

// The relayed endpoints.
const (
	ChatCompletions Endpoint = iota
	Completions
	Embeddings
	Messages
	ResponsesCreate
	ResponsesTokens
	ResponsesCompact
	ResponsesGet
	ResponsesDelete
	ResponsesCancel
	ResponsesItems
	ImagesGenerate
	ImagesEdit
	ImagesVary
	AudioSpeech
	AudioTranscribe
	AudioTranslate
	Moderate
	Rerank
	RerankV2
	GeminiGenerate
	GeminiStream
	Realtime
	GeminiCount
	GeminiEmbed
	GeminiEmbedBatch
	MessagesCount

	Endpoints // how many there are
)

// endpoints is what each one is, as data: the router, telemetry, parsing and the shape of errors follow from it.
var endpoints = [Endpoints]struct {
	path      string // the same on the relay and on a provider that speaks the format
	operation string // gen_ai.operation.name (OpenTelemetry GenAI conventions)
	format    Format // that its clients speak
	whole     bool   // its answers cannot be streamed
	socket    bool   // its clients may ask for a websocket
	method    string // empty means POST
	byID      bool   // the path names something that an upstream keeps, as :id
	also      string // another path that clients ask at; empty: there is none
	form      bool   // its requests may be multipart/form-data
	media     bool   // its answers may be of any type and length, and pass by without being kept
	slow      bool   // nothing may come for minutes before the first part of an answer, and between parts
	unnamed   string // the model of a request that names none; empty: it has to
	verb      string // behind the model, which the path names and the body does not; empty: the body names the model
	streams   bool   // its answers are streams, whatever the body says
	tunnel    bool   // its clients ask for a websocket, and so does the relay
}{
	ChatCompletions: {path: "/v1/chat/completions", operation: "chat", format: OpenAI},
	Completions:     {path: "/v1/completions", operation: "text_completion", format: OpenAI},
	Embeddings:      {path: "/v1/embeddings", operation: "embeddings", format: OpenAI, whole: true},
	Messages:        {path: "/v1/messages", operation: "chat", format: Anthropic},
	ResponsesCreate: {path: "/v1/responses", operation: "chat", format: Responses, socket: true},

	ResponsesTokens:  {path: "/v1/responses/input_tokens", operation: "count_tokens", format: Responses, whole: true},
	ResponsesCompact: {path: "/v1/responses/compact", operation: "compact", format: Responses, whole: true},
	ResponsesGet:     {path: "/v1/responses/:id", operation: "retrieve", format: Responses, method: http.MethodGet, byID: true},
	ResponsesDelete:  {path: "/v1/responses/:id", operation: "delete", format: Responses, method: http.MethodDelete, byID: true, whole: true},
	ResponsesCancel:  {path: "/v1/responses/:id/cancel", operation: "cancel", format: Responses, byID: true, whole: true},
	ResponsesItems: {path: "/v1/responses/:id/input_items", operation: "list_items", format: Responses, method: http.MethodGet, byID: true,
		whole: true},

	// OpenAI's reference has model as optional for these three, and for moderations.
	ImagesGenerate: {path: "/v1/images/generations", operation: "image_generation", media: true, slow: true, unnamed: "dall-e-2"},
	ImagesEdit:     {path: "/v1/images/edits", operation: "image_edit", form: true, media: true, slow: true, unnamed: "dall-e-2"},
	ImagesVary: {path: "/v1/images/variations", operation: "image_variation", form: true, media: true, slow: true, unnamed: "dall-e-2",
		whole: true},

	AudioSpeech:     {path: "/v1/audio/speech", operation: "speech", media: true},
	AudioTranscribe: {path: "/v1/audio/transcriptions", operation: "transcription", form: true, media: true},
	AudioTranslate:  {path: "/v1/audio/translations", operation: "translation", form: true, media: true, whole: true},

	Moderate: {path: "/v1/moderations", operation: "moderation", media: true, whole: true, unnamed: "omni-moderation-latest"},
	Rerank:   {path: "/v1/rerank", also: "/rerank", operation: "rerank", media: true, whole: true},
	RerankV2: {path: "/v2/rerank", operation: "rerank", format: Cohere, media: true, whole: true},

	GeminiGenerate: {path: "/v1beta/models/{model}:generateContent", operation: "generate_content", format: Gemini, verb: "generateContent",
		whole: true},
	GeminiStream: {path: "/v1beta/models/{model}:streamGenerateContent", operation: "generate_content", format: Gemini,
		verb: "streamGenerateContent", streams: true},

	Realtime:    {path: "/v1/realtime", operation: "realtime", method: http.MethodGet, tunnel: true, streams: true},
	GeminiCount: {path: "/v1beta/models/{model}:countTokens", operation: "count_tokens", format: Gemini, verb: "countTokens", whole: true},
	GeminiEmbed: {path: "/v1beta/models/{model}:embedContent", operation: "embeddings", format: Gemini, verb: "embedContent", whole: true},
	GeminiEmbedBatch: {path: "/v1beta/models/{model}:batchEmbedContents", operation: "embeddings", format: Gemini, verb: "batchEmbedContents",
		whole: true},
	MessagesCount: {path: "/v1/messages/count_tokens", operation: "count_tokens", format: Anthropic, whole: true},
}

// Path is the endpoint's path, the same on the relay and on a provider that speaks the format. It stands for that of each model if it
// names one.
func (e Endpoint) Path() string { return endpoints[e].path }

// Operation is the endpoint's gen_ai.operation.name.
func (e Endpoint) Operation() string { return endpoints[e].operation }

// Format is the wire format that the endpoint's clients speak.
func (e Endpoint) Format() Format { return endpoints[e].format }

// Streams reports whether the endpoint's answers can be streamed.
func (e Endpoint) Streams() bool { return !endpoints[e].whole }

// Sockets reports whether the endpoint's clients may ask for a websocket at its path.
func (e Endpoint) Sockets() bool { return endpoints[e].socket }

// Method is the method that the endpoint is asked with.
func (e Endpoint) Method() string { return cmp.Or(endpoints[e].method, http.MethodPost) }

// ByID reports whether the endpoint's path names something that an upstream keeps, as :id, and its request has no body that says more.
func (e Endpoint) ByID() bool { return endpoints[e].byID }

// Paths are all paths that clients ask the endpoint at: Path is the first. One whose path names the model has none that is the same for
// all of them: see Verb.
func (e Endpoint) Paths() []string {
	if e.Verb() != "" {
		return nil
	}
	if also := endpoints[e].also; also != "" {
		return []string{e.Path(), also}
	}
	return []string{e.Path()}
}

// Forms reports whether the endpoint's requests may be multipart/form-data.
func (e Endpoint) Forms() bool { return endpoints[e].form }

// Media reports whether the endpoint's answers may be of any type and length: sound, text, and JSON with pictures in it. They pass by
// without being kept.
func (e Endpoint) Media() bool { return endpoints[e].media }

// Slow reports whether an upstream may be silent for minutes before an answer's first part, and between parts of it.
func (e Endpoint) Slow() bool { return endpoints[e].slow }

// Unnamed is the model of a request that names none, as the provider has it; empty: there is none, and a model has to be named.
func (e Endpoint) Unnamed() string { return endpoints[e].unnamed }

// Verb is what stands behind the model in the endpoint's path, such as generateContent; empty: the path names no model.
func (e Endpoint) Verb() string { return endpoints[e].verb }

// Costs reports whether a provider takes something for an answer. What it keeps of earlier ones was paid for when it was made.
func (e Endpoint) Costs() bool {
	switch e {
	case ResponsesTokens, GeminiCount, MessagesCount:
		return false
	default:
		return !e.ByID()
	}
}

// Embeds reports whether the endpoint's answers are vectors, and have no text.
func (e Endpoint) Embeds() bool { return e == Embeddings || e == GeminiEmbed || e == GeminiEmbedBatch }

// AlwaysStreams reports whether the endpoint's answers are streams, whatever a request says.
func (e Endpoint) AlwaysStreams() bool { return endpoints[e].streams }

// Tunnels reports whether the endpoint is a websocket on either side, and its query names the model.
func (e Endpoint) Tunnels() bool { return endpoints[e].tunnel }

// counting is the endpoints that are asked how many tokens a request has, by the endpoint that answers such a request.
var counting = map[Endpoint]Endpoint{MessagesCount: Messages, GeminiCount: GeminiGenerate, ResponsesTokens: ResponsesCreate}

// Counts reports whether the endpoint is asked how many tokens a request has, and is the endpoint that would answer it. Nothing is
// generated, and nothing is billed.
func (e Endpoint) Counts() (of Endpoint, counts bool) {
	of, counts = counting[e]
	return of, counts
}

// modelPaths is where clients ask for what is done with a model that their path names.
var modelPaths = [...]string{"/v1beta/models/", "/v1/models/"}

// ModelPaths are the beginnings of the paths that name a model and what is to be done with it.
func ModelPaths() []string { return modelPaths[:] }

// InPath is the endpoint that such a path stands for, and the model that it names; false: there is none.
func InPath(path string) (e Endpoint, model string, ok bool) {
	for _, begins := range modelPaths {
		rest, found := strings.CutPrefix(path, begins)
		at := strings.LastIndexByte(rest, ':')
		if !found || at < 1 {
			continue
		}
		for e := range Endpoints {
			if e.Verb() == rest[at+1:] {
				return e, rest[:at], true
			}
		}
	}
	return 0, "", false
}

// IsGemini reports whether a path is one that Gemini's clients ask at.
func IsGemini(path string) bool {
	if strings.HasPrefix(path, "/v1beta/") {
		return true
	}
	_, _, ok := InPath(path)
	return ok
}
