package clouds

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// site is an imitated cloud with a channel to it.
type site struct {
	channel string
	asked   func() []standin.Asked
	refused func() []string
	// signature is of its thoughts, which it wants back; empty: it has none.
	signature string
	at        *harness.Upstream
	stop      func() // has it answer that it is overloaded; nil: it cannot be stopped
}

func (c *cloud) site(channel, signature string) site {
	return site{channel, c.Asked, c.Refused, signature, c.at, nil}
}

const bedrockKey = standin.BedrockID + ":" + standin.BedrockSecret

func bedrockChannel(name, url, model, more string) string {
	return fmt.Sprintf("  - {name: %s, type: bedrock, region: us-east-1, base_url: %q, keys: [%q], models: [m], model_mapping: {m: %q}%s}\n", name, url, bedrockKey, model, more)
}

func onBedrock(model string) func(t *testing.T, answers ...standin.Answer) site {
	return func(t *testing.T, answers ...standin.Answer) site {
		server := &standin.Bedrock{Answers: answers}
		u := harness.NewUpstream(t, false, server.ServeHTTP)
		return site{bedrockChannel("a", u.URL, model, ""), server.Asked, server.Refused, standin.BedrockSignature, u, nil}
	}
}

// sites are the clouds, by what is spoken to them.
var sites = map[string]func(t *testing.T, answers ...standin.Answer) site{
	"azure": func(t *testing.T, answers ...standin.Answer) site {
		c := newCloud(t, azureOf(""), answers...)
		return c.site(c.azure("a", "", ", api: chat"+key), "")
	},
	"azure classic": func(t *testing.T, answers ...standin.Answer) site {
		c := newCloud(t, azureOf(dated), answers...)
		return c.site(c.azure("a", dated, ", api: chat"+key), "")
	},
	"vertex gemini":   onVertex(func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, standin.GeminiSignature),
	"vertex claude":   onVertex(func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} }, standin.AnthropicSignature),
	"vertex mistral":  onVertex(func(s *standin.Tokens) standin.Dialect { return standin.VertexMistral(s) }, ""),
	"vertex jamba":    onVertex(func(s *standin.Tokens) standin.Dialect { return standin.VertexJamba(s) }, ""),
	"vertex partner":  onVertex(func(s *standin.Tokens) standin.Dialect { return standin.VertexPartner{Tokens: s} }, ""),
	"bedrock invoke":  onBedrock(standin.BedrockClaude),
	"bedrock nova":    onBedrock(standin.BedrockNova),
	"bedrock profile": onBedrock(standin.BedrockARN),
}

func onVertex(dialect func(*standin.Tokens) standin.Dialect, signature string) func(t *testing.T, answers ...standin.Answer) site {
	return func(t *testing.T, answers ...standin.Answer) site {
		c := newCloud(t, dialect, answers...)
		return c.site(c.vertex(t, "a", ""), signature)
	}
}

const (
	picture       = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	weatherSchema = `{"type":"object","properties":` + tools + `,"required":["city"],"additionalProperties":false}`
)

// talk is a conversation in the words of one kind of client: a question with a picture, and, from its answer, the result of the tool that
// was called.
type talk struct {
	name, path, streams string
	model               bool   // it stands in the body
	before              string // of the turns: the tools, and how much it may think
	thinks              string
	turns               string // the member that has them
	first               string
	next                func(answer map[string]any) []string
}

func text(v any) string {
	b, _ := json.Marshal(v) // it came from JSON
	return string(b)
}

// objects are the members of a list that are objects with such a member.
func objects(v any, with string) (found []map[string]any) {
	list, _ := v.([]any)
	for _, e := range list {
		if m, is := e.(map[string]any); is && m[with] != nil {
			found = append(found, m)
		}
	}
	return found
}

var talks = []talk{
	{
		name: "chat", path: "/v1/chat/completions", streams: "/v1/chat/completions", model: true, turns: "messages", thinks: `,"reasoning_effort":"low"`,
		before: `,"max_tokens":4000,"tools":[{"type":"function","function":{"name":"get_weather","parameters":` + weatherSchema + `}}]`,
		first:  `{"role":"user","content":[{"type":"text","text":"Where is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + picture + `"}}]}`,
		next: func(a map[string]any) []string {
			message, _ := sdktest.At(a, "choices", 0, "message").(map[string]any)
			delete(message, "refusal") // which this imitation of Mistral gives and does not take, other than Mistral
			turns := []string{text(message)}
			for _, call := range objects(sdktest.At(message, "tool_calls"), "id") {
				turns = append(turns, `{"role":"tool","tool_call_id":`+text(call["id"])+`,"content":"mild"}`)
			}
			return turns
		},
	},
	{
		name: "messages", path: "/v1/messages", streams: "/v1/messages", model: true, turns: "messages", thinks: `,"thinking":{"type":"enabled","budget_tokens":1024}`,
		before: `,"max_tokens":4000,"tools":[{"name":"get_weather","input_schema":` + weatherSchema + `}]`,
		first:  `{"role":"user","content":[{"type":"text","text":"Where is this?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + picture + `"}}]}`,
		next: func(a map[string]any) []string {
			var results []string
			for _, call := range objects(a["content"], "input") {
				results = append(results, `{"type":"tool_result","tool_use_id":`+text(call["id"])+`,"content":[{"type":"text","text":"mild"}]}`)
			}
			return []string{`{"role":"assistant","content":` + text(a["content"]) + `}`, `{"role":"user","content":[` + strings.Join(results, ",") + `]}`}
		},
	},
	{
		name: "responses", path: "/v1/responses", streams: "/v1/responses", model: true, turns: "input", thinks: `,"reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"]`,
		before: `,"store":false,"max_output_tokens":4000,"tools":[{"type":"function","name":"get_weather","strict":true,"parameters":` + weatherSchema + `}]`,
		first:  `{"role":"user","content":[{"type":"input_text","text":"Where is this?"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,` + picture + `"}]}`,
		next: func(a map[string]any) (turns []string) {
			output, _ := a["output"].([]any)
			for _, item := range output {
				turns = append(turns, text(item))
			}
			for _, call := range objects(a["output"], "call_id") {
				turns = append(turns, `{"type":"function_call_output","call_id":`+text(call["call_id"])+`,"output":"mild"}`)
			}
			return turns
		},
	},
	{
		name: "gemini", path: "/v1beta/models/m:generateContent", streams: "/v1beta/models/m:streamGenerateContent?alt=sse", turns: "contents",
		thinks: `,"generationConfig":{"maxOutputTokens":4000,"thinkingConfig":{"includeThoughts":true}}`,
		before: `,"tools":[{"functionDeclarations":[{"name":"get_weather","parametersJsonSchema":` + weatherSchema + `}]}]`,
		first:  `{"role":"user","parts":[{"text":"Where is this?"},{"inlineData":{"mimeType":"image/png","data":"` + picture + `"}}]}`,
		next: func(a map[string]any) []string {
			content := sdktest.At(a, "candidates", 0, "content")
			var results []string
			for _, part := range objects(sdktest.At(content, "parts"), "functionCall") {
				id := ""
				if part := sdktest.At(part, "functionCall", "id"); part != nil {
					id = `"id":` + text(part) + ","
				}
				results = append(results, `{"functionResponse":{`+id+`"name":"get_weather","response":{"result":"mild"}}}`)
			}
			return []string{text(content), `{"role":"user","parts":[` + strings.Join(results, ",") + `]}`}
		},
	},
}

// body is a request with some turns.
func (k *talk) body(turns []string, stream, thinks bool) string {
	members := k.before
	if thinks {
		members += k.thinks
	}
	if k.model {
		members = `,"model":"m"` + members
		if stream {
			members += `,"stream":true`
		}
	}
	return `{"` + k.turns + `":[` + strings.Join(turns, ",") + `]` + members + `}`
}

// TestAConversationWithAPictureThoughtsAndAToolGoesOnInEveryCloud for clients of every format: the picture is shown, what it has thought and
// signed is given back, and so is what the tool has said; the second answer comes whole or as a stream.
func TestAConversationWithAPictureThoughtsAndAToolGoesOnInEveryCloud(t *testing.T) {
	for where, place := range sites {
		for _, k := range talks {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, streamed %v", where, k.name, stream), func(t *testing.T) {
					t.Parallel()
					thought := "Hm."
					if strings.HasPrefix(where, "azure") || slices.Contains([]string{"vertex mistral", "vertex jamba", "vertex partner"}, where) {
						thought = "" // their format has no signatures
					}
					s := place(t, standin.Answer{Thought: thought, Text: []string{"Let me see."}, Calls: []standin.Call{
						{ID: "tooluseA1", Name: "get_weather", Arguments: []string{`{"city":"Oslo"}`}},
						{ID: "tooluseB2", Name: "get_weather", Arguments: []string{`{"city":"Rome"}`}},
					}}, standin.Answer{Text: []string{"Mild."}})
					r := harness.StartRelay(t, "channels:\n"+s.channel)
					turns := []string{k.first}
					status, answer, _ := r.Ask(k.path, k.body(turns, false, thought != ""))
					require.Equal(t, http.StatusOK, status, "%s %v", answer, s.refused())
					var said map[string]any
					require.NoError(t, json.Unmarshal([]byte(answer), &said))
					turns = append(turns, k.next(said)...)
					path := k.path
					if stream {
						path = k.streams
					}
					status, answer, header := r.Ask(path, k.body(turns, stream, thought != ""))
					require.Equal(t, http.StatusOK, status, "%s %v", answer, s.refused())
					require.Contains(t, answer, "Mild.")
					require.Empty(t, s.refused())
					require.Empty(t, header.Get("X-Oneapi-Dropped"))
					require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
					asked := s.asked()
					require.Len(t, asked, 2)
					last := string(asked[1].Text)
					require.Contains(t, last, picture)
					require.Contains(t, last, "Oslo")
					require.Equal(t, 2, strings.Count(last, "mild"))
					switch {
					case s.signature == "":
					case k.name == "chat" && where != "vertex gemini": // whose clients keep no signatures, so that it is not told to think
						require.NotContains(t, last, `"enabled"`)
					default:
						require.Contains(t, last, s.signature, "what it has signed is given back")
					}
				})
			}
		}
	}
}
