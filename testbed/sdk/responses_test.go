package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// imitating is a relay in front of one imitation of a provider, as a channel of its type at an address of its own.
func imitating(t *testing.T, d standin.Dialect, options string, answers ...standin.Answer) (*harness.Relay, *standin.Server) {
	t.Helper()
	server := &standin.Server{Dialect: d, Answers: answers}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	return harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [%s], models: [m], model_mapping: {m: %q}%s}\n",
		d.Type(), u.URL, standin.Key, d.Model(), options)), server
}

// behindResponses is the providers that a client of the Responses API may be served by.
var behindResponses = map[string]struct {
	dialect standin.Dialect
	options string
	usage   wire.Usage
}{
	"natively":                 {standin.Responses{}, ", api: responses", wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}},
	"over chat completions":    {standin.OpenAI{}, "", wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}},
	"over Anthropic's":         {standin.Anthropic{}, "", wire.Usage{Uncached: 12, CacheRead: 10, CacheWrite5m: 3, Text: 7}},
	"over chat, if that is it": {standin.OpenAI{}, ", api: chat", wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}},
}

func TestOpenAIsSDKIsServedOnResponsesByEveryProvider(t *testing.T) {
	for name, behind := range behindResponses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, server := imitating(t, behind.dialect, behind.options, standin.Answer{Text: []string{"Good ", "day <&> 世界"}})
			client := sdktest.OpenAIClient(r)
			asked := responses.ResponseNewParams{
				Model: "m", Instructions: param.NewOpt("Be brief."), MaxOutputTokens: param.NewOpt[int64](99),
				Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("Hi!")},
			}
			whole, err := client.Responses.New(context.Background(), asked)
			require.NoError(t, err, server.Refused())
			require.Equal(t, "Good day <&> 世界", whole.OutputText())
			require.Equal(t, responses.ResponseStatusCompleted, whole.Status)
			require.EqualValues(t, standin.Input, whole.Usage.InputTokens)
			require.EqualValues(t, standin.Cached, whole.Usage.InputTokensDetails.CachedTokens)

			stream := client.Responses.NewStreaming(context.Background(), asked)
			text, ends := "", 0
			for stream.Next() {
				switch e := stream.Current().AsAny().(type) {
				case responses.ResponseTextDeltaEvent:
					text += e.Delta
				case responses.ResponseCompletedEvent:
					ends++
					require.Equal(t, "Good day <&> 世界", e.Response.OutputText(), "the end repeats all of it")
					require.EqualValues(t, standin.Output, e.Response.Usage.OutputTokens)
				}
			}
			require.NoError(t, stream.Err(), server.Refused())
			require.Equal(t, "Good day <&> 世界", text)
			require.Equal(t, 1, ends)
			require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
			for _, a := range r.Recorded() {
				require.Equal(t, behind.usage, a.Usage)
			}
			require.Empty(t, server.Refused())
		})
	}
}

// TestATurnWithToolsGoesThroughResponses sends back all that came, as agents do, to a provider that is strict about it.
func TestATurnWithToolsGoesThroughResponses(t *testing.T) {
	for name, behind := range behindResponses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, server := imitating(t, behind.dialect, behind.options, standin.Answer{
				Text: []string{"I look."}, Calls: []standin.Call{
					{ID: "call_1", Name: "get_weather", Arguments: []string{`{"city":`, `"Paris"}`}}, {ID: "call_2", Name: "get_weather", Arguments: []string{`{"city":"Rome"}`}},
				},
			}, standin.Answer{Text: []string{"Fine."}})
			const tools = `"tools":[{"type":"function","name":"get_weather","strict":false,"parameters":{"type":"object","properties":{"city":{"type":"string"}}}}],"store":false`
			turn := func(input string) (items []any) {
				response, err := r.Post(context.Background(), "/v1/responses", `{"model":"m","stream":true,`+tools+`,"input":[`+input+`]}`)
				require.NoError(t, err)
				defer response.Body.Close()
				require.Equal(t, http.StatusOK, response.StatusCode, server.Refused())
				for _, e := range sseData(t, response) {
					if e["type"] == "response.completed" {
						items = e["response"].(map[string]any)["output"].([]any)
					}
				}
				return items
			}
			const question = `{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"input_text","text":"Paris and Rome?"}]}`
			items := turn(question)
			require.Len(t, items, 3)
			require.JSONEq(t, `{"city":"Paris"}`, items[1].(map[string]any)["arguments"].(string))
			back, err := json.Marshal(items)
			require.NoError(t, err)
			items = turn(question + "," + strings.Trim(string(back), "[]") + `,{"type":"function_call_output","call_id":"call_1","output":"15"},{"type":"function_call_output","call_id":"call_2","output":"20"}`)
			require.Len(t, items, 1, "%v", server.Refused())
			require.Empty(t, server.Refused())
		})
	}
}

// sseData is the events of a stream.
func sseData(t *testing.T, response *http.Response) (events []map[string]any) {
	t.Helper()
	for _, line := range strings.Split(harness.ReadAll(t, response), "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var v map[string]any
			require.NoError(t, json.Unmarshal([]byte(data), &v), data)
			events = append(events, v)
		}
	}
	return events
}

// TestAModelThatIsServedOnResponsesAloneIsReachedByEveryClient takes clients of chat completions and of messages.
func TestAModelThatIsServedOnResponsesAloneIsReachedByEveryClient(t *testing.T) {
	for _, s := range sdktest.Sdks {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r, server := imitating(t, standin.Responses{}, ", api: responses", standin.Answer{Thought: "Hm.", Text: []string{"Good ", "day <&> 世界"}})
			for n, onText := range []func(string){nil, func(string) {}} {
				text, err := s.Ask(sdktest.Question{Relay: r, Text: "Hi!", OnText: onText})
				require.NoError(t, err, server.Refused())
				require.Equal(t, "Good day <&> 世界", text)
				require.Equal(t, []string{"completed", "completed"}[:n+1], r.Outcomes(n+1))
				require.Equal(t, wire.Usage{Uncached: 15, CacheRead: 10, Text: 7}, r.Attempt(n).Usage)
			}
			require.Empty(t, server.Refused())
		})
	}
}

// TestACutStreamOfResponsesEndsAsFailed holds natively and converted: never as completed, and with the stream's own id and number.
func TestACutStreamOfResponsesEndsAsFailed(t *testing.T) {
	for name, behind := range behindResponses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, _ := behind.dialect.Events(standin.Answer{Text: []string{"half ", "of it"}}, map[string]any{})
			u := harness.StartUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for _, event := range content[:len(content)-1] {
					_, _ = w.Write([]byte(event))
					_ = http.NewResponseController(w).Flush()
				}
				panic(http.ErrAbortHandler)
			}, func(u *harness.Upstream) { u.Start() })
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, models: [m]%s}\n", behind.dialect.Type(), u.URL, behind.options))
			response, err := r.Post(context.Background(), "/v1/responses", `{"model":"m","stream":true,"input":"Hi!"}`)
			require.NoError(t, err)
			defer response.Body.Close()
			events := sseData(t, response)
			ends := 0
			for n, e := range events {
				require.EqualValues(t, n, e["sequence_number"])
				switch e["type"] {
				case "response.completed", "response.incomplete", "error":
					t.Fatalf("%v", e)
				case "response.failed":
					ends++
				}
			}
			require.Equal(t, 1, ends)
			first, last := events[0]["response"].(map[string]any), events[len(events)-1]["response"].(map[string]any)
			require.Equal(t, first["id"], last["id"])
			require.Equal(t, "failed", last["status"])
			require.Contains(t, last["error"].(map[string]any)["message"], "(request id: ")
			require.Equal(t, []string{"upstream_reset"}, r.Outcomes(1))
		})
	}
}

func TestAFailureBeforeAnyContentIsAnotherChannelsChance(t *testing.T) {
	t.Parallel()
	content, _ := standin.Responses{}.Events(standin.Answer{Text: []string{"no"}}, nil)
	first := harness.StartUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(content[0] + content[1] + standin.Responses{}.ErrorEvent()))
	}, func(u *harness.Upstream) { u.Start() })
	server := &standin.Server{Dialect: standin.Anthropic{}, Answers: []standin.Answer{{Text: []string{"yes"}}}}
	second := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, api: responses, base_url: %q, keys: [k], models: [m], priority: 2}\n"+
		"  - {name: b, type: anthropic, base_url: %q, keys: [%s], models: [m], model_mapping: {m: %s}, priority: 1}\n", first.URL, second.URL, standin.Key, standin.Anthropic{}.Model()))
	response, err := r.Post(context.Background(), "/v1/responses", `{"model":"m","stream":true,"input":"Hi!"}`)
	require.NoError(t, err)
	defer response.Body.Close()
	events := sseData(t, response)
	require.Equal(t, "response.completed", events[len(events)-1]["type"])
	for n, e := range events {
		require.EqualValues(t, n, e["sequence_number"], "nothing of the first one has been told")
	}
	require.Equal(t, []string{"upstream_error_event", "completed"}, r.Outcomes(2))
}

func TestAnErrorOnResponsesIsOneThatOpenAIsSDKKnows(t *testing.T) {
	r, _ := imitating(t, standin.Anthropic{}, "", standin.Answer{Text: []string{"a"}})
	client := sdktest.OpenAIClient(r)
	_, err := client.Responses.New(context.Background(), responses.ResponseNewParams{
		Model: "m", Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("Hi!")}, PreviousResponseID: param.NewOpt("resp_1"),
	})
	var failure *openaisdk.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, http.StatusNotFound, failure.StatusCode, "nobody is known to have made it")
	require.Equal(t, "previous_response_id", failure.Param)
	require.Equal(t, "previous_response_not_found", failure.Code)
	status, answer, _ := r.Ask("/v1/responses", `{"model":"m","input":"a","tools":[{"type":"web_search"}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer, "web_search")
}
