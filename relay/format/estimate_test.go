package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/llm"
)

func TestAPictureIsNotCountedByItsBytes(t *testing.T) {
	text := strings.Repeat("some words of a longer text, ", 1000)
	assert.InDelta(t, len(text)/4, InputOf([]byte(`{"messages":[{"role":"user","content":"`+text+`"}]}`)), 50)
	picture := strings.Repeat("iVBORw0KGgoAAAANSUhEUg", 50_000)
	assert.InDelta(t, tokensOfMedia, InputOf([]byte(`{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`+picture+`"}}]}]}`)), 50)
	assert.InDelta(t, 2*tokensOfMedia, InputOf([]byte(`{"a":"`+picture+`","b":{"data":"`+picture+`"}}`)), 50)
	chinese := strings.Repeat("天地玄黃宇宙洪荒", 1000) // some 8,000 characters of 24,000 bytes, without a blank
	assert.InDelta(t, 6000, InputOf([]byte(`{"content":"`+chinese+`"}`)), 10)
	assert.Equal(t, int64(1), InputOf([]byte(`{}`)))
	assert.Zero(t, InputOf(nil))
	for _, odd := range []string{`"`, `""`, `"""`, strings.Repeat(`"`, 5000), strings.Repeat(`"x`, 5000)} {
		assert.Equal(t, TokensOf(len(odd)), InputOf([]byte(odd)))
	}
}

// TestAShortTextIsEstimatedByWhatIsSaid and not by the JSON around it. The numbers to compare with are those of the houses' own counters.
func TestAShortTextIsEstimatedByWhatIsSaid(t *testing.T) {
	text := func(s string) []llm.Part { return []llm.Part{{Kind: llm.Text, Text: s}} }
	said := func(parts ...llm.Part) *llm.Request { return &llm.Request{Turns: []llm.Turn{{Parts: parts}}} }
	for name, tc := range map[string]struct {
		request *llm.Request
		want    int64
	}{
		"a letter":          {said(text("A")...), 8}, // Claude: 8
		"a greeting":        {said(text("Hello, Claude")...), 11},
		"a system prompt":   {&llm.Request{Instructions: text("Be brief."), Turns: []llm.Turn{{Parts: text("Hi!")}}}, 15},
		"nothing":           {&llm.Request{}, 3},
		"a tool":            {&llm.Request{Tools: []llm.Tool{{Name: "abcd", Description: "efgh", Schema: []byte(`{"type":"object"}x`)}}}, 18},
		"a call":            {said(llm.Part{Kind: llm.ToolCall, Name: "abcd", Input: []byte(`{"a":1}`)}), 18},
		"a result":          {said(llm.Part{Kind: llm.ToolResult, Parts: text("12345678")}), 17},
		"an image":          {said(llm.Part{Kind: llm.Image, Media: &llm.Media{Data: strings.Repeat("A", 1<<20)}}), 1007},
		"a picture's place": {said(llm.Part{Kind: llm.Image, Media: &llm.Media{URL: "https://a/b.png"}}), 1007},
		"a text as a file":  {said(llm.Part{Kind: llm.Document, Media: &llm.Media{Text: strings.Repeat("word ", 400)}}), 507},
		"a form":            {&llm.Request{Format: &llm.Form{Schema: []byte(`{"type":"object"}`)}}, 8},
		"eight ideographs":  {said(text("天地玄黃宇宙洪荒")...), 13},
	} {
		assert.Equal(t, tc.want, InputOfRequest(tc.request), name)
	}
}

func TestWhatIsSaidIsFoundInEveryFormat(t *testing.T) {
	for data, want := range map[string]int{
		`{"id":"abcdef","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"12345"}}]}`:                                             5,
		`{"choices":[{"delta":{"reasoning_content":"123","content":""}}]}`:                                                                 3,
		`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a"}}]}}]}`:                                  4,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"1234"}}`:                                             4,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"12"}}`:                                       2,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"123"}}`:                                3,
		`{"type":"response.output_text.delta","item_id":"msg_1","delta":"1234567"}`:                                                        7,
		`{"candidates":[{"content":{"parts":[{"text":"12"},{"functionCall":{"name":"f","args":{"a":1}}}],"role":"model"}}]}`:               9,
		`{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"12"},{"type":"tool_use","input":{"a":"b"}}]}`: 11,
		`{"choices":[{"message":{"role":"assistant","content":"123"}}],"usage":{"prompt_tokens":5}}`:                                       3,
		`[DONE]`: 0, ``: 0, `{`: 0, `null`: 0,
	} {
		assert.Equal(t, want, Spoken([]byte(data)), data)
	}
	event := []byte(`{"choices":[{"index":0,"delta":{"content":"12345"}}]}`)
	assert.Zero(t, testing.AllocsPerRun(10, func() { Spoken(event) }))
}
