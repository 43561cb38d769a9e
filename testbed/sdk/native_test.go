package sdk

import (
	"context"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	openaisdk "github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// oddities are what decoding and encoding again would change: the order of members, the spelling of numbers and of strings,
// white space, a member that comes twice, numbers beyond 2^53, and members that nobody knows.
const oddities = `"z_unknown" : {"b":1.0,"a":[1e3,-0.0,9007199254740993, 0.10],"b":null},
	"temperature":1.0,  "top_p":1E0,"metadata":{"\u006bey":"caf\u00e9 <&> \/ 世"}`

// asRequest puts the oddities into a request of either API. It ends in white space.
func asRequest(model, more string) string {
	return "{ \"max_tokens\":1e2,\n\"messages\":[ {\"content\":\"h\\u00e9 <&>\",\"role\":\"user\"} ],\"model\" : \"" + model + "\" ," + oddities + more + " }\n"
}

func TestARequestInTheProvidersOwnFormatArrivesByteForByte(t *testing.T) {
	for _, d := range []sdktest.Dialect{sdktest.Imitated{Of: standin.OpenAI{Lenient: true}}, sdktest.AnthropicDialect, sdktest.Imitated{Of: standin.XAI{OpenAI: standin.OpenAI{Lenient: true}}}} {
		for name, more := range map[string]string{
			"":                      `,"stream":null`,
			" streamed":             `,"stream":true`,
			" streamed and counted": `,"stream":true,"stream_options":{"include_usage":true}`,
		} {
			t.Run(d.Name()+name, func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Hello."}})
				r := sdktest.RelayTo(t, p)
				send := func(body string) {
					if d.Name() == "anthropic" {
						sendWithAnthropic(t, r, body, name != "")
					} else {
						sendWithOpenAI(t, r, body, name != "")
					}
				}
				want := asRequest(d.Model(), more)
				if name == " streamed" && d.Name() != "anthropic" { // what it cost is asked for at the end, and all before that is as it was
					want = strings.TrimSuffix(want, "}\n") + `,"stream_options":{"include_usage":true}}` + "\n"
				}
				send(asRequest(d.Model(), more))
				assert.Equal(t, want, p.LastText(), "not mapped")
				send(asRequest("m", more))
				assert.Equal(t, want, p.LastText(), "mapped: only the model differs")
			})
		}
	}
}

func sendWithOpenAI(t *testing.T, r *harness.Relay, body string, streamed bool) {
	t.Helper()
	client := sdktest.OpenAIClient(r, openaioption.WithRequestBody("application/json", []byte(body)))
	openAIAnswer(t, client, openaisdk.ChatCompletionNewParams{}, streamed)
}

func sendWithAnthropic(t *testing.T, r *harness.Relay, body string, streamed bool) {
	t.Helper()
	client := sdktest.AnthropicClient(r, anthropicoption.WithRequestBody("application/json", []byte(body)),
		anthropicoption.WithHeader("anthropic-beta", "unknown-fields-2025-01-01"))
	anthropicAnswer(t, client, anthropicsdk.MessageNewParams{MaxTokens: 1}, streamed)
}

func TestAnAnswerInTheClientsOwnFormatArrivesByteForByte(t *testing.T) {
	odd := strings.Replace(oddities, `"temperature"`, `"tempo"`, 1)
	openAIOdd := "{" + odd + `,"id":"x","object":"chat.completion","created":1.7e9,"model":"gpt-4o-2024-08-06","choices":[{"message":{"content":"Hi","role":"assistant"},"index":0,"finish_reason":"stop"}] }` + "\n\n"
	anthropicOdd := "\n{" + odd + `,"id":"x","type":"message","role":"assistant","model":"claude","content":[{"text":"Hi","type":"text"}],"stop_reason":"end_turn","usage":{"output_tokens":1e0,"input_tokens":2}}`
	for _, d := range []sdktest.Dialect{sdktest.OpenAIDialect, sdktest.XaiDialect} {
		var got []byte
		client := sdktest.OpenAIClient(sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Raw: openAIOdd})))
		_, err := client.Chat.Completions.New(context.Background(), sdktest.OpenAIChat(), openaioption.WithResponseBodyInto(&got))
		require.NoError(t, err)
		assert.Equal(t, openAIOdd, string(got))
	}
	var got []byte
	client := sdktest.AnthropicClient(sdktest.RelayTo(t, sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Raw: anthropicOdd})))
	_, err := client.Messages.New(context.Background(), anthropicChat(), anthropicoption.WithResponseBodyInto(&got))
	require.NoError(t, err)
	assert.Equal(t, anthropicOdd, string(got))
}

func TestEveryEventInTheClientsOwnFormatArrivesByteForByte(t *testing.T) {
	answer := sdktest.Turn{Thought: "Hm.", Text: []string{"a", "b"}, Calls: sdktest.TwoCalls}
	for _, c := range []struct {
		dialect sdktest.Dialect
		path    string
		body    string
	}{
		{sdktest.OpenAIDialect, "/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]}`},
		{sdktest.XaiDialect, "/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]}`},
		{sdktest.AnthropicDialect, "/v1/messages", `{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`},
	} {
		t.Run(c.dialect.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, c.dialect, answer)
			status, got, header := sdktest.RelayTo(t, p).Ask(c.path, c.body)
			require.Equal(t, 200, status, got)
			assert.Equal(t, "text/event-stream", header.Get("Content-Type"))
			content, ending := c.dialect.Events(answer, p.LastBody(t))
			assert.Equal(t, strings.Join(append(content, ending...), ""), got)
		})
	}
}
