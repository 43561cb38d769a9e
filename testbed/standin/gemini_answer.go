package standin

import (
	"fmt"
	"net/http"
	"strings"
)

// Headers is Dialect's.
func (Gemini) Headers() map[string]string {
	return map[string]string{
		"Server": "scaffolding on HTTPServer2", "Vary": "Origin, X-Origin, Referer", "X-Xss-Protection": "0", "X-Frame-Options": "SAMEORIGIN", "Server-Timing": "gfet4t7; dur=612",
		"Alt-Svc": `h3=":443"; ma=2592000`, "X-Gemini-Service-Tier": "standard",
	}
}

// usage is what an answer costs; so far: nothing of it has been said.
func (a Answer) geminiUsage(soFar bool) string {
	if soFar {
		return fmt.Sprintf(`{"promptTokenCount":%d,"totalTokenCount":%d,"promptTokensDetails":[{"modality":"TEXT","tokenCount":%d}]}`, Input, Input, Input)
	}
	thoughts, total := "", Input+Output
	if a.Thought != "" {
		total += GeminiThoughts
		thoughts = fmt.Sprintf(`,"thoughtsTokenCount":%d`, GeminiThoughts)
	}
	return fmt.Sprintf(`{"promptTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d,"cachedContentTokenCount":%d,"promptTokensDetails":[{"modality":"TEXT","tokenCount":%d}],"cacheTokensDetails":[{"modality":"TEXT","tokenCount":%d}]%s}`,
		Input, Output, total, Cached, Input, Cached, thoughts)
}

// geminiCalls are parts, the first of which is signed.
func (a Answer) geminiCalls() (parts []string) {
	for i, c := range a.Calls {
		id, signature := "", ""
		if c.ID != "" {
			id = `,"id":` + quoted(c.ID)
		}
		if i == 0 {
			signature = `,"thoughtSignature":` + quoted(GeminiSignature)
		}
		parts = append(parts, fmt.Sprintf(`{"functionCall":{"name":%q,"args":%s%s}%s}`, c.Name, strings.Join(c.openAIArguments(), ""), id, signature))
	}
	return parts
}

func geminiAnswer(parts []string, end, usage string) string {
	content := ""
	if len(parts) > 0 {
		content = `"content":{"parts":[` + strings.Join(parts, ",") + `],"role":"model"},`
	}
	if end != "" {
		end = `"finishReason":` + quoted(end) + `,`
	}
	return fmt.Sprintf(`{"candidates":[{%s%s"index":0}],"usageMetadata":%s,"modelVersion":%q,"responseId":%q}`, content, end, usage, GeminiAnswering, GeminiAnswerID)
}

func geminiText(text string, thought bool) string {
	if thought {
		return `{"text":` + quoted(text) + `,"thought":true}`
	}
	return `{"text":` + quoted(text) + `}`
}

// geminiStop is why answers end, with calls or without.
const geminiStop = "STOP"

// Whole is Dialect's.
func (Gemini) Whole(a Answer) string {
	var parts []string
	if a.Thought != "" {
		parts = append(parts, geminiText(a.Thought, true))
	}
	if len(a.Text) > 0 {
		parts = append(parts, geminiText(strings.Join(a.Text, ""), false))
	}
	return strings.ReplaceAll(geminiAnswer(append(parts, a.geminiCalls()...), a.ending(geminiStop, geminiStop), a.geminiUsage(false)), `","`, "\",\n  \"") + "\n"
}

// Events is Dialect's.
func (Gemini) Events(a Answer, _ map[string]any) (content, ending []string) {
	say := func(part string) {
		content = append(content, "data: "+geminiAnswer([]string{part}, "", a.geminiUsage(true))+"\r\n\r\n")
	}
	if a.Thought != "" {
		say(geminiText(a.Thought, true))
	}
	for _, piece := range a.Text {
		say(geminiText(piece, false))
	}
	for _, call := range a.geminiCalls() {
		say(call)
	}
	return content, []string{"data: " + geminiAnswer([]string{geminiText("", false)}, a.ending(geminiStop, geminiStop), a.geminiUsage(false)) + "\r\n\r\n"}
}

// ErrorEvent is Dialect's.
func (Gemini) ErrorEvent() string {
	return `data: {"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}` + "\r\n\r\n"
}

// Streams is Streamer's.
func (Gemini) Streams(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, ":streamGenerateContent")
}

// Other is Streamer's: a list of models, one of them, a number of tokens, a vector, or several.
func (d Gemini) Other(r *http.Request, body map[string]any) (answer string, is bool) {
	model := `{"name":"models/` + d.Model() + `","version":"3","displayName":"Gemini 3 Flash","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}`
	const vector = `{"values":[0.5,-0.25]}`
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/models"):
		return `{"models":[` + model + `]}`, true
	case r.Method == http.MethodGet:
		return model, true
	case strings.HasSuffix(r.URL.Path, ":countTokens"):
		return `{"totalTokens":31,"promptTokensDetails":[{"modality":"TEXT","tokenCount":31}]}`, true
	case strings.HasSuffix(r.URL.Path, ":embedContent"):
		return `{"embedding":` + vector + `}`, true
	case strings.HasSuffix(r.URL.Path, ":batchEmbedContents"):
		return `{"embeddings":[` + strings.TrimSuffix(strings.Repeat(vector+",", len(jsonObjects(body["requests"]))), ",") + `]}`, true
	}
	return "", false
}
