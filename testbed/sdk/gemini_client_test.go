package sdk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genai"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// behindGemini is the providers that a client of Gemini's may be served by.
var behindGemini = map[string]struct {
	dialect standin.Dialect
	options string
	usage   wire.Usage
}{
	"natively":              {standin.Gemini{}, "", wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}},
	"over chat completions": {standin.OpenAI{}, ", api: chat", wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}},
	"over Anthropic's":      {standin.Anthropic{}, "", wire.Usage{Uncached: 12, CacheRead: 10, CacheWrite5m: 3, Text: 7}},
	"over responses":        {standin.Responses{}, ", api: responses", wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}},
}

// eachBehindGemini runs a test before each of them, for whole answers and streams.
func eachBehindGemini(t *testing.T, test func(t *testing.T, stream bool, ask func(answers ...standin.Answer) (*harness.Relay, *standin.Server), usage wire.Usage)) {
	t.Helper()
	for name, behind := range behindGemini {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streamed %v", name, stream), func(t *testing.T) {
				t.Parallel()
				test(t, stream, func(answers ...standin.Answer) (*harness.Relay, *standin.Server) {
					return imitating(t, behind.dialect, behind.options, answers...)
				}, behind.usage)
			})
		}
	}
}

// TestGooglesSDKIsServedByEveryProvider with texts, and what they cost.
func TestGooglesSDKIsServedByEveryProvider(t *testing.T) {
	eachBehindGemini(t, func(t *testing.T, stream bool, ask func(...standin.Answer) (*harness.Relay, *standin.Server), usage wire.Usage) {
		r, server := ask(standin.Answer{Text: []string{"Good ", "day <&> 世界"}})
		parts, last, err := askWithGemini(t, r, stream, genai.Text("Hi!"), &genai.GenerateContentConfig{
			SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser), MaxOutputTokens: 99, Temperature: genai.Ptr[float32](0.5),
		})
		require.NoError(t, err, server.Refused())
		require.Equal(t, "Good day <&> 世界", textOfParts(parts))
		require.Equal(t, genai.FinishReasonStop, last.Candidates[0].FinishReason)
		require.NotEmpty(t, last.ModelVersion)
		require.NotEmpty(t, last.ResponseID)
		u := last.UsageMetadata
		require.EqualValues(t, standin.Input, u.PromptTokenCount)
		require.EqualValues(t, standin.Cached, u.CachedContentTokenCount)
		require.EqualValues(t, standin.Output, u.CandidatesTokenCount+u.ThoughtsTokenCount)
		require.EqualValues(t, standin.Input+standin.Output, u.TotalTokenCount)
		require.Equal(t, []string{"completed"}, r.Outcomes(1))
		require.Equal(t, usage, r.Attempt(0).Usage)
		require.Empty(t, server.Refused())
	})
}

// weather is a tool as Google's SDK has it.
var weather = []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "get_weather", Description: "The weather.", Parameters: &genai.Schema{
	Type: genai.TypeObject, Required: []string{"city"}, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}, "days": {Type: genai.TypeInteger, Nullable: genai.Ptr(true), Format: "int32"}},
}}}}}

// TestGooglesSDKCallsToolsOfEveryProvider several at once and step after step, with what has been thought and with the ids of the calls or
// without.
func TestGooglesSDKCallsToolsOfEveryProvider(t *testing.T) {
	calls := standin.Answer{Thought: "Hm.", Calls: []standin.Call{{ID: "call_1", Name: "get_weather", Arguments: []string{`{"city":`, `"Oslo"}`}}, {ID: "call_2", Name: "get_weather", Arguments: []string{`{"city":"Rome <&>"}`}}}}
	eachBehindGemini(t, func(t *testing.T, stream bool, ask func(...standin.Answer) (*harness.Relay, *standin.Server), _ wire.Usage) {
		for _, ids := range []bool{true, false} {
			r, server := ask(calls, calls, standin.Answer{Text: []string{"Mild."}})
			config := &genai.GenerateContentConfig{Tools: weather, MaxOutputTokens: 4000}
			contents := genai.Text("Oslo and Rome?")
			for range 2 {
				parts, last, err := askWithGemini(t, r, stream, contents, config)
				require.NoError(t, err, server.Refused())
				require.Equal(t, genai.FinishReasonStop, last.Candidates[0].FinishReason)
				var kept, results []*genai.Part
				for _, p := range parts {
					if p.Text == "" && p.FunctionCall == nil && p.ThoughtSignature == nil || p.Thought {
						continue // as gemini-cli does
					}
					kept = append(kept, p)
					if c := p.FunctionCall; c != nil {
						result := genai.NewPartFromFunctionResponse(c.Name, map[string]any{"output": "10 degrees"})
						if ids {
							result.FunctionResponse.ID = c.ID
						}
						results = append(results, result)
					}
				}
				require.Len(t, results, 2)
				require.Equal(t, map[string]any{"city": "Oslo"}, calledWith(kept, 0))
				require.Equal(t, map[string]any{"city": "Rome <&>"}, calledWith(kept, 1))
				contents = append(contents, &genai.Content{Role: genai.RoleModel, Parts: kept}, &genai.Content{Role: genai.RoleUser, Parts: results})
			}
			parts, _, err := askWithGemini(t, r, stream, contents, config)
			require.NoError(t, err, server.Refused())
			require.Equal(t, "Mild.", textOfParts(parts))
			require.Empty(t, server.Refused())
		}
	})
}

func calledWith(parts []*genai.Part, n int) map[string]any {
	for _, p := range parts {
		if p.FunctionCall != nil {
			if n == 0 {
				return p.FunctionCall.Args
			}
			n--
		}
	}
	return nil
}

// TestGooglesSDKAsksForJSONAndShowsImages to every provider.
func TestGooglesSDKAsksForJSONAndShowsImages(t *testing.T) {
	eachBehindGemini(t, func(t *testing.T, stream bool, ask func(...standin.Answer) (*harness.Relay, *standin.Server), _ wire.Usage) {
		r, server := ask(standin.Answer{Text: []string{`{"a":`, `1}`}})
		contents := []*genai.Content{genai.NewContentFromParts([]*genai.Part{genai.NewPartFromText("What is it?"), genai.NewPartFromBytes([]byte("PNG"), "image/png"), genai.NewPartFromBytes([]byte("%PDF"), "application/pdf")}, genai.RoleUser)}
		parts, _, err := askWithGemini(t, r, stream, contents, &genai.GenerateContentConfig{
			ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"a": {Type: genai.TypeInteger}}, Required: []string{"a"}},
			ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAuto}},
		})
		require.NoError(t, err, server.Refused())
		require.Equal(t, `{"a":1}`, textOfParts(parts))
		require.Contains(t, string(server.Asked()[0].Text), "UE5H", "the image")
		require.Contains(t, string(server.Asked()[0].Text), "JVBERg", "the document")
		require.Empty(t, server.Refused())
	})
}

// TestGooglesSDKIsToldThoughts if it asks for them, and not otherwise.
func TestGooglesSDKIsToldThoughts(t *testing.T) {
	eachBehindGemini(t, func(t *testing.T, stream bool, ask func(...standin.Answer) (*harness.Relay, *standin.Server), _ wire.Usage) {
		if strings.Contains(t.Name(), "natively") {
			t.Skip("the imitation thinks aloud unasked")
		}
		for _, wanted := range []bool{true, false} {
			r, server := ask(standin.Answer{Thought: "Hm.", Text: []string{"Good day"}})
			parts, _, err := askWithGemini(t, r, stream, genai.Text("Hi!"), &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: wanted}, MaxOutputTokens: 4000})
			require.NoError(t, err, server.Refused())
			thought := ""
			for _, p := range parts {
				if p.Thought {
					thought += p.Text
				}
			}
			require.Equal(t, "Good day", textOfParts(parts))
			if wanted && !strings.Contains(t.Name(), "over_chat") { // OpenAI's has none
				require.Equal(t, "Hm.", thought)
			} else if !wanted {
				require.Empty(t, thought)
			}
		}
	})
}

// TestGooglesSDKUnderstandsWhatOthersFailWith in its own words, with how long to wait in the details, since it shows no headers.
func TestGooglesSDKUnderstandsWhatOthersFailWith(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   string
		status int
		header map[string]string
		body   string
		code   int
		word   string
		says   string
		delay  string
	}{
		"OpenAI's 429":         {"openai", 429, map[string]string{"Retry-After": "34"}, `{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}`, 429, "RESOURCE_EXHAUSTED", "Rate limit", "34s"},
		"OpenAI's 503":         {"openai", 503, nil, `{"error":{"message":"The engine is overloaded","type":"server_error"}}`, 502, "UNAVAILABLE", "overloaded", ""},
		"OpenAI's overflow":    {"openai", 400, nil, `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, 400, "INVALID_ARGUMENT", "maximum context length", ""},
		"Anthropic's 529":      {"anthropic", 529, nil, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, 502, "UNAVAILABLE", "Overloaded", ""},
		"Anthropic's 429":      {"anthropic", 429, map[string]string{"Retry-After": "12"}, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`, 429, "RESOURCE_EXHAUSTED", "slow down", "12s"},
		"Anthropic's overflow": {"anthropic", 400, nil, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`, 400, "INVALID_ARGUMENT", "prompt is too long", ""},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streamed %v", name, stream), func(t *testing.T) {
				t.Parallel()
				u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
					for name, value := range tc.header {
						w.Header().Set(name, value)
					}
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(tc.status)
					_, _ = w.Write([]byte(tc.body))
				})
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [k], models: [m]}\n", tc.kind, u.URL))
				_, _, err := askWithGemini(t, r, stream, genai.Text("Hi!"), nil)
				var failed genai.APIError
				require.True(t, errors.As(err, &failed), "%v", err)
				require.Equal(t, tc.code, failed.Code)
				require.Equal(t, tc.word, failed.Status)
				require.Contains(t, failed.Message, tc.says)
				if tc.delay != "" {
					require.Contains(t, fmt.Sprint(failed.Details), "retryDelay:"+tc.delay)
				}
			})
		}
	}
}

// TestACutStreamIsAnErrorToGooglesSDK after what has come of it.
func TestACutStreamIsAnErrorToGooglesSDK(t *testing.T) {
	for kind, events := range map[string]string{
		"openai":    `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"Good"},"finish_reason":null}]}` + "\n\n",
		"anthropic": "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Good\"}}\n\n",
	} {
		u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte(events))
		})
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [k], models: [m]}\n", kind, u.URL))
		parts, _, err := askWithGemini(t, r, true, genai.Text("Hi!"), nil)
		var failed genai.APIError
		require.True(t, errors.As(err, &failed), "%s: %v", kind, err)
		require.Equal(t, "UNAVAILABLE", failed.Status)
		require.Equal(t, "Good", textOfParts(parts))
		require.Equal(t, []string{"upstream_truncated"}, r.Outcomes(1))

		_, answer, _ := r.Ask("/v1/models/m:streamGenerateContent", `{"contents":[{"parts":[{"text":"Hi!"}]}]}`)
		list := listOf(t, answer)
		require.Len(t, list, 2, "as one list as well, whose last element is the error")
		require.Contains(t, list[1], "error")
	}
}

// TestGooglesSDKLeavesInTheMidstOfAStream and its provider is left as well.
func TestGooglesSDKLeavesInTheMidstOfAStream(t *testing.T) {
	left := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(`data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"Good"},"finish_reason":null}]}` + "\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(left)
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [k], models: [m]}\n", u.URL))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for response, err := range geminiClient(t, r, harness.Key).Models.GenerateContentStream(ctx, "m", genai.Text("Hi!"), nil) {
		require.NoError(t, err)
		require.Equal(t, "Good", response.Text())
		cancel()
		break
	}
	<-left
	require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
}

// TestAConversationOfAGeminiClientGoesOnWithAnotherProvider in either direction: what one has signed is nothing to the other.
func TestAConversationOfAGeminiClientGoesOnWithAnotherProvider(t *testing.T) {
	calls := standin.Answer{Thought: "Hm.", Calls: []standin.Call{{ID: "call_1", Name: "get_weather", Arguments: []string{`{"city":"Oslo"}`}}}}
	for from, first := range behindGemini {
		for to, second := range behindGemini {
			t.Run(from+" and then "+to, func(t *testing.T) {
				t.Parallel()
				r, server := imitating(t, first.dialect, first.options, calls)
				config := &genai.GenerateContentConfig{Tools: weather, MaxOutputTokens: 4000}
				contents := genai.Text("Oslo?")
				parts, _, err := askWithGemini(t, r, false, contents, config)
				require.NoError(t, err, server.Refused())
				var kept []*genai.Part
				for _, p := range parts {
					if !p.Thought {
						kept = append(kept, p)
					}
				}
				result := genai.NewPartFromFunctionResponse("get_weather", map[string]any{"output": "10 degrees"})
				for _, p := range kept {
					if p.FunctionCall != nil {
						result.FunctionResponse.ID = p.FunctionCall.ID
					}
				}
				contents = append(contents, &genai.Content{Role: genai.RoleModel, Parts: kept}, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{result}})
				r, server = imitating(t, second.dialect, second.options, standin.Answer{Text: []string{"Mild."}})
				parts, _, err = askWithGemini(t, r, true, contents, config)
				require.NoError(t, err, server.Refused())
				require.Equal(t, "Mild.", textOfParts(parts))
				require.Empty(t, server.Refused())
				require.NotContains(t, string(server.Asked()[0].Text), "sealed")
			})
		}
	}
}
