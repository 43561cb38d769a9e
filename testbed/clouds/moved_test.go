package clouds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// maker is an imitated provider that takes back no reasoning but its own, and whose tool calls have ids as it likes them.
type maker struct {
	name   string
	thinks bool
	signs  string // what signs or holds its reasoning; empty: its words are all that there is
	calls  [2]string
	// at starts it. The channel is named $ and has the priority #.
	at func(t *testing.T, m *maker, answers ...standin.Answer) (channel string, s site)
}

const (
	// Ids that one provider gives to calls, and others do not take.
	dotted, long = "functions.get_weather:0", "call_0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
	places       = ", models: [m], model_mapping: {m: %q}, priority: #}\n"
)

// only lets a server see no reasoning but what it has signed itself with own, which is what as is for the imitation.
func only(as, own, refusal string, next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked any
		_ = json.Unmarshal(body, &asked)
		foreign := false
		walk(asked, func(name, value string) {
			switch name {
			case "signature", "thoughtSignature", "thought_signature", "encrypted_content":
				foreign = foreign || value != own && value != "skip_thought_signature_validator"
			}
		})
		if foreign {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, refusal)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte(own), []byte(as))))
		next.ServeHTTP(&signing{w, []byte(as), []byte(own)}, r)
	}
}

// signing puts one's own signature into what an imitation answers, which writes event by event.
type signing struct {
	http.ResponseWriter
	as, own []byte
}

func (s *signing) Write(text []byte) (int, error) {
	_, err := s.ResponseWriter.Write(bytes.ReplaceAll(text, s.as, s.own))
	return len(text), err
}

func (s *signing) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// walk visits every text that is a member, in the order of lists.
func walk(v any, visit func(name, value string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	case map[string]any:
		for name, value := range v {
			if text, is := value.(string); is {
				visit(name, text)
			} else {
				walk(value, visit)
			}
		}
	}
}

func served(t *testing.T, s *standin.Server, handle http.Handler, format string, args ...any) (string, site) {
	of := site{asked: s.Asked, refused: s.Refused}
	u := up(t, &of, handle)
	return "  - {name: $, " + fmt.Sprintf(strings.ReplaceAll(format, "URL", u.URL), args...), of
}

func compatible(kind string) func(*testing.T, *maker, ...standin.Answer) (string, site) {
	return func(t *testing.T, _ *maker, answers ...standin.Answer) (string, site) {
		for _, v := range standin.Vendors() {
			if v.Type() == kind {
				s := &standin.Server{Dialect: v, Answers: answers}
				return served(t, s, s, "type: "+kind+", base_url: 'URL"+v.Base()+"', keys: ["+standin.Key+"]"+places, v.Model())
			}
		}
		panic(kind)
	}
}

func cloudMaker(dialect func(*standin.Tokens) standin.Dialect, as, refusal string) func(*testing.T, *maker, ...standin.Answer) (string, site) {
	return func(t *testing.T, m *maker, answers ...standin.Answer) (string, site) {
		c := newCloud(t, dialect, answers...)
		of := site{asked: c.Asked, refused: c.Refused}
		c.at = up(t, &of, only(as, m.signs, refusal, c))
		return c.vertex(t, "$", ", priority: #"), of
	}
}

func bedrockMaker(model string) func(*testing.T, *maker, ...standin.Answer) (string, site) {
	return func(t *testing.T, m *maker, answers ...standin.Answer) (string, site) {
		server := &standin.Bedrock{Answers: answers, Signature: m.signs}
		of := site{asked: server.Asked, refused: server.Refused}
		u := up(t, &of, server)
		return bedrockChannel("$", u.URL, model, ", priority: #"), of
	}
}

const (
	notAnthropics = `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid ` + "`signature` in `thinking` block" + `"}}`
	notVertexs    = `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0.thinking.signature.str: Input should be a valid string"}}`
	notGeminis    = `{"error":{"code":400,"message":"Invalid thought signature.","status":"INVALID_ARGUMENT"}}`
	notGoogles    = `[{"error":{"code":400,"message":"Unable to submit request because Thought signature is not valid.. Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini","status":"INVALID_ARGUMENT"}}]`
	notOpenAIs    = `{"error":{"message":"The encrypted content gAAA... could not be verified. Reason: Encrypted content organization_id did not match the target organization.","type":"invalid_request_error","param":null,"code":"invalid_encrypted_content"}}`
)

// azures has the Responses API of a resource of Azure's served by OpenAI's imitation.
func azures(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/openai")
		if !ok || r.Header.Get("Api-Key") != standin.Key || r.Header.Get("Authorization") != "" {
			http.Error(w, `{"error":{"code":"404","message":"Resource not found"}}`, http.StatusNotFound)
			return
		}
		r = r.Clone(r.Context())
		r.URL.Path = path
		r.Header.Set("Authorization", "Bearer "+standin.Key)
		next.ServeHTTP(w, r)
	}
}

var makers = []maker{
	{
		name: "Anthropic", thinks: true, signs: "EqoBCkgIARABGAIiQAnthropic==", calls: [2]string{"toolu_01A09q90qw90lq917835lq9", "toolu_01B09q90qw90lq917835lq9"},
		at: func(t *testing.T, m *maker, answers ...standin.Answer) (string, site) {
			s := &standin.Server{Dialect: standin.Anthropic{}, Answers: answers}
			return served(t, s, only(standin.AnthropicSignature, m.signs, notAnthropics, s), "type: anthropic, base_url: 'URL', keys: ["+standin.Key+"]"+places, s.Dialect.Model())
		},
	},
	{name: "Bedrock", thinks: true, signs: "ErcBCkgIBRABGAIiQInvoke==", calls: [2]string{"toolu_bdrk_01A09q90qw90lq9178", "toolu_bdrk_01B09q90qw90lq9178"}, at: bedrockMaker(standin.BedrockClaude)},
	{name: "Converse", thinks: true, signs: "ErcBCkgIBRABGAIiQConverse==", calls: [2]string{"tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "tooluse_kZJMlvQmRJ6eAyJE5GIl8Q"}, at: bedrockMaker(standin.BedrockNova)},
	{
		name: "Claude on Vertex", thinks: true, signs: "EqoBCkgIARABGAIiQVertex==", calls: [2]string{"toolu_vrtx_01A09q90qw90lq9178", "toolu_vrtx_01B09q90qw90lq9178"},
		at: cloudMaker(func(s *standin.Tokens) standin.Dialect { return standin.VertexClaude{Tokens: s} }, standin.AnthropicSignature, notVertexs),
	},
	{name: "DeepSeek", thinks: true, calls: [2]string{dotted, long}, at: compatible("deepseek")},
	{name: "Mistral", calls: [2]string{"VvvODy9mT", "VvvODy9mU"}, at: compatible("mistral")},
	{name: "Groq", thinks: true, calls: [2]string{"call_d5wg", dotted}, at: compatible("groq")},
	{
		name: "OpenAI", calls: [2]string{"call_abc123", "call_abc124"},
		at: func(t *testing.T, _ *maker, answers ...standin.Answer) (string, site) {
			s := &standin.Server{Dialect: standin.OpenAI{}, Answers: answers}
			return served(t, s, s, "type: openai, api: chat, base_url: 'URL', keys: ["+standin.Key+"]"+places, s.Dialect.Model())
		},
	},
	{
		name: "Azure", calls: [2]string{"call_abc125", "call_abc126"},
		at: func(t *testing.T, _ *maker, answers ...standin.Answer) (string, site) {
			c := newCloud(t, azureOf(""), answers...)
			of := site{asked: c.Asked, refused: c.Refused}
			c.at = up(t, &of, c)
			return c.azure("$", "", ", api: chat, priority: #"+key), of
		},
	},
	{
		name: "OpenAI's Responses", thinks: true, signs: "gAAAAABoOpenAIRESPONSES", calls: [2]string{"call_abc127", "call_abc128"},
		at: func(t *testing.T, m *maker, answers ...standin.Answer) (string, site) {
			s := &standin.Server{Dialect: standin.Responses{}, Answers: answers}
			return served(t, s, only(standin.ResponsesSealed, m.signs, notOpenAIs, s), "type: openai, api: responses, base_url: 'URL', keys: ["+standin.Key+"]"+places, s.Dialect.Model())
		},
	},
	{
		name: "Azure's Responses", thinks: true, signs: "gAAAAABoAzureRESPONSES", calls: [2]string{"call_abc129", "call_abc130"},
		at: func(t *testing.T, m *maker, answers ...standin.Answer) (string, site) {
			s := &standin.Server{Dialect: standin.Responses{}, Answers: answers}
			return served(t, s, azures(only(standin.ResponsesSealed, m.signs, notOpenAIs, s)), "type: azure, api: responses, base_url: 'URL', keys: ["+standin.Key+"]"+places, s.Dialect.Model())
		},
	},
	{
		name: "Gemini", thinks: true, signs: "CiQB0e2Kb3nMFhWqXb+0/QeJ3rGEMINIdQ==", calls: [2]string{"", ""},
		at: func(t *testing.T, m *maker, answers ...standin.Answer) (string, site) {
			s := &standin.Server{Dialect: standin.Gemini{}, Answers: answers}
			return served(t, s, only(standin.GeminiSignature, m.signs, notGeminis, s), "type: gemini, base_url: 'URL', keys: ["+standin.Key+"]"+places, s.Dialect.Model())
		},
	},
	{
		name: "Gemini on Vertex", thinks: true, signs: "CiQB0e2Kb3nMFhWqXb+0/QeJ3rVERTEXdQ==", calls: [2]string{"fc-1", "fc-2"},
		at: cloudMaker(func(s *standin.Tokens) standin.Dialect { return standin.VertexGemini{Tokens: s} }, standin.GeminiSignature, notGoogles),
	},
}

// up starts an imitation that answers nothing but that it is overloaded, once it is told to.
func up(t *testing.T, s *site, handle http.Handler) *harness.Upstream {
	var stopped atomic.Bool
	s.stop = func() { stopped.Store(true) }
	s.at = harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if stopped.Load() {
			http.Error(w, `{"error":{"message":"overloaded"}}`, http.StatusServiceUnavailable)
			return
		}
		handle.ServeHTTP(w, r)
	})
	return s.at
}

// callIDs is every id of a tool call in a request.
func callIDs(asked standin.Asked) map[string]bool {
	ids := map[string]bool{}
	walk(asked.Body, func(name, value string) {
		switch name {
		case "tool_use_id", "tool_call_id", "call_id", "toolUseId":
			ids[value] = true
		}
	})
	return ids
}

// TestAConversationMovesFromEveryMakerToEveryOther when the first one is down after a turn in which it has thought and called tools, for
// clients of each format. Whoever takes over gets nothing that only the first one reads, and says so if that was lost; what it refuses
// for that it is asked once more, and nobody is to blame. Ids of calls are such as it takes, and stay the same in the turn after.
func TestAConversationMovesFromEveryMakerToEveryOther(t *testing.T) {
	n, all := 0, os.Getenv("FAULTS") == "pairs"
	for i := range makers {
		for j := range makers {
			for k := range talks {
				n++
				if i == j || !all && (i+j+k)%2 == 0 { // else half of them: each maker with each client, and each pair with two
					continue
				}
				from, to, talk, stream := &makers[i], &makers[j], &talks[k], n%3 == 0
				t.Run(fmt.Sprintf("%s to %s, %s, streamed %v", from.name, to.name, talk.name, stream), func(t *testing.T) {
					t.Parallel()
					moves(t, from, to, talk, stream)
				})
			}
		}
	}
}

// plainly is the first turn of a talk without its picture.
func plainly(turn string) string {
	return strings.NewReplacer(
		`[{"type":"text","text":"Where is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,`+picture+`"}}]`, `"Hi!"`,
		`[{"type":"text","text":"Where is this?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+picture+`"}}]`, `"Hi!"`,
		`[{"type":"input_text","text":"Where is this?"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,`+picture+`"}]`, `"Hi!"`,
		`,{"inlineData":{"mimeType":"image/png","data":"`+picture+`"}}`, ``,
	).Replace(turn)
}

func moves(t *testing.T, from, to *maker, k *talk, stream bool) {
	answer := func(m *maker, thought, text string, calls ...string) standin.Answer {
		a := standin.Answer{Text: []string{text}}
		if m.thinks {
			a.Thought = thought
		}
		for i, city := range calls {
			a.Calls = append(a.Calls, standin.Call{ID: m.calls[i], Name: "get_weather", Arguments: []string{`{"city":"` + city + `"}`}})
		}
		return a
	}
	channelA, a := from.at(t, from, answer(from, "Hm.", "Let me see.", "Oslo", "Rome"))
	channelB, b := to.at(t, to, answer(to, "Again.", "Mild there.", "Bern"), answer(to, "", "Done."))
	set := func(channel, name, priority string) string {
		return strings.NewReplacer("$", name, "#", priority).Replace(channel)
	}
	r := harness.StartRelay(t, "channels:\n"+set(channelA, "one", "2")+set(channelB, "two", "1"))
	turns := []string{plainly(k.first)}
	ask := func(path string, stream bool) (string, http.Header) {
		status, answer, header := r.Ask(path, k.body(turns, stream, k.name != "chat"))
		require.Equal(t, http.StatusOK, status, "%s\n%v\n%v\n%s", answer, a.refused(), b.refused(), strings.Join(turns, "\n"))
		return answer, header
	}
	again := func(answer string) {
		var said map[string]any
		require.NoError(t, json.Unmarshal([]byte(answer), &said))
		turns = append(turns, k.next(said)...)
	}
	first, header := ask(k.path, false)
	require.Empty(t, header.Get("X-Oneapi-Dropped"))
	again(first)
	a.stop()

	given := strings.Join(turns, "")
	second, header := ask(k.path, false)
	asked := b.asked()
	last := asked[len(asked)-1]
	most := int64(2)
	if to.name == "OpenAI" {
		most++ // of whose imitation, at an address of its own, nobody knows how long ids may be
	}
	require.LessOrEqual(t, b.at.Requests.Load(), most, "%v", b.refused())
	for _, foreign := range []string{"__sealed_", "X19zZWFsZWRf"} {
		require.NotContains(t, string(last.Text), foreign)
	}
	if from.signs != "" {
		require.NotContains(t, string(last.Text), from.signs)
	}
	state := from.signs != "" && (strings.Contains(given, from.signs) || strings.Contains(given, "__sealed_") || strings.Contains(given, "X19zZWFsZWRf"))
	switch {
	case !from.thinks:
		require.Empty(t, header.Get("X-Oneapi-Dropped"), string(last.Text))
	case state && !strings.Contains(string(last.Text), "Hm."):
		require.Equal(t, "reasoning", header.Get("X-Oneapi-Dropped"), "%s\n%s", given, last.Text)
	}
	if header.Get("X-Oneapi-Dropped") != "" {
		require.Contains(t, r.Log.String(), "sent without the reasoning of its earlier turns")
	}
	require.Equal(t, 2, strings.Count(string(last.Text), "mild"))

	before := callIDs(last)
	again(second)
	requests := b.at.Requests.Load()
	path := k.path
	if stream {
		path = k.streams
	}
	third, _ := ask(path, stream)
	require.Contains(t, third, "Done.")
	require.LessOrEqual(t, b.at.Requests.Load()-requests, most, "%v", b.refused())
	asked = b.asked()
	after := callIDs(asked[len(asked)-1])
	for id := range before {
		require.Contains(t, after, id, "an id stays what it was")
	}
	r.Eventually("the ends of all attempts", func() bool { return len(r.RequestEnds()) == 3 })
	for _, attempt := range r.Recorded() {
		if attempt.Channel.Name == "two" {
			require.Equal(t, "completed", attempt.Outcome.String())
		}
	}
	require.Equal(t, "healthy", string(r.Server.Pool().Set().Get("two").State(r.Attempt(0).Began)))
}
