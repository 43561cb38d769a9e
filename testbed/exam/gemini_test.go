package exam

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

var geminiSurface = surface{
	name: "gemini", streams: true, ends: [4]string{"STOP", "STOP", "MAX_TOKENS", "SAFETY"},
	ask: func(t *testing.T, s *scene, q question) answer {
		status, header, text := posts(t, s.Relay, geminiPath(q), geminiBody(q))
		return readGemini(t, q, status, header, text)
	},
	begins: func(t *testing.T, s *scene, q question) { until(t, s, geminiPath(q), geminiBody(q), `"Good `) },
	says:   func(text string) string { return `{"role":"user","parts":[{"text":` + quoted(text) + `}]}` },
	shows: func() string {
		return `{"role":"user","parts":[{"text":"What is it?"},{"inlineData":{"mimeType":"image/png","data":"` + picture + `"}},{"inlineData":{"mimeType":"application/pdf","data":"` + document + `"}}]}`
	},
	results: func(calls []called, text string) []string {
		var parts []string
		for _, c := range calls {
			id := ""
			if c.id != "" {
				id = `"id":` + quoted(c.id) + `,`
			}
			parts = append(parts, `{"functionResponse":{`+id+`"name":`+quoted(c.name)+`,"response":{"output":`+quoted(text)+`}}}`)
		}
		return []string{`{"role":"user","parts":[` + strings.Join(parts, ",") + `]}`}
	},
}

func geminiPath(q question) string {
	if q.stream {
		return "/v1beta/models/m:streamGenerateContent?alt=sse"
	}
	return "/v1beta/models/m:generateContent"
}

func geminiBody(q question) string {
	body := `{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[` + strings.Join(q.turns, ",") + `]`
	if q.tools {
		body += `,"tools":[{"functionDeclarations":[{"name":"get_weather","description":"The weather.","parametersJsonSchema":` + weatherSchema + `}]}]`
	}
	if q.must {
		body += `,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}`
	}
	body += `,"generationConfig":{"maxOutputTokens":4000`
	if q.schema {
		body += `,"responseMimeType":"application/json","responseJsonSchema":` + verdictSchema
	}
	if q.thinks {
		body += `,"thinkingConfig":{"includeThoughts":true}`
	}
	if q.stops {
		body += `,"stopSequences":["END"]`
	}
	return body + "}}"
}

func geminiFailure(v any, status int) *failure {
	return &failure{status, textIn(v, "error", "status"), "", textIn(v, "error", "message")}
}

func readGemini(t *testing.T, q question, status int, header http.Header, text string) (a answer) {
	t.Helper()
	if status != http.StatusOK {
		v := decoded(t, text)
		require.EqualValues(t, status, numberIn(v, "error", "code"), text)
		return answer{failed: geminiFailure(v, status)}
	}
	var all []map[string]any
	if q.stream {
		for _, e := range eventsOf(t, header, text) {
			require.Empty(t, e.name, text)
			all = append(all, decoded(t, e.data))
		}
	} else {
		all = append(all, decoded(t, text))
	}
	var parts []any
	for _, v := range all {
		require.Nil(t, a.failed, text)
		if v["error"] != nil {
			a.failed = geminiFailure(v, 0)
			continue
		}
		require.NotEmpty(t, textIn(v, "modelVersion"), text)
		require.NotEmpty(t, textIn(v, "responseId"), text)
		candidate := sdktest.At(v, "candidates", 0)
		for _, p := range listIn(candidate, "content", "parts") {
			require.Equal(t, "model", textIn(candidate, "content", "role"), text)
			if call := sdktest.At(p, "functionCall"); call != nil {
				require.IsType(t, map[string]any{}, sdktest.At(call, "args"), text)
				a.calls = append(a.calls, called{textIn(call, "id"), textIn(call, "name"), quoted(sdktest.At(call, "args"))})
			}
			if sdktest.At(p, "thought") == true {
				a.thought += textIn(p, "text")
				continue // clients keep none
			}
			a.text += textIn(p, "text")
			if sdktest.At(p, "text") != "" || sdktest.At(p, "thoughtSignature") != nil {
				parts = append(parts, p)
			}
		}
		if end := textIn(candidate, "finishReason"); end != "" {
			require.Empty(t, a.end, "one end: %s", text)
			a.end = end
		}
		if u := v["usageMetadata"]; u != nil {
			a.input, a.cached = numberIn(u, "promptTokenCount"), numberIn(u, "cachedContentTokenCount")
			a.reasoning = numberIn(u, "thoughtsTokenCount")
			a.output = numberIn(u, "candidatesTokenCount") + a.reasoning
			require.Equal(t, a.input+a.output, numberIn(u, "totalTokenCount"), text)
		}
	}
	require.Equal(t, a.failed == nil, a.end != "", "what is whole has an end, and nothing else: %s", text)
	a.keeps = []string{`{"role":"model","parts":` + quoted(parts) + `}`}
	return a
}
