package responses_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/llm"
)

func TestARequestIsReadWithAllThatOtherFormatsCanSay(t *testing.T) {
	r := parsed(t, `"instructions":"be brief","max_output_tokens":99,"temperature":0.5,"top_p":0.9,"stream":true,"parallel_tool_calls":false,
		"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true}],"tool_choice":{"type":"function","name":"f"},
		"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"},"reasoning":{"effort":"high","summary":"auto"},
		"user":"u","store":true,"metadata":{"a":"b"},"truncation":"auto","prompt_cache_key":"k","include":["reasoning.encrypted_content"]`)
	require.Equal(t, "be brief", r.Instructions[0].Text)
	require.EqualValues(t, 99, r.MaxTokens)
	require.True(t, r.Stream && r.Serial)
	require.Equal(t, llm.Choice{How: llm.ChoiceTool, Name: "f"}, r.Choice)
	require.Equal(t, "n", r.Format.Name)
	require.Equal(t, "high", r.Effort)
	require.Equal(t, "u", r.User)
	require.Equal(t, []llm.Turn{{Role: llm.User, Parts: []llm.Part{{Text: "go"}}}}, r.Turns)
	var used []llm.Feature
	for _, use := range r.Uses {
		used = append(used, use.Feature)
	}
	require.ElementsMatch(t, []llm.Feature{
		llm.Temperature, llm.SamplingTopP, llm.Verbosity, llm.JSONSchema, llm.ReasoningEffort, llm.EndUser, llm.StoredAnswers, llm.Labels, llm.ContextEditing, llm.CacheKeys,
	}, used)
	require.Equal(t, []string{"k", "low", `{"a":"b"}`}, []string{r.CacheKey, r.Verbosity, string(r.Labels)})
}

func TestItemsBecomeTurnsAsOtherFormatsHaveThem(t *testing.T) {
	r := parsed(t, `"input":[{"role":"developer","content":"rules"},{"type":"message","role":"user","content":[{"type":"input_text","text":"look"},
			{"type":"input_image","image_url":"data:image/png;base64,QQ=="},{"type":"input_image","image_url":"https://x/y.png","detail":"low"},
			{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,QQ=="},{"type":"input_file","filename":"a.txt","file_data":"data:text/plain;base64,aGk="}]},
		{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"E"},
		{"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{"type":"output_text","text":"calling","annotations":[]}]},
		{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"g","arguments":"nonsense"},
		{"type":"custom_tool_call","call_id":"c3","name":"patch","input":"*** Begin\n"},{"type":"web_search_call","id":"ws_1","status":"completed"},
		{"type":"function_call_output","call_id":"c1","output":"one"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_image","image_url":"data:image/jpg;base64,QQ=="}]},
		{"type":"custom_tool_call_output","call_id":"c3","output":"done"},{"role":"user","content":"and now?"},{"role":"system","content":"late"}]`)
	require.Equal(t, []llm.Part{{Text: "rules"}}, r.Instructions)
	require.Len(t, r.Turns, 5)
	require.Equal(t, []llm.Part{
		{Text: "look"}, {Kind: llm.Image, Media: &llm.Media{Type: "image/png", Data: "QQ=="}}, {Kind: llm.Image, Media: &llm.Media{URL: "https://x/y.png", Detail: "low"}},
		{Kind: llm.Document, Media: &llm.Media{Type: "application/pdf", Data: "QQ==", Name: "a.pdf"}}, {Kind: llm.Document, Media: &llm.Media{Type: "text/plain", Text: "hi", Name: "a.txt"}},
	}, r.Turns[0].Parts)
	require.Equal(t, llm.Turn{Role: llm.Assistant, Parts: []llm.Part{
		{Kind: llm.Reasoning, Text: "hm", Signature: "E"}, {Text: "calling"}, {Kind: llm.ToolCall, ID: "c1", Name: "f", Input: []byte(`{"a":1}`)},
		{Kind: llm.ToolCall, ID: "c2", Name: "g", Input: []byte(`{"arguments":"nonsense"}`)}, {Kind: llm.ToolCall, ID: "c3", Name: "patch", Input: []byte(`{"input":"*** Begin\n"}`)},
	}}, r.Turns[1], "one answer is one turn")
	require.Equal(t, llm.Turn{Role: llm.User, Parts: []llm.Part{
		{Kind: llm.ToolResult, ID: "c1", Parts: []llm.Part{{Text: "one"}}}, {Kind: llm.ToolResult, ID: "c2", Parts: []llm.Part{{Kind: llm.Image, Media: &llm.Media{Type: "image/jpeg", Data: "QQ=="}}}},
		{Kind: llm.ToolResult, ID: "c3", Parts: []llm.Part{{Text: "done"}}},
	}}, r.Turns[2], "results of parallel calls are together")
	require.Equal(t, "and now?", r.Turns[3].Parts[0].Text)
	require.Equal(t, llm.System, r.Turns[4].Role)
}

func TestToolsThatOtherFormatsDoNotHaveBecomeFunctions(t *testing.T) {
	r := parsed(t, `"tools":[{"type":"custom","name":"patch","description":"edits","format":{"type":"grammar","syntax":"lark","definition":"start: WORD"}},
		{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find","parameters":{"type":"object"}},{"type":"custom","name":"note"}]}],
		"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"find"},{"type":"custom","name":"patch"}]}`)
	require.Len(t, r.Tools, 2, "no others may be called")
	require.Equal(t, "patch", r.Tools[0].Name)
	require.Contains(t, r.Tools[0].Description, "start: WORD")
	require.Contains(t, string(r.Tools[0].Schema), `"input"`)
	require.Equal(t, "crm__find", r.Tools[1].Name)
	require.Equal(t, llm.ChoiceAny, r.Choice.How)
}

func TestWhatOnlyTheProviderHasIsRefusedByName(t *testing.T) {
	for _, tc := range []struct{ members, path, what string }{
		{`"tools":[{"type":"function","name":"f"},{"type":"web_search"}],"tool_choice":"required"`, "tools[1].type", `"web_search"`},
		{`"tools":[{"type":"web_search"}],"tool_choice":"required"`, "tools[0].type", `"web_search"`},
		{`"tools":[{"type":"function","name":"f"},{"type":"file_search"}]`, "tools[1].type", `"file_search"`},
		{`"tools":[{"type":"mcp","server_label":"x"}]`, "tools[0].type", `"mcp"`},
		{`"previous_response_id":"resp_1"`, "previous_response_id", "keeps nothing"},
		{`"conversation":{"id":"conv_1"}`, "conversation", "keeps nothing"},
		{`"prompt":{"id":"p"}`, "prompt", "keeps nothing"},
		{`"background":true`, "background", "keeps nothing"},
		{`"input":[{"type":"item_reference","id":"x"}]`, "input[0].type", "item_reference"},
		{`"input":[{"role":"user","content":"a"},{"type":"compaction","encrypted_content":"x"}]`, "input[1].type", "compaction"},
		{`"input":[{"type":"odd"}]`, "input[0].type", `"odd"`},
		{`"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"odd"}]}]`, "input[0].content[1].type", `"odd"`},
		{`"input":[{"role":"user","content":[{"type":"input_image","image_url":"ftp://x"}]}]`, "input[0].content[0].image_url", "data URL"},
		{`"input":[]`, "input", "must have"},
		{`"tool_choice":"required"`, "tool_choice", "no tools"},
		{`"tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}`, "tool_choice.name", "not among"},
		{`"text":{"format":{"type":"grammar"}}`, "text.format.type", "json_schema"},
		{`"input":[{"type":"function_call","name":"f","arguments":"{}"}]`, "input[0].call_id", "missing"},
	} {
		problem := refused(t, tc.members)
		require.Equal(t, tc.path, problem.Path, tc.members)
		require.Contains(t, problem.What, tc.what, tc.members)
	}
}

func TestAFileByItsIDIsLeftToTheFormatThatItHasToBeSaidIn(t *testing.T) {
	r := parsed(t, `"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"},{"type":"input_image","file_id":"file-2"},{"type":"input_file","file_url":"https://x/a.pdf"}]}]`)
	var used []llm.Feature
	for _, use := range r.Uses {
		used = append(used, use.Feature)
	}
	require.Equal(t, []llm.Feature{llm.DocumentFile, llm.ImageFile, llm.DocumentURL}, used)
}
