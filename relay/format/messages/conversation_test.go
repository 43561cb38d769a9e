package messages_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConversationsAreConverted(t *testing.T) {
	for name, c := range map[string]struct{ messages, system, want string }{
		"instructions are collected from wherever they stand": {
			`{"role":"system","content":"one"},{"role":"user","content":"a"},{"role":"developer","content":[{"type":"text","text":"two"},{"type":"text","text":""}]},{"role":"user","content":"b"}`,
			`[{"type":"text","text":"one"},{"type":"text","text":"two"}]`,
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
		},
		"text parts": {
			`{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":" \n"},{"type":"text","text":"b"}]}`, ``,
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
		},
		"images": {
			`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0K","detail":"low"}},
				{"type":"image_url","image_url":{"url":"DATA:Image/JPG;name=x;BASE64,/9j/4AAQ"}},
				{"type":"image_url","image_url":{"url":"https://example.com/a.png"}},{"type":"image_url","image_url":{"url":"HTTP://example.com/b.png"}}]}`, ``,
			`[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0K"}},
				{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4AAQ"}},
				{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},{"type":"image","source":{"type":"url","url":"HTTP://example.com/b.png"}}]}]`,
		},
		"documents": {
			`{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}},
				{"type":"file","file":{"file_data":"data:text/plain;charset=utf-8;base64,aGVsbG8="}},{"type":"file","file":{"file_data":"data:text/plain,hello%20you"}}]}`, ``,
			`[{"role":"user","content":[{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}},
				{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello you"}}]}]`,
		},
		"tool calls and their results": {
			`{"role":"user","content":"weather?"},
			 {"role":"assistant","content":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Bonn\"}"}},{"id":"c2","type":"function","function":{"name":"w","arguments":""}}]},
			 {"role":"tool","tool_call_id":"c1","content":"rain"},
			 {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"sun"},{"type":"image_url","image_url":{"url":"https://example.com/s.png"}}]},
			 {"role":"user","content":"and?"}`, ``,
			`[{"role":"user","content":[{"type":"text","text":"weather?"}]},
			  {"role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"c1","name":"w","input":{"city":"Bonn"}},{"type":"tool_use","id":"c2","name":"w","input":{}}]},
			  {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"rain"},
				{"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"sun"},{"type":"image","source":{"type":"url","url":"https://example.com/s.png"}}]},
				{"type":"text","text":"and?"}]}]`,
		},
		"tool results come before what the user says": {
			`{"role":"user","content":"first"},{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"user","content":"second"},{"role":"tool","tool_call_id":"c2","content":"two"}`, ``,
			`[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"one"},{"type":"tool_result","tool_use_id":"c2","content":"two"},
				{"type":"text","text":"first"},{"type":"text","text":"second"}]}]`,
		},
		"empty tool results": {
			`{"role":"tool","tool_call_id":"c1","content":""},{"role":"tool","tool_call_id":"c2","content":[]},{"role":"tool","tool_call_id":"c3","content":null}`, ``,
			`[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1"},{"type":"tool_result","tool_use_id":"c2"},{"type":"tool_result","tool_use_id":"c3"}]}]`,
		},
		"empty messages are left out and their neighbours joined": {
			`{"role":"user","content":"a"},{"role":"assistant","content":null},{"role":"assistant","content":""},{"role":"user","content":"b"}`, ``,
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
		},
		"consecutive answers are joined, refusals are text, reasoning is left out": {
			`{"role":"user","content":"a"},{"role":"assistant","content":"x","reasoning_content":"hm","name":"n"},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"assistant","content":null,"refusal":"never"}`, ``,
			`[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"text","text":"no"},{"type":"text","text":"never"}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct{ System, Messages json.RawMessage }
			require.NoError(t, json.Unmarshal([]byte(convert(t, `"messages":[`+c.messages+`]`)), &got))
			assert.JSONEq(t, c.want, string(got.Messages))
			if c.system == "" {
				assert.Nil(t, got.System)
			} else {
				assert.JSONEq(t, c.system, string(got.System))
			}
		})
	}
}

func TestMessagesThatCannotBeSaidAreRefusedByPlace(t *testing.T) {
	const ask = `{"role":"user","content":"a"},`
	part := func(p string) string { return ask + `{"role":"user","content":[{"type":"text","text":"a"},` + p + `]}` }
	toolCall := func(c string) string { return ask + `{"role":"assistant","content":null,"tool_calls":[` + c + `]}` }
	for _, c := range []struct{ messages, param string }{
		{``, "messages"},
		{`{"role":"system","content":""}`, "messages"},
		{`{"role":"user","content":" "}`, "messages"},
		{ask + `{"role":"narrator","content":"x"}`, "messages[1].role"},
		{ask + `{"content":"x"}`, "messages[1].role"},
		{ask + `{"role":"function","name":"f","content":"x"}`, "messages[1].role"},
		{ask + `{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}`, "messages[1].function_call"},
		{ask + `{"role":"user","content":5}`, "messages[1].content"},
		{ask + `{"role":"user","content":{"type":"text"}}`, "messages[1].content"},
		{ask + `{"role":"tool","content":"x"}`, "messages[1].tool_call_id"},
		{ask + `{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://example.com"}}]}`, "messages[1].content[0]"},
		{ask + `{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"https://example.com"}}]}`, "messages[1].content[0]"},
		{part(`{"type":"refusal","refusal":"x"}`), "messages[1].content[1]"},
		{part(`{"type":"video_url"}`), "messages[1].content[1]"},
		{part(`{"type":"input_audio","input_audio":{"data":"x","format":"wav"}}`), "messages[1].content[1]"},
		{part(`null`), "messages[1].content[1].type"},
		{part(`{"type":"image_url"}`), "messages[1].content[1].image_url.url"},
		{part(`{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}`), "messages[1].content[1].image_url.url"},
		{part(`{"type":"image_url","image_url":{"url":"data:image/png,raw"}}`), "messages[1].content[1].image_url.url"},
		{part(`{"type":"image_url","image_url":{"url":"data:image/png;base64"}}`), "messages[1].content[1].image_url.url"},
		{part(`{"type":"image_url","image_url":{"url":"data:text/html;base64,PGE+"}}`), "messages[1].content[1].image_url.url"},
		{part(`{"type":"file","file":{"file_id":"file-1"}}`), "messages[1].content[1].file.file_id"},
		{part(`{"type":"file"}`), "messages[1].content[1].file.file_data"},
		{part(`{"type":"file","file":{"file_data":"JVBERi0="}}`), "messages[1].content[1].file.file_data"},
		{part(`{"type":"file","file":{"file_data":"data:application/zip;base64,JVBERi0="}}`), "messages[1].content[1].file.file_data"},
		{part(`{"type":"file","file":{"file_data":"data:text/plain;base64,***"}}`), "messages[1].content[1].file.file_data"},
		{toolCall(`{"type":"function","function":{"name":"f","arguments":"{}"}}`), "messages[1].tool_calls[0].id"},
		{toolCall(`{"id":"c","type":"function","function":{"arguments":"{}"}}`), "messages[1].tool_calls[0].function.name"},
		{toolCall(`{"id":"c","type":"custom","custom":{"name":"f","input":"x"}}`), "messages[1].tool_calls[0].type"},
	} {
		t.Run(c.messages, func(t *testing.T) {
			e := refused(t, `"messages":[`+c.messages+`]`)
			assert.Equal(t, c.param, e.Param)
			assert.Contains(t, e.Message, "messages")
		})
	}
}

// TestArgumentsThatAreNoObjectGoOnAsOne since a model's slip, which its client has kept, is no reason to end a conversation.
func TestArgumentsThatAreNoObjectGoOnAsOne(t *testing.T) {
	for arguments, want := range map[string]string{
		`[1]`: `{"arguments":"[1]"}`, `{\"a\":`: `{"arguments":"{\"a\":"}`, `{}{}`: `{"arguments":"{}{}"}`, `none`: `{"arguments":"none"}`, ` `: `{}`,
	} {
		body := convert(t, `"max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"`+
			arguments+`"}}]},{"role":"tool","tool_call_id":"c","content":"no JSON"}]`)
		assert.JSONEq(t, `{"model":"claude-test","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":`+want+`}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"no JSON"}]}]}`, body)
	}
}
