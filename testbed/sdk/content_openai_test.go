package sdk

import (
	"context"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

const (
	pngData = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
	pdfData = "JVBERi0xLjQKJeLjz9MK"
	pngLink = "https://example.com/a.png?x=1&y=2"
)

func TestOpenAIsSDKSendsImagesAndDocuments(t *testing.T) {
	params := sdktest.OpenAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.Messages = []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage([]openaisdk.ChatCompletionContentPartUnionParam{
			openaisdk.TextContentPart("What are these?"),
			openaisdk.ImageContentPart(openaisdk.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64," + pngData, Detail: "low"}),
			openaisdk.ImageContentPart(openaisdk.ChatCompletionContentPartImageImageURLParam{URL: pngLink}),
			openaisdk.FileContentPart(openaisdk.ChatCompletionContentPartFileFileParam{
				FileData: openaisdk.String("data:application/pdf;base64," + pdfData), Filename: openaisdk.String("report.pdf"),
			}),
		})}
	})
	for _, d := range sdktest.Dialects {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Pictures."}})
			openAIAnswer(t, sdktest.OpenAIClient(sdktest.RelayTo(t, p)), params, false)
			want := `[{"type":"text","text":"What are these?"},
				{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pngData + `","detail":"low"}},
				{"type":"image_url","image_url":{"url":"` + pngLink + `"}},
				{"type":"file","file":{"file_data":"data:application/pdf;base64,` + pdfData + `","filename":"report.pdf"}}]`
			if d.Name() == "anthropic" {
				want = `[{"type":"text","text":"What are these?"},
					{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pngData + `"}},
					{"type":"image","source":{"type":"url","url":"` + pngLink + `"}},
					{"type":"document","title":"report.pdf","source":{"type":"base64","media_type":"application/pdf","data":"` + pdfData + `"}}]`
			}
			assert.JSONEq(t, want, sdktest.Quoted(sdktest.JsonObjects(p.LastBody(t)["messages"])[0]["content"]))
		})
	}
}

func TestInstructionsOfBothRolesReachAnthropicAsItsSystemPrompt(t *testing.T) {
	params := sdktest.OpenAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.Messages = []openaisdk.ChatCompletionMessageParamUnion{
			openaisdk.SystemMessage("Be brief."),
			openaisdk.DeveloperMessage([]openaisdk.ChatCompletionContentPartTextParam{{Text: "Be kind."}, {Text: " \n"}}),
			openaisdk.UserMessage("Hi!"),
		}
	})
	p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"Hello."}})
	openAIAnswer(t, sdktest.OpenAIClient(sdktest.RelayTo(t, p)), params, false)
	sent := p.LastBody(t)
	assert.JSONEq(t, `[{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind."}]`, sdktest.Quoted(sent["system"]))
	assert.JSONEq(t, `[{"role":"user","content":[{"type":"text","text":"Hi!"}]}]`, sdktest.Quoted(sent["messages"]))
	assert.EqualValues(t, 100, sent["max_tokens"])
	assert.NotContains(t, sent, "max_completion_tokens")
}

func TestAChatWithoutALimitIsOneThatAnthropicTakes(t *testing.T) {
	p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"Hello."}})
	text, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: sdktest.RelayTo(t, p)})
	require.NoError(t, err, "the provider refuses requests without max_tokens")
	assert.Equal(t, "Hello.", text)
}

func TestPreferencesThatAnthropicDoesNotKnowDoNotFailAChat(t *testing.T) {
	params := sdktest.OpenAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.Temperature, p.TopP = openaisdk.Float(1.7), openaisdk.Float(1)
		p.FrequencyPenalty, p.PresencePenalty, p.Seed, p.N = openaisdk.Float(0.1), openaisdk.Float(0.1), openaisdk.Int(7), openaisdk.Int(1)
		p.LogitBias = map[string]int64{"50256": -100}
		p.Metadata, p.Store, p.User = shared.Metadata{"k": "v"}, openaisdk.Bool(false), openaisdk.String("user-7")
		p.ReasoningEffort, p.ServiceTier, p.Verbosity = "low", "auto", "low"
		p.PromptCacheKey, p.SafetyIdentifier = openaisdk.String("k"), openaisdk.String("s")
		p.ParallelToolCalls = openaisdk.Bool(false)
		p.ToolChoice = openaisdk.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openaisdk.String("auto")}
		p.Stop = openaisdk.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"END", "\n"}}
	})
	for _, streamed := range []bool{false, true} {
		p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"Hello."}})
		openAIAnswer(t, sdktest.OpenAIClient(sdktest.RelayTo(t, p)), params, streamed)
		sent := p.LastBody(t)
		assert.EqualValues(t, 1, sent["temperature"], "Anthropic's highest")
		assert.JSONEq(t, `{"user_id":"user-7"}`, sdktest.Quoted(sent["metadata"]))
		assert.JSONEq(t, `["END"]`, sdktest.Quoted(sent["stop_sequences"]), "Anthropic refuses blank ones")
	}
}

func TestOpenAIsSDKLearnsWhyTheAnswerEnded(t *testing.T) {
	for _, c := range []struct {
		dialect sdktest.Dialect
		ends    string
		want    string
	}{
		{sdktest.OpenAIDialect, "stop", "stop"},
		{sdktest.OpenAIDialect, "length", "length"},
		{sdktest.OpenAIDialect, "content_filter", "content_filter"},
		{sdktest.AnthropicDialect, "end_turn", "stop"},
		{sdktest.AnthropicDialect, "stop_sequence", "stop"},
		{sdktest.AnthropicDialect, "max_tokens", "length"},
		{sdktest.AnthropicDialect, "model_context_window_exceeded", "length"},
		{sdktest.AnthropicDialect, "refusal", "content_filter"},
	} {
		t.Run(c.dialect.Name()+" "+c.ends, func(t *testing.T) {
			t.Parallel()
			answer := sdktest.Turn{Text: []string{"Once ", "upon"}, Ends: c.ends}
			if c.ends == "stop_sequence" {
				answer.Stop = "END"
			}
			p := sdktest.NewProvider(t, c.dialect, answer)
			client := sdktest.OpenAIClient(sdktest.RelayTo(t, p))
			params := sdktest.OpenAIChat(func(p *openaisdk.ChatCompletionNewParams) {
				p.Stop = openaisdk.ChatCompletionNewParamsStopUnion{OfString: openaisdk.String("END")}
			})
			for _, streamed := range []bool{false, true} {
				got := openAIAnswer(t, client, params, streamed)
				assert.Equal(t, c.want, got.Choices[0].FinishReason)
				assert.Equal(t, "Once upon", got.Choices[0].Message.Content)
			}
			if c.dialect.Name() == "anthropic" {
				assert.JSONEq(t, `["END"]`, sdktest.Quoted(p.LastBody(t)["stop_sequences"]))
			} else {
				assert.Equal(t, "END", p.LastBody(t)["stop"])
			}
		})
	}
}

func TestOpenAIsSDKGetsAnAnswerByJSONSchema(t *testing.T) {
	schema := map[string]any{
		"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}}, "required": []string{"n"}, "additionalProperties": false,
	}
	params := sdktest.OpenAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "number", Strict: openaisdk.Bool(true), Schema: schema},
		}
	})
	for _, d := range sdktest.Dialects {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{`{"n":`, `4}`}})
			got := openAIAnswer(t, sdktest.OpenAIClient(sdktest.RelayTo(t, p)), params, true)
			assert.Equal(t, `{"n":4}`, got.Choices[0].Message.Content)
			if d.Name() == "anthropic" {
				assert.JSONEq(t, `{"format":{"type":"json_schema","schema":`+sdktest.Quoted(schema)+`}}`, sdktest.Quoted(p.LastBody(t)["output_config"]))
				assert.NotContains(t, p.LastBody(t), "response_format")
			}
		})
	}
}

func TestWhatAnthropicCannotDoIsRefusedBeforeItIsAsked(t *testing.T) {
	user := func(parts ...openaisdk.ChatCompletionContentPartUnionParam) []openaisdk.ChatCompletionMessageParamUnion {
		return []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage(parts)}
	}
	for _, c := range []struct {
		name    string
		ask     func(*openaisdk.ChatCompletionNewParams)
		param   string
		message string
	}{
		{"several choices", func(p *openaisdk.ChatCompletionNewParams) { p.N = openaisdk.Int(2) }, "n", "n must be 1"},
		{"log probabilities", func(p *openaisdk.ChatCompletionNewParams) { p.Logprobs = openaisdk.Bool(true) }, "logprobs", "logprobs"},
		{"a file by its id", func(p *openaisdk.ChatCompletionNewParams) {
			p.Messages = user(openaisdk.FileContentPart(openaisdk.ChatCompletionContentPartFileFileParam{FileID: openaisdk.String("file-1")}))
		}, "messages[0].content[0].file.file_id", "file_data"},
		{"a tool that is not there", func(p *openaisdk.ChatCompletionNewParams) {
			p.ToolChoice = openaisdk.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openaisdk.String("required")}
		}, "tool_choice", "no tools"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"never said"}})
			client := sdktest.OpenAIClient(sdktest.RelayTo(t, p))
			_, err := client.Chat.Completions.New(context.Background(), sdktest.OpenAIChat(c.ask))
			require.Error(t, err)
			failure := sdktest.OpenAIFailure(t, err)
			assert.Equal(t, 400, failure.Status)
			assert.Equal(t, "invalid_request_error", failure.Kind)
			assert.Equal(t, c.param, failure.Param)
			assert.Contains(t, failure.Message, c.message)
			assert.Zero(t, p.Requests.Load())
		})
	}
}
