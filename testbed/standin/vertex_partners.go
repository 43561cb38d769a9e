package standin

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// VertexRaw imitates models of partners on Vertex AI that are asked by rawPredict and streamRawPredict, in the format of their maker.
type VertexRaw struct {
	Vendor
	Tokens        *Tokens
	publisher, at string
}

// VertexMistral is Mistral's (https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/mistral).
func VertexMistral(tokens *Tokens) VertexRaw {
	all := Vendors()
	v := all[slices.IndexFunc(all, func(v Vendor) bool { return v.kind == "mistral" })]
	v.model = "mistral-medium-3"
	return VertexRaw{v, tokens, "mistralai", "mistral-medium-3@001"}
}

// VertexJamba is AI21's (https://docs.ai21.com/reference/jamba-1-6-api-ref).
func VertexJamba(tokens *Tokens) VertexRaw {
	return VertexRaw{Vendor{
		kind: "ai21", model: "jamba-1.5-large", base: "/v1", endpoints: chatPath, place: atTheEnd,
		members: "model messages tools documents response_format max_tokens temperature top_p stop n stream tool_choice",
	}, tokens, "ai21", "jamba-1.5-large@001"}
}

// Type is Dialect's.
func (VertexRaw) Type() string { return "vertex" }

// Model is Dialect's.
func (d VertexRaw) Model() string { return d.at }

// Refuse is Dialect's.
func (d VertexRaw) Refuse(r *http.Request, body map[string]any) *Refusal {
	rest, refused := vertexPlace(r, d.Tokens)
	verb := "rawPredict"
	if body["stream"] == true {
		verb = "streamRawPredict"
	}
	switch {
	case refused != nil:
		return refused
	case rest != "publishers/"+d.publisher+"/models/"+d.at+":"+verb:
		return vertexNoModel(rest)
	}
	theirs := *r
	theirs.Header = r.Header.Clone()
	theirs.Header.Set("Authorization", "Bearer "+Key)
	theirs.URL = &url.URL{Path: d.base + "/chat/completions"}
	return d.Vendor.Refuse(&theirs, maps.Clone(body))
}

// ErrorBody is Dialect's.
func (d VertexRaw) ErrorBody(r *Refusal) string {
	if r.Kind != "" && r.Kind == strings.ToUpper(r.Kind) {
		return Gemini{}.ErrorBody(r)
	}
	return d.Vendor.ErrorBody(r)
}

// VertexTokens is what a text that a vector is made of costs on Vertex AI.
const VertexTokens = 4

// refuseVertexEmbedding is what is wrong with a request for vectors (as in google.golang.org/genai). asked: it is one.
func refuseVertexEmbedding(model, verb string, body map[string]any) (refused *Refusal, asked bool) {
	single := strings.Contains(model, "gemini") && model != "gemini-embedding-001"
	switch {
	case verb != "predict" && verb != "embedContent" && verb != "batchEmbedContents":
		return nil, false
	case !strings.Contains(model, "embedding"), verb == "batchEmbedContents", single != (verb == "embedContent"):
		return &Refusal{Status: 400, Kind: "FAILED_PRECONDITION", Message: "The model " + model + " does not support " + verb + "."}, true
	case single:
		if refused := geminiStranger(body, "content embedContentConfig", ""); refused != nil {
			return refused, true
		}
		config := jsonObject(body["embedContentConfig"])
		if refused := geminiStranger(config, "taskType title outputDimensionality autoTruncate documentOcr audioTrackExtraction", " at 'embed_content_config'"); refused != nil {
			return refused, true
		}
		return geminiParts(jsonObject(body["content"]), "content"), true
	}
	if unknown := stranger(body, "instances parameters"); unknown != "" {
		return geminiWrong("Invalid JSON payload received. Unknown name \"" + unknown + "\": Cannot find field."), true
	}
	instances := jsonObjects(body["instances"])
	if most := map[bool]int{true: 1, false: 250}[model == "gemini-embedding-001"]; len(instances) < 1 || len(instances) > most {
		return geminiWrong(fmt.Sprintf("%d instance(s) is allowed per prediction. Actual: %d", most, len(instances))), true
	}
	for _, instance := range instances {
		if jsonText(instance["content"]) == "" || stranger(instance, "content task_type title mimeType") != "" {
			return geminiWrong("The text content is empty, or an instance has a member that is not known."), true
		}
	}
	if unknown := stranger(jsonObject(body["parameters"]), "outputDimensionality autoTruncate"); unknown != "" {
		return geminiWrong("parameters." + unknown + " is not known"), true
	}
	return nil, true
}

// Other is Streamer's.
func (d VertexGemini) Other(r *http.Request, body map[string]any) (answer string, is bool) {
	switch {
	case strings.HasSuffix(r.URL.Path, ":embedContent"):
		return fmt.Sprintf(`{"embedding":{"values":[0.5,-0.25]},"usageMetadata":{"promptTokenCount":%d},"truncated":false}`, VertexTokens), true
	case strings.HasSuffix(r.URL.Path, ":predict"):
		one := fmt.Sprintf(`{"embeddings":{"statistics":{"truncated":false,"token_count":%d},"values":[0.5,-0.25]}}`, VertexTokens)
		return `{"predictions":[` + strings.TrimSuffix(strings.Repeat(one+",", len(jsonObjects(body["instances"]))), ",") + `],"metadata":{"billableCharacterCount":9}}`, true
	}
	return d.Gemini.Other(r, body)
}
