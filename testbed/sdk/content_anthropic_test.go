package sdk

import (
	"context"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
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
	for _, d := range sdktest.Dialects {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Pictures."}})
			anthropicAnswer(t, sdktest.AnthropicClient(sdktest.RelayTo(t, p)), params, false)
			want := `[{"type":"text","text":"What are these?"},
				{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pngData + `"}},
				{"type":"image_url","image_url":{"url":"` + pngLink + `"}},
				{"type":"file","file":{"file_data":"data:application/pdf;base64,` + pdfData + `","filename":"report.pdf"}},
				{"type":"text","text":"A note."}]`
			if d.Name() == "anthropic" {
				want = sdktest.Quoted(params.Messages[0].Content)
			}
			messages := sdktest.JsonObjects(p.LastBody(t)["messages"])
			assert.JSONEq(t, want, sdktest.Quoted(messages[len(messages)-1]["content"]))
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
	for _, d := range sdktest.Dialects {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Noon."}})
			got := anthropicAnswer(t, sdktest.AnthropicClient(sdktest.RelayTo(t, p)), params, false)
			assert.Equal(t, "Noon.", sdktest.AnthropicText(got))
			assert.Contains(t, p.LastText(), pngData)
		})
	}
}

func TestTheSystemPromptOfAnthropicsSDKComesFirst(t *testing.T) {
	p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Hello."}})
	params := anthropicChat(func(p *anthropicsdk.MessageNewParams) {
		p.System = []anthropicsdk.TextBlockParam{{Text: "Be brief."}, {Text: "Be kind.", CacheControl: anthropicsdk.NewCacheControlEphemeralParam()}}
	})
	anthropicAnswer(t, sdktest.AnthropicClient(sdktest.RelayTo(t, p)), params, false)
	messages := sdktest.JsonObjects(p.LastBody(t)["messages"])
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
		p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Hello."}})
		anthropicAnswer(t, sdktest.AnthropicClient(sdktest.RelayTo(t, p)), params, streamed)
		sent := p.LastBody(t)
		assert.Equal(t, "user-7", sent["user"])
		assert.EqualValues(t, 2000, sent["max_tokens"])
		assert.InDelta(t, 0.9, sent["top_p"], 1e-9)
		assert.NotContains(t, p.LastText(), "Hm.", "signed for Anthropic's models")
	}
}

func TestAnthropicsSDKLearnsWhyTheAnswerEnded(t *testing.T) {
	for _, c := range []struct {
		dialect sdktest.Dialect
		ends    string
		stop    string
		want    string
	}{
		{sdktest.AnthropicDialect, "end_turn", "", "end_turn"},
		{sdktest.AnthropicDialect, "stop_sequence", "END", "stop_sequence"},
		{sdktest.AnthropicDialect, "max_tokens", "", "max_tokens"},
		{sdktest.AnthropicDialect, "refusal", "", "refusal"},
		{sdktest.OpenAIDialect, "stop", "", "end_turn"}, // which sequence stopped it, if one did, OpenAI does not say
		{sdktest.OpenAIDialect, "length", "", "max_tokens"},
		{sdktest.OpenAIDialect, "content_filter", "", "refusal"},
	} {
		t.Run(c.dialect.Name()+" "+c.ends, func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, c.dialect, sdktest.Turn{Text: []string{"Once ", "upon"}, Ends: c.ends, Stop: c.stop})
			client := sdktest.AnthropicClient(sdktest.RelayTo(t, p))
			params := anthropicChat(func(p *anthropicsdk.MessageNewParams) { p.StopSequences = []string{"END", "FIN"} })
			for _, streamed := range []bool{false, true} {
				got := anthropicAnswer(t, client, params, streamed)
				assert.EqualValues(t, c.want, got.StopReason)
				assert.Equal(t, c.stop, got.StopSequence)
				assert.Equal(t, "Once upon", sdktest.AnthropicText(got))
			}
			member := map[string]string{"anthropic": "stop_sequences", "openai": "stop"}[c.dialect.Name()]
			assert.JSONEq(t, `["END","FIN"]`, sdktest.Quoted(p.LastBody(t)[member]))
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
	for _, d := range sdktest.Dialects {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{`{"n":`, `4}`}})
			assert.Equal(t, `{"n":4}`, sdktest.AnthropicText(anthropicAnswer(t, sdktest.AnthropicClient(sdktest.RelayTo(t, p)), params, true)))
			if d.Name() == "anthropic" {
				return
			}
			format := sdktest.JsonObject(p.LastBody(t)["response_format"])
			assert.Equal(t, "json_schema", format["type"])
			asked := sdktest.JsonObject(format["json_schema"])
			assert.Equal(t, true, asked["strict"], "Anthropic's format is a guarantee")
			assert.JSONEq(t, sdktest.Quoted(schema), sdktest.Quoted(asked["schema"]))
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
			p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"never said"}})
			client := sdktest.AnthropicClient(sdktest.RelayTo(t, p))
			_, err := client.Messages.New(context.Background(), anthropicChat(c.ask))
			require.Error(t, err)
			failure := sdktest.AnthropicFailure(t, err)
			assert.Equal(t, 400, failure.Status)
			assert.Equal(t, "invalid_request_error", failure.Kind)
			assert.Contains(t, failure.Message, c.message)
			assert.Zero(t, p.Requests.Load())
		})
	}
}
