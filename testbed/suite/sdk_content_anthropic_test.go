package suite

import (
	"context"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnthropicsSDKSendsImagesAndDocuments(t *testing.T) {
	params := anthropicChat(func(p *anthropicsdk.MessageNewParams) {
		pdf := anthropicsdk.NewDocumentBlock(anthropicsdk.Base64PDFSourceParam{Data: pdfData})
		pdf.OfDocument.Title = anthropicsdk.String("report.pdf")
		p.Messages = []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(
			anthropicsdk.NewTextBlock("What are these?"),
			anthropicsdk.NewImageBlockBase64("image/png", pngData),
			anthropicsdk.NewImageBlock(anthropicsdk.URLImageSourceParam{URL: pngLink}),
			pdf,
			anthropicsdk.NewDocumentBlock(anthropicsdk.PlainTextSourceParam{Data: "A note."}),
		)}
	})
	for _, d := range dialects {
		t.Run(d.name(), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, d, turn{text: []string{"Pictures."}})
			anthropicAnswer(t, anthropicClient(relayTo(t, p)), params, false)
			want := `[{"type":"text","text":"What are these?"},
				{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pngData + `"}},
				{"type":"image_url","image_url":{"url":"` + pngLink + `"}},
				{"type":"file","file":{"file_data":"data:application/pdf;base64,` + pdfData + `","filename":"report.pdf"}},
				{"type":"text","text":"A note."}]`
			if d.name() == "anthropic" {
				want = quoted(params.Messages[0].Content)
			}
			messages := jsonObjects(p.lastBody(t)["messages"])
			assert.JSONEq(t, want, quoted(messages[len(messages)-1]["content"]))
		})
	}
}

func TestAToolMayShowAnImage(t *testing.T) {
	params := anthropicChat(withAnthropicTools, func(p *anthropicsdk.MessageNewParams) {
		shown := anthropicsdk.NewImageBlockBase64("image/png", pngData).OfImage
		p.Messages = append(p.Messages,
			anthropicsdk.NewAssistantMessage(anthropicsdk.NewToolUseBlock("toolu_1", map[string]any{}, "get_time")),
			anthropicsdk.NewUserMessage(anthropicsdk.ContentBlockParamUnion{OfToolResult: &anthropicsdk.ToolResultBlockParam{
				ToolUseID: "toolu_1", Content: []anthropicsdk.ToolResultBlockParamContentUnion{
					{OfText: &anthropicsdk.TextBlockParam{Text: "A clock:"}}, {OfImage: shown},
				},
			}}))
	})
	for _, d := range dialects {
		t.Run(d.name(), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, d, turn{text: []string{"Noon."}})
			got := anthropicAnswer(t, anthropicClient(relayTo(t, p)), params, false)
			assert.Equal(t, "Noon.", anthropicText(got))
			assert.Contains(t, p.lastText(), pngData)
		})
	}
}

func TestTheSystemPromptOfAnthropicsSDKComesFirst(t *testing.T) {
	p := newProvider(t, openAIDialect, turn{text: []string{"Hello."}})
	params := anthropicChat(func(p *anthropicsdk.MessageNewParams) {
		p.System = []anthropicsdk.TextBlockParam{{Text: "Be brief."}, {Text: "Be kind.", CacheControl: anthropicsdk.NewCacheControlEphemeralParam()}}
	})
	anthropicAnswer(t, anthropicClient(relayTo(t, p)), params, false)
	messages := jsonObjects(p.lastBody(t)["messages"])
	require.Len(t, messages, 4)
	assert.Equal(t, map[string]any{"role": "system", "content": "Be brief.\n\nBe kind."}, messages[0])
	assert.Equal(t, map[string]any{"role": "user", "content": "How do you do?"}, messages[1])
	assert.Equal(t, map[string]any{"role": "assistant", "content": "Well."}, messages[2])
}

func TestPreferencesThatOpenAIDoesNotKnowDoNotFailAMessage(t *testing.T) {
	params := anthropicChat(func(p *anthropicsdk.MessageNewParams) {
		p.TopK, p.TopP = anthropicsdk.Int(5), anthropicsdk.Float(0.9)
		p.Metadata = anthropicsdk.MetadataParam{UserID: anthropicsdk.String("user-7")}
		p.ServiceTier = "auto"
		p.CacheControl = anthropicsdk.NewCacheControlEphemeralParam()
		p.Thinking = anthropicsdk.ThinkingConfigParamOfEnabled(1024)
		p.MaxTokens = 2000
		p.OutputConfig = anthropicsdk.OutputConfigParam{Effort: "low"}
		p.Messages = append(p.Messages,
			anthropicsdk.NewAssistantMessage(anthropicsdk.NewThinkingBlock("c2lnbmVk", "Hm."), anthropicsdk.NewTextBlock("Well.")),
			anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock("And?")))
	})
	for _, streamed := range []bool{false, true} {
		p := newProvider(t, openAIDialect, turn{text: []string{"Hello."}})
		anthropicAnswer(t, anthropicClient(relayTo(t, p)), params, streamed)
		sent := p.lastBody(t)
		assert.Equal(t, "user-7", sent["user"])
		assert.EqualValues(t, 2000, sent["max_tokens"])
		assert.InDelta(t, 0.9, sent["top_p"], 1e-9)
		assert.NotContains(t, p.lastText(), "Hm.", "signed for Anthropic's models")
	}
}

func TestAnthropicsSDKLearnsWhyTheAnswerEnded(t *testing.T) {
	for _, c := range []struct {
		dialect dialect
		ends    string
		stop    string
		want    string
	}{
		{anthropicDialect, "end_turn", "", "end_turn"},
		{anthropicDialect, "stop_sequence", "END", "stop_sequence"},
		{anthropicDialect, "max_tokens", "", "max_tokens"},
		{anthropicDialect, "refusal", "", "refusal"},
		{openAIDialect, "stop", "", "end_turn"}, // which sequence stopped it, if one did, OpenAI does not say
		{openAIDialect, "length", "", "max_tokens"},
		{openAIDialect, "content_filter", "", "refusal"},
	} {
		t.Run(c.dialect.name()+" "+c.ends, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, c.dialect, turn{text: []string{"Once ", "upon"}, ends: c.ends, stop: c.stop})
			client := anthropicClient(relayTo(t, p))
			params := anthropicChat(func(p *anthropicsdk.MessageNewParams) { p.StopSequences = []string{"END", "FIN"} })
			for _, streamed := range []bool{false, true} {
				got := anthropicAnswer(t, client, params, streamed)
				assert.EqualValues(t, c.want, got.StopReason)
				assert.Equal(t, c.stop, got.StopSequence)
				assert.Equal(t, "Once upon", anthropicText(got))
			}
			member := map[string]string{"anthropic": "stop_sequences", "openai": "stop"}[c.dialect.name()]
			assert.JSONEq(t, `["END","FIN"]`, quoted(p.lastBody(t)[member]))
		})
	}
}

func TestAnthropicsSDKGetsAnAnswerByJSONSchema(t *testing.T) {
	schema := map[string]any{
		"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}}, "required": []string{"n"}, "additionalProperties": false,
	}
	params := anthropicChat(func(p *anthropicsdk.MessageNewParams) {
		p.OutputConfig = anthropicsdk.OutputConfigParam{Format: anthropicsdk.JSONOutputFormatParam{Schema: schema}}
	})
	for _, d := range dialects {
		t.Run(d.name(), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, d, turn{text: []string{`{"n":`, `4}`}})
			assert.Equal(t, `{"n":4}`, anthropicText(anthropicAnswer(t, anthropicClient(relayTo(t, p)), params, true)))
			if d.name() == "anthropic" {
				return
			}
			format := jsonObject(p.lastBody(t)["response_format"])
			assert.Equal(t, "json_schema", format["type"])
			asked := jsonObject(format["json_schema"])
			assert.Equal(t, true, asked["strict"], "Anthropic's format is a guarantee")
			assert.JSONEq(t, quoted(schema), quoted(asked["schema"]))
		})
	}
}

func TestWhatOpenAICannotDoIsRefusedBeforeItIsAsked(t *testing.T) {
	for _, c := range []struct {
		name    string
		ask     func(*anthropicsdk.MessageNewParams)
		message string
	}{
		{"a tool that Anthropic runs", func(p *anthropicsdk.MessageNewParams) {
			p.Tools = []anthropicsdk.ToolUnionParam{{OfWebSearchTool20250305: &anthropicsdk.WebSearchTool20250305Param{}}}
		}, "tools[0].type"},
		{"a document by its link", func(p *anthropicsdk.MessageNewParams) {
			p.Messages = []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewDocumentBlock(anthropicsdk.URLPDFSourceParam{URL: "https://example.com/a.pdf"}))}
		}, "messages[0].content[0].source"},
		{"a file by its id", func(p *anthropicsdk.MessageNewParams) {
			p.Messages = []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewImageBlock(anthropicsdk.FileImageSourceParam{FileID: "file_1"}))}
		}, "messages[0].content[0].source"},
		{"a tool that is not there", func(p *anthropicsdk.MessageNewParams) { p.ToolChoice = anthropicsdk.ToolChoiceParamOfTool("x") }, "tools is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, openAIDialect, turn{text: []string{"never said"}})
			client := anthropicClient(relayTo(t, p))
			_, err := client.Messages.New(context.Background(), anthropicChat(c.ask))
			require.Error(t, err)
			failure := anthropicFailure(t, err)
			assert.Equal(t, 400, failure.status)
			assert.Equal(t, "invalid_request_error", failure.kind)
			assert.Contains(t, failure.message, c.message)
			assert.Zero(t, p.requests.Load())
		})
	}
}
