package lane

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Values of request headers, which are shared by all requests: a header that is set again gets a value of its own.
var (
	applicationJSON = []string{"application/json"}
	eventStream     = []string{"text/event-stream"}
	anything        = []string{"*/*"}
	version         = []string{apiVersion}
)

// apiVersion is the version of Anthropic's API that the conversion speaks, and the one for clients that name none
// (https://docs.claude.com/en/api/versioning). Later ones refuse what a conversion may have to say, such as a temperature.
const apiVersion = "2023-06-01"

func header(call *Call) http.Header {
	h := make(http.Header, 5)
	h["Content-Type"], h["Accept"] = applicationJSON, applicationJSON
	if call.Stream {
		h["Accept"] = eventStream
	}
	return h
}

func openAIHeader(call *Call, native bool) http.Header {
	h := header(call)
	if call.Endpoint.Media() {
		h["Accept"] = anything
	}
	if native {
		if beta := call.Header["Openai-Beta"]; len(beta) > 0 {
			h["Openai-Beta"] = slices.Clone(beta)
		}
	}
	return h
}

func geminiHeader(call *Call, _ bool) http.Header { return header(call) }

// anthropicHeader lets a native client choose the version and the betas, since the answer reaches it as it is.
func anthropicHeader(call *Call, native bool) http.Header {
	h := header(call)
	h["Anthropic-Version"] = version
	if !native {
		return h
	}
	if version := call.Header.Get("Anthropic-Version"); version != "" {
		h.Set("Anthropic-Version", version)
	}
	for _, beta := range call.Header.Values("Anthropic-Beta") {
		h.Add("Anthropic-Beta", beta)
	}
	return h
}

func noQuery(string) string { return "" }

// asksOfKept are the parameters of questions for what is kept
// (https://platform.openai.com/docs/api-reference/responses/get, …/input-items).
var asksOfKept = map[string]bool{
	"include": true, "include[]": true, "stream": true, "starting_after": true, "include_obfuscation": true, "limit": true, "order": true,
	"after": true, "before": true,
}

// responsesQuery keeps those.
func responsesQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil || raw == "" {
		return ""
	}
	maps.DeleteFunc(values, func(name string, v []string) bool {
		return !asksOfKept[name] && (name != "beta" || v[0] != "true") // the beta namespace of OpenAI's SDKs
	})
	return values.Encode()
}

// betaQuery keeps the one parameter that Anthropic's own SDKs send.
func betaQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil || values.Get("beta") != "true" {
		return ""
	}
	return "beta=true"
}
