package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genai"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// geminiClient is Google's own SDK, as its users point it at the relay.
func geminiClient(t *testing.T, r *harness.Relay, key string) *genai.Client {
	t.Helper()
	client, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPClient: r.Client, HTTPOptions: genai.HTTPOptions{BaseURL: r.URL},
	})
	require.NoError(t, err)
	return client
}

// askWithGemini asks as users of the SDK do, for a whole answer or a stream.
func askWithGemini(t *testing.T, r *harness.Relay, stream bool, contents []*genai.Content, config *genai.GenerateContentConfig) (parts []*genai.Part, last *genai.GenerateContentResponse, err error) {
	t.Helper()
	take := func(response *genai.GenerateContentResponse) {
		last = response
		if len(response.Candidates) > 0 && response.Candidates[0].Content != nil {
			parts = append(parts, response.Candidates[0].Content.Parts...)
		}
	}
	client := geminiClient(t, r, harness.Key)
	if !stream {
		response, err := client.Models.GenerateContent(context.Background(), "m", contents, config)
		if err == nil {
			take(response)
		}
		return parts, last, err
	}
	for response, err := range client.Models.GenerateContentStream(context.Background(), "m", contents, config) {
		if err != nil {
			return parts, last, err
		}
		take(response)
	}
	return parts, last, nil
}

// textOfParts is what was said, without what was thought.
func textOfParts(parts []*genai.Part) (text string) {
	for _, p := range parts {
		if !p.Thought {
			text += p.Text
		}
	}
	return text
}

// TestGooglesSDKIsServedByGemini with what Google has answered as it came, and what it costs is counted.
func TestGooglesSDKIsServedByGemini(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("streamed %v", stream), func(t *testing.T) {
			t.Parallel()
			calls := standin.Answer{Thought: "Hm.", Text: []string{"Good ", "day <&> 世界"}, Calls: []standin.Call{{ID: "own-1", Name: "f", Arguments: []string{`{"a":1}`}}}}
			r, server := relayToGemini(t, standin.Key, calls, standin.Answer{Text: []string{"Done."}})
			config := &genai.GenerateContentConfig{
				SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser), Temperature: genai.Ptr[float32](0.5), ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelLow},
				Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", ParametersJsonSchema: map[string]any{"type": "object"}}}}},
			}
			contents := []*genai.Content{genai.NewContentFromText("Hi!", genai.RoleUser)}
			parts, last, err := askWithGemini(t, r, stream, contents, config)
			require.NoError(t, err, server.Refused())
			require.Equal(t, "Good day <&> 世界", textOfParts(parts))
			require.Equal(t, genai.FinishReasonStop, last.Candidates[0].FinishReason)
			require.Equal(t, standin.GeminiAnswering, last.ModelVersion)
			contents = append(contents, &genai.Content{Role: genai.RoleModel, Parts: withoutEmpty(parts)}, genai.NewContentFromFunctionResponse("f", map[string]any{"output": "1"}, genai.RoleUser))
			contents[2].Parts[0].FunctionResponse.ID = "own-1"
			parts, _, err = askWithGemini(t, r, stream, contents, config)
			require.NoError(t, err, server.Refused())
			require.Equal(t, "Done.", textOfParts(parts))
			require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
			require.Equal(t, wire.Usage{Uncached: 15, CacheRead: 10, Text: 12, Reasoning: 5}, r.Attempt(0).Usage)
			require.Empty(t, server.Refused())
			for _, asked := range server.Asked() {
				require.NotContains(t, asked.Query, "key=")
				require.Contains(t, asked.Path, "/v1beta/models/gemini-3-flash-preview:")
			}
		})
	}
}

func withoutEmpty(parts []*genai.Part) (kept []*genai.Part) {
	for _, p := range parts {
		if p.Text != "" || p.FunctionCall != nil || p.InlineData != nil {
			kept = append(kept, p)
		}
	}
	return kept
}

// TestWhatElseGoogleHasIsServed to its own SDK: vectors, numbers of tokens, models.
func TestWhatElseGoogleHasIsServed(t *testing.T) {
	server := &standin.Server{Dialect: standin.Gemini{}, Answers: []standin.Answer{{Text: []string{"x"}}}}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, standin.Key, "")+
		fmt.Sprintf("  - {name: b, type: gemini, base_url: %q, keys: [%s], models: [my-embedding], model_mapping: {my-embedding: gemini-embedding-001}}\n", u.URL, standin.Key))
	client, ctx := geminiClient(t, r, harness.Key), context.Background()
	vectors, err := client.Models.EmbedContent(ctx, "my-embedding", genai.Text("one"), nil)
	require.NoError(t, err, server.Refused())
	require.Len(t, vectors.Embeddings, 1)
	require.Equal(t, []float32{0.5, -0.25}, vectors.Embeddings[0].Values)
	vectors, err = client.Models.EmbedContent(ctx, "my-embedding", append(genai.Text("one"), genai.Text("two")...), nil)
	require.NoError(t, err, server.Refused())
	require.Len(t, vectors.Embeddings, 2)
	count, err := client.Models.CountTokens(ctx, "m", genai.Text("how many"), nil)
	require.NoError(t, err, server.Refused())
	require.EqualValues(t, 31, count.TotalTokens)
	page, err := client.Models.List(ctx, nil)
	require.NoError(t, err)
	var names []string
	for _, m := range page.Items {
		names = append(names, m.Name)
	}
	require.Contains(t, names, "models/my-embedding")
	require.Contains(t, names, "models/gemini-3-flash-preview", "what the upstream lists")
	one, err := client.Models.Get(ctx, "my-embedding", nil)
	require.NoError(t, err)
	require.Equal(t, "models/my-embedding", one.Name)
	require.Contains(t, one.SupportedActions, "embedContent")
	require.Empty(t, server.Refused())
}

// TestAStreamOfGeminisIsAListForThoseWhoDoNotAskForEvents whichever way it ends.
func TestAStreamOfGeminisIsAListForThoseWhoDoNotAskForEvents(t *testing.T) {
	r, server := relayToGemini(t, standin.Key, standin.Answer{Text: []string{"Good ", "day"}})
	status, answer, header := r.Ask("/v1beta/models/m:streamGenerateContent", `{"contents":[{"parts":[{"text":"Hi!"}]}]}`)
	require.Equal(t, 200, status, answer)
	require.Equal(t, "application/json", header.Get("Content-Type"))
	list := listOf(t, answer)
	require.Len(t, list, 3)
	require.Contains(t, answer, `"finishReason":"STOP"`)
	require.Equal(t, "alt=sse", server.Asked()[0].Query, "the provider is asked for events all the same")

	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(`data: {"candidates":[{"content":{"parts":[{"text":"Good"}]},"index":0}]}` + "\n\n"))
	})
	r = harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, standin.Key, ""))
	_, answer, _ = r.Ask("/v1beta/models/m:streamGenerateContent", `{"contents":[{"parts":[{"text":"Hi!"}]}]}`)
	list = listOf(t, answer)
	require.Len(t, list, 2, "an error is the last element")
	require.Equal(t, "UNAVAILABLE", sdktest.JsonObject(list[1]["error"])["status"])
	require.Equal(t, []string{"upstream_truncated"}, r.Outcomes(1), "no finishReason has come")

	status, answer, _ = r.Ask("/v1beta/models/nonsense%20:streamGenerateContent", `{"contents":[]}`)
	require.Equal(t, 200, status, answer) // the glob covers it
	r = harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: gemini, base_url: %q, keys: [k], models: [m]}]\n", u.URL))
	status, answer, _ = r.Ask("/v1beta/models/nonsense:streamGenerateContent", `{"contents":[]}`)
	require.Equal(t, 404, status)
	require.Equal(t, "NOT_FOUND", sdktest.JsonObject(listOf(t, answer)[0]["error"])["status"])
}

func listOf(t *testing.T, answer string) []map[string]any {
	t.Helper()
	require.True(t, strings.HasPrefix(strings.TrimSpace(answer), "["), answer)
	var list []any
	require.NoError(t, json.Unmarshal([]byte(answer), &list), answer)
	return sdktest.JsonObjects(list)
}

// TestAGeminiClientsKeyMayStandInItsAddress and goes no further: neither to the provider nor into the log.
func TestAGeminiClientsKeyMayStandInItsAddress(t *testing.T) {
	r, server := relayToGemini(t, standin.Key, standin.Answer{Text: []string{"x"}})
	ask := func(path string) (int, string) {
		request, err := http.NewRequest(http.MethodPost, r.URL+path, strings.NewReader(`{"contents":[{"parts":[{"text":"Hi!"}]}]}`))
		require.NoError(t, err)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	status, answer := ask("/v1beta/models/m:generateContent?key=" + harness.Key)
	require.Equal(t, 200, status, answer)
	status, answer = ask("/v1/models/m:streamGenerateContent?alt=sse&key=" + harness.Key)
	require.Equal(t, 200, status, answer)
	for _, asked := range server.Asked() {
		require.NotContains(t, asked.Query+fmt.Sprint(asked.Header)+string(asked.Text), harness.Key)
	}
	status, answer = ask("/v1beta/models/m:generateContent?key=sk-wrong")
	require.Equal(t, 401, status)
	require.Equal(t, "UNAUTHENTICATED", harness.ErrorOf(t, answer)["status"])
	status, _ = ask("/v1/chat/completions?key=" + harness.Key)
	require.Equal(t, 401, status, "nowhere else")
	status, answer = ask("/v1beta/models/m:sing?key=" + harness.Key)
	require.Equal(t, 404, status)
	require.Equal(t, "NOT_FOUND", harness.ErrorOf(t, answer)["status"])
	require.NotContains(t, r.Log.String(), harness.Key)
}

// TestGooglesSDKUnderstandsTheRelaysErrors whole and in the midst of a stream.
func TestGooglesSDKUnderstandsTheRelaysErrors(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(http.StatusTooManyRequests, `{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}`))
	r := harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, "AIza-1", ""))
	_, _, err := askWithGemini(t, r, false, genai.Text("Hi!"), nil)
	var failed genai.APIError
	require.True(t, errors.As(err, &failed), "%v", err)
	require.Equal(t, 429, failed.Code)
	require.Equal(t, "RESOURCE_EXHAUSTED", failed.Status)
	require.Contains(t, fmt.Sprint(failed.Details), "retryDelay:34s")

	u = harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(`data: {"candidates":[{"content":{"parts":[{"text":"Good"}]},"index":0}]}` + "\n\n" + standin.Gemini{}.ErrorEvent()))
	})
	r = harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, "AIza-1", ""))
	parts, _, err := askWithGemini(t, r, true, genai.Text("Hi!"), nil)
	require.Equal(t, "Good", textOfParts(parts))
	require.True(t, errors.As(err, &failed), "%v", err)
	require.Equal(t, "UNAVAILABLE", failed.Status)
	require.Contains(t, failed.Message, "overloaded")
}

// TestASignOfLifeIsNoBrokenEventToGooglesSDK which takes a comment for one.
func TestASignOfLifeIsNoBrokenEventToGooglesSDK(t *testing.T) {
	going := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-going:
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte(`data: {"candidates":[{"content":{"parts":[{"text":"Good"}]},"finishReason":"STOP","index":0}]}` + "\n\n"))
	})
	r := harness.StartRelay(t, "channels:\n"+geminiChannel("a", u.URL, "AIza-1", ""), harness.WithEnv("KEEPALIVE_INTERVAL", "0.05"))
	timer := time.AfterFunc(time.Second, func() { close(going) })
	defer timer.Stop()
	parts, _, err := askWithGemini(t, r, true, genai.Text("Hi!"), nil)
	require.NoError(t, err)
	require.Equal(t, "Good", textOfParts(parts))
}
