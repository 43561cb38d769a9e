package sdk

import (
	"context"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	openaisdk "github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

const completionBody = `{"id":"cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7","object":"text_completion","created":1589478378,"model":"gpt-3.5-turbo-instruct:20230824-v2",` +
	`"choices":[{"text":"\n\nThis is a test.","index":0,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`

func completionEvents() []string {
	var events []string
	for _, choice := range []string{
		`{"text":"\n\nThis ","index":0,"logprobs":null,"finish_reason":null}`, `{"text":"is a test.","index":0,"logprobs":null,"finish_reason":null}`,
		`{"text":"","index":0,"logprobs":null,"finish_reason":"length"}`,
	} {
		events = append(events, `data: {"id":"cmpl-7iA7","object":"text_completion","created":1690759702,"choices":[`+choice+`],"model":"gpt-3.5-turbo-instruct:20230824-v2"}`+"\n\n")
	}
	return append(events, "data: [DONE]\n\n")
}

func TestOpenAIsSDKCompletesAPrompt(t *testing.T) {
	t.Parallel()
	p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Raw: completionBody, RawSSE: completionEvents()})
	r := sdktest.RelayTo(t, p)
	client := sdktest.OpenAIClient(r)
	params := openaisdk.CompletionNewParams{
		Model: "gpt-3.5-turbo-instruct", Prompt: openaisdk.CompletionNewParamsPromptUnion{OfString: openaisdk.String("Say this is a test")}, MaxTokens: openaisdk.Int(7),
	}
	whole, err := client.Completions.New(context.Background(), params)
	require.NoError(t, err)
	assert.Equal(t, "\n\nThis is a test.", whole.Choices[0].Text)
	assert.EqualValues(t, "length", whole.Choices[0].FinishReason)
	assert.Equal(t, "gpt-3.5-turbo-instruct:20230824-v2", whole.Model)
	assert.EqualValues(t, 12, whole.Usage.TotalTokens)
	assert.Equal(t, "/v1/completions", p.LastPath())

	stream := client.Completions.NewStreaming(context.Background(), params)
	defer func() { _ = stream.Close() }()
	var pieces []string
	for stream.Next() {
		pieces = append(pieces, stream.Current().Choices[0].Text)
	}
	require.NoError(t, stream.Err())
	assert.Equal(t, "\n\nThis |is a test.|", strings.Join(pieces, "|"))
	assert.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
	assert.EqualValues(t, 7, r.Attempt(0).Usage.Output())
}

func TestOpenAIsSDKGetsEmbeddingsInBothEncodings(t *testing.T) {
	t.Parallel()
	const format = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":%s}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}`
	p := sdktest.NewProvider(t, sdktest.OpenAIDialect,
		sdktest.Turn{Raw: strings.Replace(format, "%s", "[0.5,-1.25,1e-3]", 1)},
		sdktest.Turn{Raw: strings.Replace(format, "%s", `"AAAAPwAAoL8="`, 1)}) // 0.5 and -1.25, as little-endian floats of 32 bits
	r := sdktest.RelayTo(t, p)
	client := sdktest.OpenAIClient(r)
	params := openaisdk.EmbeddingNewParams{
		Model: "text-embedding-3-small", Dimensions: openaisdk.Int(3), Input: openaisdk.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"The food was delicious."}},
	}
	got, err := client.Embeddings.New(context.Background(), params)
	require.NoError(t, err)
	assert.Equal(t, []float64{0.5, -1.25, 0.001}, got.Data[0].Embedding)
	assert.EqualValues(t, 8, got.Usage.PromptTokens)
	assert.Equal(t, "text-embedding-3-small", got.Model)
	assert.Equal(t, "/v1/embeddings", p.LastPath())

	params.EncodingFormat = openaisdk.EmbeddingNewParamsEncodingFormatBase64
	got, err = client.Embeddings.New(context.Background(), params)
	require.NoError(t, err)
	assert.Equal(t, []float64{0.5, -1.25}, got.Data[0].Embedding)
	assert.Equal(t, "base64", p.LastBody(t)["encoding_format"])
	assert.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
	assert.EqualValues(t, 8, r.Attempt(0).Usage.Input())
}

func TestCompletionsAndEmbeddingsOfAModelThatIsAnthropicsAreRefused(t *testing.T) {
	t.Parallel()
	p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"never said"}})
	client := sdktest.OpenAIClient(sdktest.RelayTo(t, p))
	_, err := client.Completions.New(context.Background(), openaisdk.CompletionNewParams{Model: "m", Prompt: openaisdk.CompletionNewParamsPromptUnion{OfString: openaisdk.String("x")}})
	require.Error(t, err)
	failure := sdktest.OpenAIFailure(t, err)
	assert.Equal(t, 404, failure.Status)
	assert.Equal(t, "endpoint_not_supported", failure.Code)
	_, err = client.Embeddings.New(context.Background(), openaisdk.EmbeddingNewParams{Model: "m", Input: openaisdk.EmbeddingNewParamsInputUnion{OfString: openaisdk.String("x")}})
	require.Error(t, err)
	assert.Equal(t, 404, sdktest.OpenAIFailure(t, err).Status)
	assert.Zero(t, p.Requests.Load())
}

func TestBothSDKsListTheModelsOfTheirKey(t *testing.T) {
	t.Parallel()
	p := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Hello."}})
	r := harness.StartRelay(t, "channels:\n"+p.Channel("a", 0, "")+
		`  - {name: b, type: anthropic, base_url: "`+p.URL+`", keys: [sk-up-a], models: [other/model, "claude-*"], groups: [vip]}
tokens:
  - {name: plain, key: `+harness.Key+`}
  - {name: vip, key: sk-test-vip-0123456789, groups: [default, vip], models: [m, other/model]}
`)
	client := sdktest.OpenAIClient(r)
	var names []string
	pages := client.Models.ListAutoPaging(context.Background())
	for pages.Next() {
		assert.EqualValues(t, "model", pages.Current().Object)
		assert.NotZero(t, pages.Current().Created)
		names = append(names, pages.Current().ID)
	}
	require.NoError(t, pages.Err())
	assert.Equal(t, []string{"gpt-3.5-turbo-instruct", "gpt-4o", "m", "text-embedding-3-small"}, names)

	one, err := client.Models.Get(context.Background(), "m")
	require.NoError(t, err)
	assert.Equal(t, "m", one.ID)
	_, err = client.Models.Get(context.Background(), "other/model")
	require.Error(t, err)
	failure := sdktest.OpenAIFailure(t, err)
	assert.Equal(t, 404, failure.Status)
	assert.Equal(t, "model_not_found", failure.Code)

	// The format is OpenAI's; what Anthropic's SDK needs of it is there.
	vip := sdktest.AnthropicClient(r, anthropicoption.WithAPIKey("sk-test-vip-0123456789"))
	names = nil
	theirs := vip.Models.ListAutoPaging(context.Background(), anthropicsdk.ModelListParams{})
	for theirs.Next() {
		names = append(names, theirs.Current().ID)
	}
	require.NoError(t, theirs.Err())
	assert.Equal(t, []string{"m", "other/model"}, names)
	got, err := vip.Models.Get(context.Background(), "other/model", anthropicsdk.ModelGetParams{})
	require.NoError(t, err)
	assert.Equal(t, "other/model", got.ID)
}
