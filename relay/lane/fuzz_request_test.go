package lane_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/wire"
)

// Both targets take a request's body, if the bytes begin as one does, and otherwise make one of them. What is made must be
// taken by both converters; of what a fuzzer writes only that is compared which both of them take.

// FuzzChatRequestRoundTrip converts a chat request to Anthropic's format and back.
func FuzzChatRequestRoundTrip(f *testing.F) {
	for _, body := range []string{
		`{"model":"gpt-4o","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"What is it?"},` +
			`{"type":"image_url","image_url":{"url":"data:image/jpg;base64,/9j/4AAQ","detail":"low"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}],` +
			`"max_completion_tokens":300,"stop":"END","user":"u-1","temperature":1.5,"top_p":1}`,
		`{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Weather in Paris and Rome?"},` +
			`{"role":"assistant","content":null,"tool_calls":[{"id":"call_9pw1","type":"function","function":{"name":"get_weather","arguments":"{\"city\": \"Paris\"}"}},{"id":"call_x7","type":"function","function":{"name":"get_weather","arguments":""}}]},` +
			`{"role":"tool","tool_call_id":"call_x7","content":"22"},{"role":"tool","tool_call_id":"call_9pw1","content":[{"type":"text","text":"18"}]},{"role":"assistant","content":"Mild.","refusal":null},{"role":"user","content":"Thanks!"}],` +
			`"tools":[{"type":"function","function":{"name":"get_weather","description":"Now","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false},"strict":true}}],"tool_choice":"auto","parallel_tool_calls":false}`,
		`{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":" "},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"assistant","content":""}]}`,
	} {
		f.Add([]byte(body))
	}
	seedSource(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		body, made := input, false
		if !startsAnObject(input) {
			body, made = []byte(unescapedJSON((&source{input}).chatRequest())), true
		}
		there, ok := convert(t, lanetest.Of(lane.Anthropic.Lanes), wire.ChatCompletions, body, made)
		if !ok {
			return
		}
		requireAnthropicIDs(t, there)
		back, ok := convert(t, lanetest.Of(lane.OpenAI.Lanes), wire.Messages, there, made)
		if !ok {
			return
		}
		var before, after wire.ChatRequest
		mustDecode(t, body, &before)
		mustDecode(t, back, &after)
		if holdsABlankFile(t, &before) {
			return // joining it with the texts around it leaves a line that nobody wrote
		}
		if said := readChat(t, &before); said.repeatsAnID() {
			return // which Anthropic takes only once, so that it has become another one
		}
		require.Equal(t, readChat(t, &before), readChat(t, &after), "%s\n%s", body, there)
		require.Equal(t, chatTerms(t, &before), chatTerms(t, &after), "%s\n%s", body, there)
	})
}

// FuzzMessagesRequestRoundTrip converts a Messages request to OpenAI's format and back.
func FuzzMessagesRequestRoundTrip(f *testing.F) {
	for _, body := range []string{
		`{"model":"claude-sonnet-4-5","max_tokens":1024,"system":[{"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be brief."}],"messages":[{"role":"user","content":"List the files."},` +
			`{"role":"assistant","content":[{"type":"thinking","thinking":"ls","signature":"EqQB"},{"type":"text","text":"I'll look."},{"type":"tool_use","id":"toolu_01A09q90qw90lq917835lq9","name":"Bash","input":{"command":"ls -l > a && b"}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01A09q90qw90lq917835lq9","is_error":true,"content":[{"type":"text","text":"denied"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]},{"type":"text","text":"Again."}]}],` +
			`"tools":[{"name":"Bash","description":"Runs","input_schema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"command":{"type":"string"}}}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"metadata":{"user_id":"user_1"},"stream":true}`,
		`{"model":"claude-3-5-haiku-latest","max_tokens":1,"stop_sequences":["\n\nHuman:","x"],"messages":[{"role":"user","content":[{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}},` +
			`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}},{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]},{"role":"assistant","content":"The answer is"}]}`,
	} {
		f.Add([]byte(body))
	}
	seedSource(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		body, made := input, false
		if !startsAnObject(input) {
			body, made = []byte(unescapedJSON((&source{input}).messagesRequest())), true
		}
		there, ok := convert(t, lanetest.Of(lane.OpenAI.Lanes), wire.Messages, body, made)
		if !ok {
			return
		}
		back, ok := convert(t, lanetest.Of(lane.Anthropic.Lanes), wire.ChatCompletions, there, made)
		if !ok {
			return
		}
		var before, after wire.MessagesRequest
		mustDecode(t, body, &before)
		mustDecode(t, back, &after)
		if holdsABlankBlock(t, &before) {
			return // Anthropic refuses it, so joining it with the texts around it does not matter
		}
		if said := readMessages(t, &before); said.repeatsAnID() {
			return // it refuses that, too
		}
		require.Equal(t, readMessages(t, &before), readMessages(t, &after), "%s\n%s", body, there)
		require.Equal(t, messagesTerms(t, &before), messagesTerms(t, &after), "%s\n%s", body, there)
	})
}

// requireAnthropicIDs is for ids of other providers, which the reading of a conversation takes for the same.
func requireAnthropicIDs(t *testing.T, body []byte) {
	t.Helper()
	var r wire.MessagesRequest
	mustDecode(t, body, &r)
	for _, m := range r.Messages {
		for _, b := range blocks(t, m.Content) {
			id := b.ID + b.ToolUseID
			require.Equal(t, anthropicID(id), id, "%s", body)
		}
	}
}

// seedSource adds bytes that make requests and answers of every shape.
func seedSource(f *testing.F) {
	for seed := range byte(8) {
		b := make([]byte, 160)
		for i := range b {
			b[i] = byte(i)*(2*seed+1) ^ seed<<4
		}
		b[0] |= 0x80 // it is not a body
		f.Add(b)
	}
}

func startsAnObject(b []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(b), " \t\r\n"), "{")
}

// convert is false if the request cannot be said in the adaptor's format, which a request that was made always can.
func convert(t *testing.T, a lanetest.Lanes, endpoint wire.Endpoint, body []byte, made bool) ([]byte, bool) {
	t.Helper()
	var head struct{ Stream bool }
	_ = json.Unmarshal(body, &head)
	r, err := a.Request(&lane.Call{Endpoint: endpoint, Model: "m", Stream: head.Stream, Body: body}, lane.Destination{Model: "m"})
	if err == nil {
		return r.Body, true
	}
	var e *wire.Error
	if made || !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Message == "" {
		t.Fatalf("%v: %s", err, body)
	}
	return nil, false
}

// holdsABlankFile is for text files, which become texts on the way back.
func holdsABlankFile(t *testing.T, r *wire.ChatRequest) bool {
	for _, m := range r.Messages {
		if !strings.Contains(strings.ToLower(string(m.Content)), "file") {
			continue
		}
		for _, part := range chatParts(t, m.Content) {
			if part.Type == "text" && strings.TrimSpace(part.Text) == "" {
				return true
			}
		}
	}
	return false
}

func holdsABlankBlock(t *testing.T, r *wire.MessagesRequest) bool {
	lists := [][]wire.Block{blocks(t, r.System)}
	for _, m := range r.Messages {
		lists = append(lists, blocks(t, m.Content))
	}
	for _, list := range lists {
		for _, b := range list {
			if b.Text != nil && strings.TrimSpace(*b.Text) == "" || b.Source != nil && b.Source.Type == "text" && strings.TrimSpace(b.Source.Data) == "" {
				return true
			}
		}
	}
	return false
}

// terms are what a request asks for beside its conversation.
type terms struct {
	Most   int64
	Stream bool
	User   string
	Stop   []string
	Tools  []tool
	Choice string
	Single bool // no parallel calls
}

type tool struct{ Name, Description, Schema, Strict string }

// named is what reaches another provider of an end user's name, here without a secret to make a pseudonym with: one that is
// too long for one of them, or looks like an address, does not.
func named(user string) string {
	if utf8.RuneCountInString(user) > 64 || strings.Contains(user, "@") {
		return ""
	}
	return user
}

func chatTerms(t *testing.T, r *wire.ChatRequest) terms {
	out := terms{Most: 16384, Stream: r.Stream, User: named(r.User)}
	for _, most := range []*int64{r.MaxTokens, r.MaxCompletionTokens} {
		if most != nil {
			out.Most = *most
		}
	}
	var stop string
	if json.Unmarshal(r.Stop, &stop) == nil {
		out.stop(stop)
	} else if len(r.Stop) > 0 {
		var all []string
		mustDecode(t, r.Stop, &all)
		out.stop(all...)
	}
	for _, tl := range r.Tools {
		out.tool(t, tl.Function.Name, tl.Function.Description, tl.Function.Parameters, tl.Function.Strict)
	}
	if len(out.Tools) == 0 {
		return out // neither API takes a choice without tools
	}
	var named struct{ Function struct{ Name string } }
	switch {
	case json.Unmarshal(r.ToolChoice, &out.Choice) == nil && out.Choice == "":
	case json.Unmarshal(r.ToolChoice, &named) == nil:
		out.Choice = "function " + named.Function.Name
	}
	out.Single = r.ParallelToolCalls != nil && !*r.ParallelToolCalls && out.Choice != "none"
	if out.Single && out.Choice == "" {
		out.Choice = "auto" // which it means
	}
	return out
}

func messagesTerms(t *testing.T, r *wire.MessagesRequest) terms {
	out := terms{Most: r.MaxTokens, Stream: r.Stream}
	if r.Metadata != nil {
		out.User = named(r.Metadata.UserID)
	}
	out.stop(r.StopSequences...)
	for _, tl := range r.Tools {
		out.tool(t, tl.Name, tl.Description, tl.InputSchema, tl.Strict)
	}
	if c := r.ToolChoice; c != nil && len(out.Tools) > 0 {
		out.Choice, out.Single = strings.TrimSpace(c.Type+" "+c.Name), c.DisableParallelToolUse && c.Type != "none"
	}
	return out
}

// stop leaves out what is blank, as Anthropic's form has to.
func (out *terms) stop(all ...string) {
	for _, s := range all {
		if strings.TrimSpace(s) != "" {
			out.Stop = append(out.Stop, s)
		}
	}
}

func (out *terms) tool(t *testing.T, name, description string, schema json.RawMessage, strict *bool) {
	text := compact(t, string(schema))
	if text == "{}" || text == "null" {
		text = `{"type":"object","properties":{}}` // Anthropic's least
	}
	if !typed(text) {
		text = `{"type":"object",` + text[1:]
	}
	text = string(format.FunctionSchema([]byte(text))) // on its way to OpenAI
	out.Tools = append(out.Tools, tool{name, description, text, unescapedJSON(strict)})
}

func typed(schema string) bool {
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(schema), &members)
	_, is := members["type"]
	return is
}
