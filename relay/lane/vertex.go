package lane

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"one-api/relay/format/messages"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// VertexGemini is Google's models on Vertex AI
// (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference).
var VertexGemini = &Family{
	endpoint: wire.GeminiGenerate, streams: wire.GeminiStream,
	native: []wire.Endpoint{wire.GeminiGenerate, wire.GeminiStream, wire.GeminiCount, wire.GeminiEmbed},
	body:   geminiBody, header: geminiHeader, query: noQuery, place: vertexGeminiPlace,
}

// VertexMessages is Anthropic's models on Vertex AI (https://docs.claude.com/en/api/claude-on-vertex-ai): the Messages API, whose model is
// in the path and whose version is in the body.
var VertexMessages = &Family{
	endpoint: wire.Messages, native: []wire.Endpoint{wire.Messages}, body: vertexMessagesBody, header: vertexMessagesHeader, query: noQuery,
	place: vertexMessagesPlace, finish: vertexMessages,
}

// vertexGeminiPlace puts the model behind its publisher, unless it is one of the project's own endpoints.
func vertexGeminiPlace(e wire.Endpoint, model string, _ bool) (path, query string) {
	for _, before := range [...]string{"publishers/google/models/", "google/", "models/"} {
		model = strings.TrimPrefix(model, before)
	}
	at := "/publishers/google/models/" + url.PathEscape(model)
	if id, own := strings.CutPrefix(model, "endpoints/"); own {
		at = "/endpoints/" + url.PathEscape(id)
	}
	if e.AlwaysStreams() {
		query = "alt=sse"
	}
	return at + ":" + e.Verb(), query
}

// vertexMessagesPlace is where a model of Anthropic's is asked.
func vertexMessagesPlace(_ wire.Endpoint, model string, stream bool) (path, query string) {
	for _, before := range [...]string{"publishers/anthropic/models/", "anthropic/"} {
		model = strings.TrimPrefix(model, before)
	}
	verb := "rawPredict"
	if stream {
		verb = "streamRawPredict"
	}
	return "/publishers/anthropic/models/" + url.PathEscape(model) + ":" + verb, ""
}

// vertexMessagesHeader has the betas of a native client, and no version.
func vertexMessagesHeader(call *Call, native bool) http.Header {
	h := anthropicHeader(call, native)
	delete(h, "Anthropic-Version")
	return h
}

func vertexMessagesBody(call *Call, _ Destination) (body []byte, asksUsage bool) {
	return vertexMessages(messages.Clean(call.Body)), false
}

// vertexVersion is the one that there is.
const vertexVersion = `"anthropic_version":"vertex-2023-10-16"`

// vertexMessages is a request of the Messages API with the version in the place of its model.
func vertexMessages(body []byte) []byte {
	edits, before := make([]jsonscan.Edit, 0, 2), 0
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if key := string(m.Key); key == "model" || key == "anthropic_version" {
			if len(edits) == 0 {
				edits = append(edits, jsonscan.Edit{From: keyOf(body, m.Start), To: m.End, Text: vertexVersion})
			} else {
				edits = append(edits, jsonscan.Edit{From: before, To: m.End})
			}
		}
		before = m.End
	})
	return jsonscan.Splice(body, edits...)
}

// keyOf is where the name of a member begins whose value begins at start. In a name no quote stands as it is.
func keyOf(body []byte, start int) int {
	end := bytes.LastIndexByte(body[:start], '"')
	return bytes.LastIndexByte(body[:end], '"')
}
