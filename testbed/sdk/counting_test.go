package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/stretchr/testify/require"
	"google.golang.org/genai"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// counters are ways to ask how many tokens a request has, and where the number is.
var counters = map[string]struct{ path, body, number string }{
	"messages":  {"/v1/messages/count_tokens", `{"model":"m","system":"Be brief.","messages":[{"role":"user","content":"How do you do?"}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]}`, "input_tokens"},
	"gemini":    {"/v1beta/models/m:countTokens", `{"contents":[{"parts":[{"text":"How do you do?"}]}]}`, "totalTokens"},
	"gemini v1": {"/v1/models/m:countTokens", `{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"How do you do?"}]}],"systemInstruction":{"parts":[{"text":"Be brief."}]}}}`, "totalTokens"},
	"responses": {"/v1/responses/input_tokens", `{"model":"m","instructions":"Be brief.","input":"How do you do?"}`, "input_tokens"},
}

func numberOf(t *testing.T, answer, name string) float64 {
	t.Helper()
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(answer), &object), answer)
	n, ok := object[name].(float64)
	require.True(t, ok, answer)
	return n
}

// TestANumberOfTokensIsTheProvidersOwnWhereItHasOne in the client's words, and an estimate that says so where it has none.
func TestANumberOfTokensIsTheProvidersOwnWhereItHasOne(t *testing.T) {
	for provider, behind := range behindGemini {
		for client, ask := range counters {
			t.Run(client+" "+provider, func(t *testing.T) {
				t.Parallel()
				r, server := imitating(t, behind.dialect, behind.options, standin.Answer{Text: []string{"x"}})
				status, answer, header := r.Ask(ask.path, ask.body)
				require.Equal(t, 200, status, "%s %v", answer, server.Refused())
				if strings.Contains(provider, "chat") {
					require.Equal(t, "true", header.Get("X-Oneapi-Estimated"))
					require.InDelta(t, 30, numberOf(t, answer, ask.number), 25)
					require.Empty(t, server.Asked(), "nobody is asked for an estimate")
					return
				}
				require.Empty(t, header.Get("X-Oneapi-Estimated"))
				require.EqualValues(t, standin.Counted, numberOf(t, answer, ask.number))
				require.Len(t, server.Asked(), 1)
				require.Empty(t, server.Refused())
				require.NotContains(t, string(server.Asked()[0].Text), `"max_tokens"`)
			})
		}
	}
}

// TestANumberOfTokensOfAModelOnBedrockIsBedrocksOwn where it counts any: by the model's own id, whatever profile it is called by. A model
// that it does not count, and an API that is not there or not allowed, is an estimate.
func TestANumberOfTokensOfAModelOnBedrockIsBedrocksOwn(t *testing.T) {
	const base = "anthropic.claude-sonnet-4-5-20250929-v1:0"
	for model, counts := range map[string]bool{
		standin.BedrockClaude: true, "global." + base: true, "us-gov." + base: true, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu." + base: true,
		standin.BedrockOld: false, standin.BedrockNova: false, standin.BedrockARN: false,
	} {
		for client, ask := range counters {
			t.Run(client+" "+model, func(t *testing.T) {
				t.Parallel()
				server := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"x"}}}}
				r := relayToBedrock(t, model, server)
				status, answer, header := r.Ask(ask.path, ask.body)
				require.Equal(t, 200, status, "%s %v", answer, server.Refused())
				if !counts {
					require.Equal(t, "true", header.Get("X-Oneapi-Estimated"))
					require.InDelta(t, 30, numberOf(t, answer, ask.number), 29)
					require.Equal(t, []string{"The provided model doesn't support counting tokens."}, server.Refused())
					require.EqualValues(t, "healthy", r.Server.Pool().Set().All()[0].State(time.Now()))
					return
				}
				require.Empty(t, header.Get("X-Oneapi-Estimated"), server.Refused())
				require.EqualValues(t, standin.Counted, numberOf(t, answer, ask.number))
				require.Empty(t, server.Refused())
				require.Len(t, server.Asked(), 1)
				require.Equal(t, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens", server.Asked()[0].Path)
			})
		}
	}
	for kind, status := range map[string]int{"UnknownOperationException": 404, "AccessDeniedException": 403, "ThrottlingException": 429, "ServiceUnavailableException": 503} {
		server := &standin.Bedrock{Fail: func() (string, int, string) {
			return kind, status, "User: arn:aws:iam::123456789012:user/x is not authorized to perform: bedrock:CountTokens on resource: x"
		}}
		r := relayToBedrock(t, standin.BedrockClaude, server, harness.WithEnv("RETRY_TIMES", "0"))
		for client, ask := range counters {
			status, answer, header := r.Ask(ask.path, ask.body)
			require.Equal(t, 200, status, "%s %s: %s", kind, client, answer)
			require.Equal(t, "true", header.Get("X-Oneapi-Estimated"))
			require.NotContains(t, answer, "arn:")
		}
	}
}

// TestAModelThatIsNotCountedIsAskedAboutOnce of its channel, until a reload; the other models of it are counted as before.
func TestAModelThatIsNotCountedIsAskedAboutOnce(t *testing.T) {
	server := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"x"}}}}
	u := harness.NewUpstream(t, false, server.ServeHTTP)
	r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: bedrock, region: us-east-1, base_url: %q, keys: [%q], models: [m, counted], model_mapping: {m: %q, counted: %q}}]\n",
		u.URL, standin.BedrockID+":"+standin.BedrockSecret, standin.BedrockNova, standin.BedrockClaude))
	asks := func() {
		for range 3 {
			for client, ask := range counters {
				status, answer, header := r.Ask(ask.path, ask.body)
				require.Equal(t, 200, status, "%s: %s", client, answer)
				require.Equal(t, "true", header.Get("X-Oneapi-Estimated"))
			}
		}
	}
	asks()
	require.Len(t, server.Asked(), 1)
	status, answer, header := r.Ask("/v1/messages/count_tokens", `{"model":"counted","messages":[{"role":"user","content":"Hi!"}]}`)
	require.Equal(t, 200, status, answer)
	require.Empty(t, header.Get("X-Oneapi-Estimated"))
	status, answer, _ = r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi!"}]}`)
	require.Equal(t, 200, status, answer)
	require.Len(t, server.Asked(), 3, "the model itself is there")
	require.NoError(t, r.Server.Reload())
	asks()
	require.Len(t, server.Asked(), 4)
}

// TestWhatIsCountedOnBedrockIsWhatWouldBeSaid: tools, thinking above which the limit is, betas of the body, and no member that is refused.
func TestWhatIsCountedOnBedrockIsWhatWouldBeSaid(t *testing.T) {
	server := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"x"}}}}
	r := relayToBedrock(t, standin.BedrockClaude, server)
	request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/messages/count_tokens?beta=true", strings.NewReader(`{"model":"m","system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],`+
		`"messages":[{"role":"user","content":"Hi!"}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"thinking":{"type":"enabled","budget_tokens":2048}}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	request.Header.Set("Anthropic-Beta", "interleaved-thinking-2025-05-14,nobody-knows-this-2031-01-01")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode, server.Refused())
	require.Empty(t, response.Header.Get("X-Oneapi-Estimated"), server.Refused())
	var asked struct {
		Input struct{ InvokeModel struct{ Body []byte } }
	}
	require.NoError(t, json.Unmarshal(server.Asked()[0].Text, &asked))
	require.JSONEq(t, `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"],"max_tokens":2049,"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],`+
		`"messages":[{"role":"user","content":"Hi!"}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"thinking":{"type":"enabled","budget_tokens":2048}}`, string(asked.Input.InvokeModel.Body))
}

// TestTheSDKsAreToldNumbersOfTokens which are estimates here.
func TestTheSDKsAreToldNumbersOfTokens(t *testing.T) {
	r, _ := imitating(t, standin.OpenAI{}, ", api: chat", standin.Answer{Text: []string{"x"}})
	client := sdktest.AnthropicClient(r)
	count, err := client.Messages.CountTokens(context.Background(), anthropicsdk.MessageCountTokensParams{
		Model: "m", Messages: []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock(strings.Repeat("word ", 800)))},
	})
	require.NoError(t, err)
	require.InDelta(t, 1000, count.InputTokens, 60)
	google, err := geminiClient(t, r, harness.Key).Models.CountTokens(context.Background(), "m", genai.Text(strings.Repeat("世界", 500)), nil)
	require.NoError(t, err)
	require.InDelta(t, 760, google.TotalTokens, 60)
}

// TestANumberOfTokensIsEstimatedWhileNobodyCanBeAsked since the channel fails, is full, or rests; and a mistake in the question is told.
func TestANumberOfTokensIsEstimatedWhileNobodyCanBeAsked(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"overloaded":   {529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`},
		"rate limited": {429, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`},
		"bad key":      {401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`},
		"not there":    {404, `{"type":"error","error":{"type":"not_found_error","message":"Not Found"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := harness.NewUpstream(t, false, harness.Answers(tc.status, tc.body))
			r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: anthropic, base_url: %q, keys: [k], models: [m]}]\ntokens: [{name: t, key: %s}, {name: other, key: sk-other-key-0123456789, models: [x]}]\n", u.URL, harness.Key), harness.WithEnv("RETRY_TIMES", "0"))
			for range 8 { // until the channel rests
				for client, ask := range counters {
					status, answer, header := r.Ask(ask.path, ask.body)
					require.Equal(t, 200, status, "%s: %s", client, answer)
					require.Equal(t, "true", header.Get("X-Oneapi-Estimated"))
					require.Positive(t, numberOf(t, answer, ask.number))
				}
			}
			for client, ask := range counters {
				request, err := http.NewRequest(http.MethodPost, r.URL+ask.path, strings.NewReader(ask.body))
				require.NoError(t, err)
				request.Header.Set("Authorization", "Bearer sk-other-key-0123456789")
				response, err := r.Client.Do(request)
				require.NoError(t, err)
				_ = response.Body.Close()
				require.Equal(t, 403, response.StatusCode, "%s: the key may not use the model", client)
			}
		})
	}
	u := harness.NewUpstream(t, false, harness.Answers(400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages: roles must alternate"}}`))
	r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: anthropic, base_url: %q, keys: [k], models: [m]}, {name: b, type: openai, base_url: %q, keys: [k], models: [n]}]\n", u.URL, u.URL))
	for client, ask := range counters {
		status, answer, header := r.Ask(ask.path, ask.body)
		require.Equal(t, 400, status, "%s: %s", client, answer)
		require.Contains(t, answer, "roles must alternate")
		require.Empty(t, header.Get("X-Oneapi-Estimated"))
	}
	status, answer, _ := r.Ask("/v1/messages/count_tokens", `{"model":"n","messages":[]}`)
	require.Equal(t, 400, status)
	require.Equal(t, "invalid_request_error", harness.ErrorOf(t, answer)["type"])
	require.Contains(t, answer, "messages must have at least one message")
	status, answer, _ = r.Ask("/v1beta/models/n:countTokens", `{}`)
	require.Equal(t, 400, status)
	require.Equal(t, "INVALID_ARGUMENT", harness.ErrorOf(t, answer)["status"])
	status, answer, _ = r.Ask("/v1/messages/count_tokens", `{"model":"nobody-has-it","messages":[{"role":"user","content":"x"}]}`)
	require.Equal(t, 404, status, answer)
}

// TestVectorsAreMadeForClientsOfEitherAPI by providers of either.
func TestVectorsAreMadeForClientsOfEitherAPI(t *testing.T) {
	ctx := context.Background()
	server := &standin.Server{Dialect: standin.OpenAI{}}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: openai, base_url: %q, keys: [%s], models: [m], model_mapping: {m: text-embedding-3-small}}]\n", u.URL, standin.Key))
	client := geminiClient(t, r, harness.Key)
	vectors, err := client.Models.EmbedContent(ctx, "m", append(genai.Text("one"), genai.Text("two")...), &genai.EmbedContentConfig{TaskType: "RETRIEVAL_QUERY", OutputDimensionality: genai.Ptr[int32](2)})
	require.NoError(t, err, server.Refused())
	require.Len(t, vectors.Embeddings, 2)
	require.Equal(t, []float32{0.5, -0.25}, vectors.Embeddings[1].Values)
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
	require.EqualValues(t, 8, r.Attempt(0).Usage.Input())
	require.JSONEq(t, `{"model":"text-embedding-3-small","input":["one","two"],"encoding_format":"float","dimensions":2}`, string(server.Asked()[0].Text))
	for _, path := range []string{"/v1beta/models/m:embedContent", "/v1/models/m:embedContent"} {
		status, answer, _ := r.Ask(path, `{"content":{"parts":[{"text":"on"},{"text":"e"}]}}`)
		require.Equal(t, 200, status, answer)
		require.JSONEq(t, `{"embedding":{"values":[0.5,-0.25]}}`, answer)
	}
	status, answer, _ := r.Ask("/v1beta/models/m:embedContent", `{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}`)
	require.Equal(t, 400, status)
	require.Contains(t, answer, "content.parts[0].inlineData is not a text")

	server = &standin.Server{Dialect: standin.Gemini{}}
	u = harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r = harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: gemini, base_url: %q, keys: [%s], models: [m], model_mapping: {m: gemini-embedding-001}}]\n", u.URL, standin.Key))
	openai := sdktest.OpenAIClient(r)
	for _, how := range []openaisdk.EmbeddingNewParamsEncodingFormat{"", "float"} {
		got, err := openai.Embeddings.New(ctx, openaisdk.EmbeddingNewParams{Model: "m", EncodingFormat: how, Dimensions: param.NewOpt[int64](2), Input: openaisdk.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}}})
		require.NoError(t, err, server.Refused())
		require.Len(t, got.Data, 2)
		require.Equal(t, []float64{0.5, -0.25}, got.Data[1].Embedding)
		require.EqualValues(t, 1, got.Data[1].Index)
	}
	status, answer, _ = r.Ask("/v1/embeddings", `{"model":"m","input":"one","encoding_format":"base64"}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"embedding":"AAAAPwAAgL4="`)
	status, answer, _ = r.Ask("/v1/embeddings", `{"model":"m","input":[[1,2]]}`)
	require.Equal(t, 400, status)
	require.Contains(t, answer, "input[0] must be a string")
	require.Empty(t, server.Refused())
}
