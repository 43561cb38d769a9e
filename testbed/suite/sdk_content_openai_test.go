package suite

import (
	"context"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	pngData = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
	pdfData = "JVBERi0xLjQKJeLjz9MK"
	pngLink = "https://example.com/a.png?x=1&y=2"
)

func TestOpenAIsSDKSendsImagesAndDocuments(t *testing.T) {
	params := openAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.Messages = []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage([]openaisdk.ChatCompletionContentPartUnionParam{
			openaisdk.TextContentPart("What are these?"),
			openaisdk.ImageContentPart(openaisdk.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64," + pngData, Detail: "low"}),
			openaisdk.ImageContentPart(openaisdk.ChatCompletionContentPartImageImageURLParam{URL: pngLink}),
			openaisdk.FileContentPart(openaisdk.ChatCompletionContentPartFileFileParam{
				FileData: openaisdk.String("data:application/pdf;base64," + pdfData), Filename: openaisdk.String("report.pdf"),
			}),
		})}
	})
	for _, d := range dialects {
		t.Run(d.name(), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, d, turn{text: []string{"Pictures."}})
			openAIAnswer(t, openAIClient(relayTo(t, p)), params, false)
			want := `[{"type":"text","text":"What are these?"},
				{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pngData + `","detail":"low"}},
				{"type":"image_url","image_url":{"url":"` + pngLink + `"}},
				{"type":"file","file":{"file_data":"data:application/pdf;base64,` + pdfData + `","filename":"report.pdf"}}]`
			if d.name() == "anthropic" {
				want = `[{"type":"text","text":"What are these?"},
					{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pngData + `"}},
					{"type":"image","source":{"type":"url","url":"` + pngLink + `"}},
					{"type":"document","title":"report.pdf","source":{"type":"base64","media_type":"application/pdf","data":"` + pdfData + `"}}]`
			}
			assert.JSONEq(t, want, quoted(jsonObjects(p.lastBody(t)["messages"])[0]["content"]))
		})
	}
}

func TestInstructionsOfBothRolesReachAnthropicAsItsSystemPrompt(t *testing.T) {
	params := openAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.Messages = []openaisdk.ChatCompletionMessageParamUnion{
			openaisdk.SystemMessage("Be brief."),
			openaisdk.DeveloperMessage([]openaisdk.ChatCompletionContentPartTextParam{{Text: "Be kind."}, {Text: " \n"}}),
			openaisdk.UserMessage("Hi!"),
		}
	})
	p := newProvider(t, anthropicDialect, turn{text: []string{"Hello."}})
	openAIAnswer(t, openAIClient(relayTo(t, p)), params, false)
	sent := p.lastBody(t)
	assert.JSONEq(t, `[{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind."}]`, quoted(sent["system"]))
	assert.JSONEq(t, `[{"role":"user","content":[{"type":"text","text":"Hi!"}]}]`, quoted(sent["messages"]))
	assert.EqualValues(t, 100, sent["max_tokens"])
	assert.NotContains(t, sent, "max_completion_tokens")
}

func TestAChatWithoutALimitIsOneThatAnthropicTakes(t *testing.T) {
	p := newProvider(t, anthropicDialect, turn{text: []string{"Hello."}})
	text, err := askWithOpenAI(question{relay: relayTo(t, p)})
	require.NoError(t, err, "the provider refuses requests without max_tokens")
	assert.Equal(t, "Hello.", text)
}

func TestPreferencesThatAnthropicDoesNotKnowDoNotFailAChat(t *testing.T) {
	params := openAIChat(func(p *openaisdk.ChatCompletionNewParams) {
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
		p := newProvider(t, anthropicDialect, turn{text: []string{"Hello."}})
		openAIAnswer(t, openAIClient(relayTo(t, p)), params, streamed)
		sent := p.lastBody(t)
		assert.EqualValues(t, 1, sent["temperature"], "Anthropic's highest")
		assert.JSONEq(t, `{"user_id":"user-7"}`, quoted(sent["metadata"]))
		assert.JSONEq(t, `["END"]`, quoted(sent["stop_sequences"]), "Anthropic refuses blank ones")
	}
}

func TestOpenAIsSDKLearnsWhyTheAnswerEnded(t *testing.T) {
	for _, c := range []struct {
		dialect dialect
		ends    string
		want    string
	}{
		{openAIDialect, "stop", "stop"},
		{openAIDialect, "length", "length"},
		{openAIDialect, "content_filter", "content_filter"},
		{anthropicDialect, "end_turn", "stop"},
		{anthropicDialect, "stop_sequence", "stop"},
		{anthropicDialect, "max_tokens", "length"},
		{anthropicDialect, "model_context_window_exceeded", "length"},
		{anthropicDialect, "refusal", "content_filter"},
	} {
		t.Run(c.dialect.name()+" "+c.ends, func(t *testing.T) {
			t.Parallel()
			answer := turn{text: []string{"Once ", "upon"}, ends: c.ends}
			if c.ends == "stop_sequence" {
				answer.stop = "END"
			}
			p := newProvider(t, c.dialect, answer)
			client := openAIClient(relayTo(t, p))
			params := openAIChat(func(p *openaisdk.ChatCompletionNewParams) {
				p.Stop = openaisdk.ChatCompletionNewParamsStopUnion{OfString: openaisdk.String("END")}
			})
			for _, streamed := range []bool{false, true} {
				got := openAIAnswer(t, client, params, streamed)
				assert.Equal(t, c.want, got.Choices[0].FinishReason)
				assert.Equal(t, "Once upon", got.Choices[0].Message.Content)
			}
			if c.dialect.name() == "anthropic" {
				assert.JSONEq(t, `["END"]`, quoted(p.lastBody(t)["stop_sequences"]))
			} else {
				assert.Equal(t, "END", p.lastBody(t)["stop"])
			}
		})
	}
}

func TestOpenAIsSDKGetsAnAnswerByJSONSchema(t *testing.T) {
	schema := map[string]any{
		"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}}, "required": []string{"n"}, "additionalProperties": false,
	}
	params := openAIChat(func(p *openaisdk.ChatCompletionNewParams) {
		p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "number", Strict: openaisdk.Bool(true), Schema: schema},
		}
	})
	for _, d := range dialects {
		t.Run(d.name(), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, d, turn{text: []string{`{"n":`, `4}`}})
			got := openAIAnswer(t, openAIClient(relayTo(t, p)), params, true)
			assert.Equal(t, `{"n":4}`, got.Choices[0].Message.Content)
			if d.name() == "anthropic" {
				assert.JSONEq(t, `{"format":{"type":"json_schema","schema":`+quoted(schema)+`}}`, quoted(p.lastBody(t)["output_config"]))
				assert.NotContains(t, p.lastBody(t), "response_format")
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
			p := newProvider(t, anthropicDialect, turn{text: []string{"never said"}})
			client := openAIClient(relayTo(t, p))
			_, err := client.Chat.Completions.New(context.Background(), openAIChat(c.ask))
			require.Error(t, err)
			failure := openAIFailure(t, err)
			assert.Equal(t, 400, failure.status)
			assert.Equal(t, "invalid_request_error", failure.kind)
			assert.Equal(t, c.param, failure.param)
			assert.Contains(t, failure.message, c.message)
			assert.Zero(t, p.requests.Load())
		})
	}
}
