package lane

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"one-api/relay/format"
	"one-api/relay/format/gemini"
	"one-api/relay/format/messages"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// VertexGemini is Google's models on Vertex AI
// (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference).
var VertexGemini = &Family{
	endpoint: wire.GeminiGenerate, streams: wire.GeminiStream,
	native: []wire.Endpoint{wire.GeminiGenerate, wire.GeminiStream, wire.GeminiCount},
	body:   vertexGeminiBody, header: geminiHeader, query: noQuery, place: vertexGeminiPlace,
	counts: at(wire.GeminiCount), countsAs: vertexGeminiCounts,
	predicts: true,
}

// vertexGeminiCounts is countTokens as Vertex AI has it: all that is counted stands in the question itself, and no generateContentRequest
// is known (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens, as in google.golang.org/genai).
var vertexGeminiCounts = &format.Format{
	Name: "gemini (countTokens of Vertex AI)", Inspect: gemini.Counting.Inspect, Counts: &format.Counts{
		Ask:  func(request []byte, _ string) []byte { return format.Only(request, countedByVertex) },
		Read: gemini.Counting.Counts.Read,
	},
}

func countedByVertex(name string) bool {
	switch name {
	case "contents", "systemInstruction", "system_instruction", "tools", "generationConfig", "generation_config":
		return true
	}
	return false
}

// vertexGeminiBody is a native call's. What is counted stands in the question itself, wherever the client has it.
func vertexGeminiBody(call *Call, target Destination) (body []byte, asksUsage, lost bool) {
	if call.Endpoint != wire.GeminiCount {
		return geminiBody(call, target)
	}
	about := gemini.Counting.Counts.Question(call.Body)
	body, lost = gemini.Clean(format.Only(about, countedByVertex))
	return body, false, lost
}

// VertexMessages is Anthropic's models on Vertex AI (https://docs.claude.com/en/api/claude-on-vertex-ai): the Messages API, whose model is
// in the path and whose version is in the body.
var VertexMessages = &Family{
	endpoint: wire.Messages, native: []wire.Endpoint{wire.Messages}, body: vertexMessagesBody, header: vertexMessagesHeader, query: noQuery,
	place: vertexMessagesPlace, finish: vertexMessages, counts: at(wire.MessagesCount), countsAs: vertexMessagesCounts,
	signsForAll: true,
}

// vertexMessagesCounts is the question for a number of tokens as Vertex AI has it
// (https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens): the model stands in the body.
var vertexMessagesCounts = &format.Format{
	Name: "messages (count-tokens of Vertex AI)", Inspect: messages.Counting.Inspect, Counts: &format.Counts{
		Ask: func(request []byte, model string) []byte {
			j := make(format.JSON, 0, len(request)+len(model)+len(vertexVersion)+16)
			j.Open('{')
			j.String("model", vertexClaude(model))
			j.Literal("anthropic_version", vertexVersionNumber)
			counted := messages.Counting.Counts.Ask(request, "")
			_ = jsonscan.Object(counted, func(m jsonscan.Member) { j.Value(string(m.Key), m.Value) }) // it was made here
			j.Close('}')
			return j
		},
		Read: messages.Counting.Counts.Read,
	},
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
func vertexMessagesPlace(e wire.Endpoint, model string, stream bool) (path, query string) {
	model = vertexClaude(model)
	if _, counts := e.Counts(); counts {
		model = "count-tokens"
	}
	verb := "rawPredict"
	if stream {
		verb = "streamRawPredict"
	}
	return "/publishers/anthropic/models/" + url.PathEscape(model) + ":" + verb, ""
}

// vertexClaude is a model of Anthropic's without its publisher.
func vertexClaude(model string) string {
	return strings.TrimPrefix(strings.TrimPrefix(model, "publishers/anthropic/models/"), "anthropic/")
}

// vertexMessagesHeader has the betas of a native client, and no version.
func vertexMessagesHeader(call *Call, native bool) http.Header {
	h := anthropicHeader(call, native)
	delete(h, "Anthropic-Version")
	return h
}

func vertexMessagesBody(call *Call, _ Destination) (body []byte, asksUsage, lost bool) {
	body, lost = messages.Clean(call.Body)
	return vertexMessages(body), false, lost
}

// vertexVersion is the one that there is.
const (
	vertexVersionNumber = `"vertex-2023-10-16"`
	vertexVersion       = `"anthropic_version":` + vertexVersionNumber
)

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
