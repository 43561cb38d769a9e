package standin

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// GoogleScope is what tokens for Vertex AI are good for.
const GoogleScope = "https://www.googleapis.com/auth/cloud-platform"

// vertexBase is where a project's models are.
const vertexBase = "/v1/projects/" + Project + "/locations/global/"

// vertexPlace looks at who asks and where, and gives what follows the project's own path.
func vertexPlace(r *http.Request, tokens *Tokens) (rest string, refused *Refusal) {
	if r.Header.Get("X-Goog-Api-Key") != "" || r.Header.Get("X-Api-Key") != "" || !tokens.Good(r.Header.Get("Authorization"), GoogleScope) {
		return "", &Refusal{Status: 401, Kind: "UNAUTHENTICATED", Code: "ACCESS_TOKEN_EXPIRED", Message: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."}
	}
	rest, ok := strings.CutPrefix(r.URL.Path, vertexBase)
	if !ok {
		return "", &Refusal{Status: 403, Kind: "PERMISSION_DENIED", Message: "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com" + r.URL.Path + "' (or it may not exist)."}
	}
	return rest, nil
}

func vertexNoModel(model string) *Refusal {
	return &Refusal{Status: 404, Kind: "NOT_FOUND", Message: "Publisher Model `" + vertexBase[4:] + model + "` was not found or your project does not have access to it."}
}

// VertexGemini imitates Google's models on Vertex AI.
type VertexGemini struct {
	Gemini
	Tokens *Tokens
}

// Type is Dialect's.
func (VertexGemini) Type() string { return "vertex" }

// Refuse is Dialect's.
func (d VertexGemini) Refuse(r *http.Request, body map[string]any) *Refusal {
	rest, refused := vertexPlace(r, d.Tokens)
	if refused != nil {
		return refused
	}
	model, ok := strings.CutPrefix(rest, "publishers/google/models/")
	if !ok {
		return vertexNoModel(rest)
	}
	if strings.HasSuffix(model, ":countTokens") { // which has what is counted in itself
		if refused := geminiStranger(body, "model contents instances systemInstruction tools generationConfig", ""); refused != nil {
			return refused
		}
		theirs := maps.Clone(body)
		delete(theirs, "model")
		body = map[string]any{"generateContentRequest": theirs}
		theirs["model"] = "models/" + d.Model()
	}
	if at := strings.LastIndexByte(model, ':'); at > 0 {
		if refused, asked := refuseVertexEmbedding(model[:at], model[at+1:], body); asked {
			return refused
		}
	}
	asGemini := *r
	asGemini.Header = r.Header.Clone()
	asGemini.Header.Set("X-Goog-Api-Key", Key)
	asGemini.URL = &url.URL{Path: "/v1beta/models/" + model, RawQuery: r.URL.RawQuery}
	if refused := d.Gemini.Refuse(&asGemini, body); refused != nil {
		if refused.Status == http.StatusNotFound {
			return vertexNoModel(rest)
		}
		return refused
	}
	return nil
}

// vertexCounting is where the tokens of Anthropic's models are counted. The model is in the body.
const vertexCounting = "publishers/anthropic/models/count-tokens:rawPredict"

// VertexClaude imitates Anthropic's models on Vertex AI.
type VertexClaude struct {
	Anthropic
	Tokens *Tokens
}

// Type is Dialect's.
func (VertexClaude) Type() string { return "vertex" }

// Model is Dialect's.
func (VertexClaude) Model() string { return "claude-sonnet-4-5@20250929" }

// Refuse is Dialect's.
func (d VertexClaude) Refuse(r *http.Request, body map[string]any) *Refusal {
	rest, refused := vertexPlace(r, d.Tokens)
	if refused != nil {
		return refused
	}
	verb := "rawPredict"
	if body["stream"] == true {
		verb = "streamRawPredict"
	}
	counts := rest == vertexCounting
	switch {
	case counts && body["model"] != d.Model():
		return vertexNoModel(rest)
	case counts:
	case rest != "publishers/anthropic/models/"+d.Model()+":"+verb:
		return vertexNoModel(rest)
	case body["model"] != nil:
		return anthropicWrong("model: Extra inputs are not permitted")
	}
	switch {
	case body["anthropic_version"] != "vertex-2023-10-16":
		return anthropicWrong(`anthropic_version: Input should be "vertex-2023-10-16"`)
	}
	asAnthropic, theirs := *r, maps.Clone(body)
	asAnthropic.Header = r.Header.Clone()
	asAnthropic.Header.Set("X-Api-Key", Key)
	asAnthropic.Header.Set("Anthropic-Version", "2023-06-01")
	asAnthropic.URL, theirs["model"] = &url.URL{Path: "/v1/messages"}, Anthropic{}.Model()
	if counts {
		asAnthropic.URL.Path += "/count_tokens"
	}
	delete(theirs, "anthropic_version")
	return d.Anthropic.Refuse(&asAnthropic, theirs)
}

// ErrorBody is Dialect's. Google's own errors are in its own format.
func (d VertexClaude) ErrorBody(r *Refusal) string {
	if r.Kind == strings.ToUpper(r.Kind) {
		return Gemini{}.ErrorBody(r)
	}
	return d.Anthropic.ErrorBody(r)
}

// VertexPartner imitates models of others on Vertex AI, which are asked in OpenAI's format.
type VertexPartner struct {
	OpenAI
	Tokens *Tokens
}

// Type is Dialect's.
func (VertexPartner) Type() string { return "vertex" }

// Model is Dialect's.
func (VertexPartner) Model() string { return "meta/llama-3.3-70b-instruct-maas" }

// Refuse is Dialect's.
func (d VertexPartner) Refuse(r *http.Request, body map[string]any) *Refusal {
	rest, refused := vertexPlace(r, d.Tokens)
	switch {
	case refused != nil:
		return refused
	case rest != "endpoints/openapi/chat/completions" || body["model"] != d.Model():
		return vertexNoModel(rest)
	}
	asOpenAI, theirs := *r, maps.Clone(body)
	asOpenAI.Header = r.Header.Clone()
	asOpenAI.Header.Set("Authorization", "Bearer "+Key)
	asOpenAI.URL, theirs["model"] = &url.URL{Path: "/v1/chat/completions"}, "gpt-4o"
	return OpenAI{Lenient: true}.Refuse(&asOpenAI, theirs)
}

// ErrorBody is Dialect's.
func (d VertexPartner) ErrorBody(r *Refusal) string {
	if r.Kind != "" && r.Kind == strings.ToUpper(r.Kind) {
		return Gemini{}.ErrorBody(r)
	}
	return d.OpenAI.ErrorBody(r)
}
