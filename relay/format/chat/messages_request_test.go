package chat_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/provider"
	"one-api/relay/wire"
)

// convert makes the chat completion of a Messages request with these members, and with those it needs beside them.
func convert(members string, target lane.Destination) (string, error) {
	body := `{"model":"asked"`
	if !strings.Contains(members, `"max_tokens"`) {
		body += `,"max_tokens":9`
	}
	if !strings.Contains(members, `"messages"`) {
		body += `,"messages":[{"role":"user","content":"hi"}]`
	}
	if members != "" {
		body += "," + members
	}
	target.Model, target.AskUsage = "real", true
	call := callOf(wire.Messages, body+"}")
	call.Stream = strings.Contains(members, `"stream":true`)
	r, err := lanes.Request(call, target)
	return string(r.Body), err
}

func TestMessagesParametersBecomeThoseOfAChatCompletion(t *testing.T) {
	const hi = `"model":"real","messages":[{"role":"user","content":"hi"}]`
	for name, tc := range map[string]struct{ members, want string }{
		"the least":     {``, `{` + hi + `,"max_tokens":9}`},
		"sampling":      {`"temperature":0,"top_p":0.5,"top_k":4`, `{` + hi + `,"max_tokens":9,"temperature":0,"top_p":0.5}`},
		"stop":          {`"stop_sequences":["a","<b>"]`, `{` + hi + `,"max_tokens":9,"stop":["a","<b>"]}`},
		"no stop":       {`"stop_sequences":[]`, `{` + hi + `,"max_tokens":9}`},
		"user":          {`"metadata":{"user_id":"u"}`, `{` + hi + `,"max_tokens":9,"user":"u"}`},
		"stream":        {`"stream":true`, `{` + hi + `,"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}`},
		"ignored hints": {`"thinking":{"type":"enabled","budget_tokens":1024},"service_tier":"auto","container":"c","unknown":1`, `{` + hi + `,"max_tokens":9}`},
		"effort":        {`"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}`, `{` + hi + `,"max_tokens":9,"reasoning_effort":"high"}`},
		"a schema": {
			`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}`,
			`{` + hi + `,"max_tokens":9,"response_format":{"type":"json_schema","json_schema":{"name":"output","schema":{"type":"object","additionalProperties":false},"strict":true}}}`,
		},
		"system":           {`"system":"s"`, `{"model":"real","max_tokens":9,"messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}]}`},
		"system in blocks": {`"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}},{"type":"text","text":"t"}]`, `{"model":"real","max_tokens":9,"messages":[{"role":"system","content":"s\n\nt"},{"role":"user","content":"hi"}]}`},
		"no system":        {`"system":null`, `{` + hi + `,"max_tokens":9}`},
		"an empty system":  {`"system":[]`, `{` + hi + `,"max_tokens":9}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := convert(tc.members, lane.Destination{})
			require.NoError(t, err)
			assert.JSONEq(t, tc.want, got)
		})
	}
}

func TestOpenAIItselfIsToldTheLimitByItsNewName(t *testing.T) {
	got, err := convert("", lane.Destination{Official: true, Quirks: &provider.Quirks{MaxCompletionTokens: true}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"model":"real","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":9}`, got)
}

func TestPromptsAreNotEscapedMoreThanJSONNeeds(t *testing.T) {
	got, err := convert(`"messages":[{"role":"user","content":"<a> & \u003cb\u003e"}]`, lane.Destination{})
	require.NoError(t, err)
	assert.Contains(t, got, `<a> & <b>`)
}

func TestToolsBecomeFunctions(t *testing.T) {
	const tool = `"tools":[{"name":"f","description":"d","input_schema":{"type":"object","additionalProperties":false},"strict":true,"cache_control":{}},{"type":"custom","name":"g","input_schema":null}]`
	const functions = `"model":"real","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"tools":[
		{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","additionalProperties":false,"properties":{}},"strict":true}},
		{"type":"function","function":{"name":"g"}}]`
	for name, tc := range map[string]struct{ members, want string }{
		"alone":         {tool, `{` + functions + `}`},
		"auto":          {tool + `,"tool_choice":{"type":"auto"}`, `{` + functions + `,"tool_choice":"auto"}`},
		"any":           {tool + `,"tool_choice":{"type":"any"}`, `{` + functions + `,"tool_choice":"required"}`},
		"none":          {tool + `,"tool_choice":{"type":"none"}`, `{` + functions + `,"tool_choice":"none"}`},
		"named":         {tool + `,"tool_choice":{"type":"tool","name":"f"}`, `{` + functions + `,"tool_choice":{"type":"function","function":{"name":"f"}}}`},
		"one at a time": {tool + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`, `{` + functions + `,"tool_choice":"auto","parallel_tool_calls":false}`},
		"a choice without tools": {
			`"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`,
			`{"model":"real","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := convert(tc.members, lane.Destination{})
			require.NoError(t, err)
			assert.JSONEq(t, tc.want, got)
		})
	}
}

func TestTurnsBecomeMessages(t *testing.T) {
	for name, tc := range map[string]struct{ turns, want string }{
		"strings": {
			`{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":""}`,
			`{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":""}`,
		},
		"text blocks stay a plain string": {
			`{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}]}`,
			`{"role":"user","content":"a\nb"}`,
		},
		"no blocks": {`{"role":"user","content":[]}`, `{"role":"user","content":""}`},
		"images": {
			`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},{"type":"text","text":"a"},{"type":"text","text":""}]}`,
			`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}},{"type":"text","text":"a"}]}`,
		},
		"documents": {
			`{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QUJD"}},{"type":"document","title":"t.pdf","source":{"type":"base64","media_type":"application/pdf","data":"QUJD"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}}]}`,
			`{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,QUJD","filename":"document.pdf"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,QUJD","filename":"t.pdf"}},{"type":"text","text":"d"}]}`,
		},
		"an answer with tool calls": {
			`{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"x"},{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"tool_use","id":"1","name":"f","input":{"x": 1e2}},{"type":"tool_use","id":"2","name":"g"}]}`,
			`{"role":"assistant","content":"ab","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\": 1e2}"}},{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]}`,
		},
		"an answer of tool calls alone": {
			`{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]}`,
			`{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}`,
		},
		"an answer of thoughts alone": {
			`{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"}]}`,
			`{"role":"assistant","content":""}`,
		},
		"tool results": {
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"a"},{"type":"tool_result","tool_use_id":"2","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]},{"type":"tool_result","tool_use_id":"3"}]}`,
			`{"role":"tool","tool_call_id":"1","content":"a"},{"role":"tool","tool_call_id":"2","content":"b\nc"},{"role":"tool","tool_call_id":"3","content":""}`,
		},
		"tool results come before the rest of the turn": {
			`{"role":"user","content":[{"type":"text","text":"a"},{"type":"tool_result","tool_use_id":"1","content":"b"},{"type":"text","text":"c"}]}`,
			`{"role":"tool","tool_call_id":"1","content":"b"},{"role":"user","content":"a\nc"}`,
		},
		"images of tools come after all the results": {
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"image","source":{"type":"url","url":"u"}},{"type":"text","text":"a"}]},{"type":"tool_result","tool_use_id":"2","content":"b"},{"type":"text","text":"c"}]}`,
			`{"role":"tool","tool_call_id":"1","content":"a"},{"role":"tool","tool_call_id":"2","content":"b"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"c"}]}`,
		},
		"failed tools": {
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"a","is_error":true},{"type":"tool_result","tool_use_id":"2","content":"Error: b","is_error":true},{"type":"tool_result","tool_use_id":"3","content":"c","is_error":false}]}`,
			`{"role":"tool","tool_call_id":"1","content":"Error: a"},{"role":"tool","tool_call_id":"2","content":"Error: b"},{"role":"tool","tool_call_id":"3","content":"c"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := convert(`"messages":[`+tc.turns+`]`, lane.Destination{})
			require.NoError(t, err)
			assert.JSONEq(t, `{"model":"real","max_tokens":9,"messages":[`+tc.want+`]}`, got)
		})
	}
}

func TestARequestThatCannotBeSaidIsRefusedByThePlaceThatIsWrong(t *testing.T) {
	user := func(block string) string {
		return `"messages":[{"role":"user","content":[{"type":"text","text":"a"},` + block + `]}]`
	}
	assistant := func(block string) string { return `"messages":[{"role":"assistant","content":[` + block + `]}]` }
	result := func(block string) string {
		return user(`{"type":"tool_result","tool_use_id":"1","content":[` + block + `]}`)
	}
	for name, tc := range map[string]struct{ members, place string }{
		"no limit":                      {`"max_tokens":null`, "max_tokens"},
		"a negative limit":              {`"max_tokens":-1`, "max_tokens"},
		"a limit in words":              {`"max_tokens":"9"`, "max_tokens"},
		"a broken limit":                {`"max_tokens":1.5`, "max_tokens"},
		"no messages":                   {`"messages":[]`, "messages"},
		"messages of null":              {`"messages":null`, "messages"},
		"messages of no array":          {`"messages":{}`, "messages"},
		"a message of no object":        {`"messages":[{"role":"user","content":"a"},7]`, "messages[1]"},
		"a role of no string":           {`"messages":[{"role":"user","content":"a"},{"role":7}]`, "messages[1].role"},
		"an unknown role":               {`"messages":[{"role":"narrator","content":"a"}]`, "messages[0].role"},
		"content of no known form":      {`"messages":[{"role":"user","content":7}]`, "messages[0].content"},
		"no content":                    {`"messages":[{"role":"user"}]`, "messages[0].content"},
		"an unknown block":              {user(`{"type":"container_upload","file_id":"f"}`), "messages[0].content[1]"},
		"a block without a type":        {user(`{}`), "messages[0].content[1].type"},
		"a block of no object":          {user(`"a"`), "messages[0].content[1]"},
		"a text of no string":           {user(`{"type":"text","text":7}`), "messages[0].content[1].text"},
		"a text without text":           {user(`{"type":"text"}`), "messages[0].content[1].text"},
		"an image without a source":     {user(`{"type":"image"}`), "messages[0].content[1].source"},
		"an uploaded image":             {user(`{"type":"image","source":{"type":"file","file_id":"f"}}`), "messages[0].content[1].source"},
		"an image source of no type":    {user(`{"type":"image","source":{}}`), "messages[0].content[1].source.type"},
		"an image without data":         {user(`{"type":"image","source":{"type":"base64","media_type":"image/png"}}`), "messages[0].content[1].source"},
		"an image without a link":       {user(`{"type":"image","source":{"type":"url"}}`), "messages[0].content[1].source.url"},
		"a document without a source":   {user(`{"type":"document"}`), "messages[0].content[1].source"},
		"a linked document":             {user(`{"type":"document","source":{"type":"url","url":"u"}}`), "messages[0].content[1].source"},
		"a document of another format":  {user(`{"type":"document","source":{"type":"base64","media_type":"a/b","data":"QQ=="}}`), "messages[0].content[1].source.media_type"},
		"a document without data":       {user(`{"type":"document","source":{"type":"base64","media_type":"application/pdf"}}`), "messages[0].content[1].source.data"},
		"a source of no object":         {user(`{"type":"image","source":"s"}`), "messages[0].content[1].source"},
		"a call in a user turn":         {user(`{"type":"tool_use","id":"1","name":"f","input":{}}`), "messages[0].content[1]"},
		"a result of no call":           {user(`{"type":"tool_result"}`), "messages[0].content[1].tool_use_id"},
		"a result of no known form":     {user(`{"type":"tool_result","tool_use_id":"1","content":7}`), "messages[0].content[1].content"},
		"an unknown block in a result":  {result(`{"type":"text","text":"a"},{"type":"brandnew"}`), "messages[0].content[1].content[1]"},
		"a mistyped block in a result":  {result(`{"type":7}`), "messages[0].content[1].content[0].type"},
		"a result in an answer":         {assistant(`{"type":"tool_result","tool_use_id":"1"}`), "messages[0].content[0]"},
		"an unknown block in an answer": {assistant(`{"type":"brandnew","id":"1"}`), "messages[0].content[0]"},
		"an answer without text":        {assistant(`{"type":"text"}`), "messages[0].content[0].text"},
		"a call without an id":          {assistant(`{"type":"tool_use","name":"f","input":{}}`), "messages[0].content[0].id"},
		"a call without a name":         {assistant(`{"type":"tool_use","id":"1","input":{}}`), "messages[0].content[0].name"},
		"a call with odd input":         {assistant(`{"type":"tool_use","id":"1","name":"f","input":"x"}`), "messages[0].content[0].input"},
		"an odd system":                 {`"system":7`, "system"},
		"an image in the system":        {`"system":[{"type":"image"}]`, "system[0]"},
		"a system block without text":   {`"system":[{"type":"text"}]`, "system[0].text"},
		"a provider's tool":             {`"tools":[{"name":"f"},{"type":"web_search_20250305","name":"web_search"}]`, "tools[1].type"},
		"a tool without a name":         {`"tools":[{"input_schema":{}}]`, "tools[0].name"},
		"a mistyped tool":               {`"tools":[{"name":"f"},{"name":7}]`, "tools[1].name"},
		"tools of no array":             {`"tools":{}`, "tools"},
		"an odd schema":                 {`"tools":[{"name":"f","input_schema":[]}]`, "tools[0].input_schema"},
		"an unknown choice":             {`"tool_choice":{"type":"some"}`, "tool_choice.type"},
		"a choice of no object":         {`"tool_choice":"auto"`, "tool_choice"},
		"a nameless choice":             {`"tools":[{"name":"f"}],"tool_choice":{"type":"tool"}`, "tool_choice.name"},
		"a choice of no tool":           {`"tool_choice":{"type":"any"}`, "tool_choice"},
		"an unknown format":             {`"output_config":{"format":{"type":"xml"}}`, "output_config.format.type"},
		"a format without a schema":     {`"output_config":{"format":{"type":"json_schema"}}`, "output_config.format.schema"},
		"a mistyped temperature":        {`"temperature":"hot"`, "temperature"},
		"a mistyped stop":               {`"stop_sequences":"a"`, "stop_sequences"},
		"a mistyped stream":             {`"stream":"yes"`, "stream"},
		"a mistyped user":               {`"metadata":{"user_id":7}`, "metadata.user_id"},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := convert(tc.members, lane.Destination{})
			var e *wire.Error
			require.ErrorAs(t, err, &e)
			assert.Empty(t, body)
			assert.Equal(t, http.StatusBadRequest, e.Status)
			assert.Equal(t, "invalid_request_error", e.Type)
			assert.Equal(t, tc.place, e.Param)
			assert.True(t, strings.HasPrefix(e.Message, tc.place+" "), e.Message)
			assert.NotContains(t, e.Message, "wire.")
			assert.NotContains(t, e.Message, "Go ")
		})
	}
}

func TestAProvidersToolIsNamedInTheRefusal(t *testing.T) {
	_, err := convert(`"tools":[{"type":"web_search_20250305","name":"web_search"}]`, lane.Destination{})
	require.ErrorContains(t, err, "web_search_20250305")
}

func TestAMissingLimitIsRefusedAsAnthropicDoes(t *testing.T) {
	_, err := lanes.Request(callOf(wire.Messages, `{"model":"asked","messages":[{"role":"user","content":"a"}]}`), lane.Destination{})
	require.ErrorContains(t, err, "max_tokens is required")
}
