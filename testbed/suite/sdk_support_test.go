package suite

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	openaisdk "github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"
)

// openAIClient is OpenAI's own SDK, as its users point it at the relay. It does not retry.
func openAIClient(r *testRelay, options ...openaioption.RequestOption) openaisdk.Client {
	return openaisdk.NewClient(append([]openaioption.RequestOption{
		openaioption.WithBaseURL(r.URL + "/v1"), openaioption.WithAPIKey(testKey), openaioption.WithHTTPClient(r.client), openaioption.WithMaxRetries(0),
	}, options...)...)
}

// anthropicClient is Anthropic's own SDK, as its users point it at the relay. It does not retry.
func anthropicClient(r *testRelay, options ...anthropicoption.RequestOption) anthropicsdk.Client {
	return anthropicsdk.NewClient(append([]anthropicoption.RequestOption{
		anthropicoption.WithoutEnvironmentDefaults(),
		anthropicoption.WithBaseURL(r.URL), anthropicoption.WithAPIKey(testKey), anthropicoption.WithHTTPClient(r.client), anthropicoption.WithMaxRetries(0),
	}, options...)...)
}

// question is a call through one of the SDKs, as far as it matters to what can happen to any call.
type question struct {
	ctx     context.Context
	relay   *testRelay
	key     string            // empty: testKey
	model   string            // empty: m
	text    string            // empty: Hi!
	header  map[string]string // besides the SDK's own
	retries int
	onText  func(piece string) // is told of every piece of a stream; nil: the answer comes whole
	answer  **http.Response    // where the SDK shall leave the response; nil: nowhere
}

func (q question) filled() question {
	if q.ctx == nil {
		q.ctx = context.Background()
	}
	for _, d := range []struct {
		field *string
		value string
	}{{&q.key, testKey}, {&q.model, "m"}, {&q.text, "Hi!"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return q
}

// sdkFailure is an error of an API as an SDK understood it.
type sdkFailure struct {
	status                     int
	kind, message, code, param string
	header                     http.Header
}

// sdk drives the relay as the users of one official SDK do.
type sdk struct {
	name    string
	ask     func(q question) (text string, err error)
	failure func(t *testing.T, err error) sdkFailure // fails the test where err is not the SDK's typed error
}

var sdks = []sdk{
	{"OpenAI's SDK", askWithOpenAI, openAIFailure},
	{"Anthropic's SDK", askWithAnthropic, anthropicFailure},
}

var dialects = []dialect{openAIDialect, anthropicDialect, xaiDialect}

// everyWay runs a test for each SDK and each type of channel.
func everyWay(t *testing.T, test func(t *testing.T, s sdk, d dialect)) {
	for _, s := range sdks {
		for _, d := range dialects {
			t.Run(s.name+" and a channel of type "+d.name(), func(t *testing.T) { test(t, s, d) })
		}
	}
}

// bothForms runs a test for whole and for streamed answers; ask asks for the one or the other.
func bothForms(t *testing.T, s sdk, test func(t *testing.T, ask func(q question) (string, error))) {
	t.Run("whole", func(t *testing.T) { test(t, s.ask) })
	t.Run("streamed", func(t *testing.T) {
		test(t, func(q question) (string, error) {
			if q.onText == nil {
				q.onText = func(string) {}
			}
			return s.ask(q)
		})
	})
}

func askWithOpenAI(q question) (string, error) {
	q = q.filled()
	options := []openaioption.RequestOption{openaioption.WithAPIKey(q.key), openaioption.WithMaxRetries(q.retries)}
	for name, value := range q.header {
		options = append(options, openaioption.WithHeader(name, value))
	}
	if q.answer != nil {
		options = append(options, openaioption.WithResponseInto(q.answer))
	}
	client := openAIClient(q.relay, options...)
	params := openaisdk.ChatCompletionNewParams{Model: q.model, Messages: []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage(q.text)}}
	if q.onText == nil {
		completion, err := client.Chat.Completions.New(q.ctx, params)
		if err != nil {
			return "", err
		}
		return completion.Choices[0].Message.Content, nil
	}
	stream := client.Chat.Completions.NewStreaming(q.ctx, params)
	defer func() { _ = stream.Close() }()
	var said strings.Builder
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			if choice.Delta.Content != "" {
				said.WriteString(choice.Delta.Content)
				q.onText(choice.Delta.Content)
			}
		}
	}
	return said.String(), stream.Err()
}

func askWithAnthropic(q question) (string, error) {
	q = q.filled()
	options := []anthropicoption.RequestOption{anthropicoption.WithAPIKey(q.key), anthropicoption.WithMaxRetries(q.retries)}
	for name, value := range q.header {
		options = append(options, anthropicoption.WithHeader(name, value))
	}
	if q.answer != nil {
		options = append(options, anthropicoption.WithResponseInto(q.answer))
	}
	client := anthropicClient(q.relay, options...)
	params := anthropicsdk.MessageNewParams{
		Model: q.model, MaxTokens: 100, Messages: []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock(q.text))},
	}
	if q.onText == nil {
		message, err := client.Messages.New(q.ctx, params)
		if err != nil {
			return "", err
		}
		return anthropicText(*message), nil
	}
	stream := client.Messages.NewStreaming(q.ctx, params)
	if stream.Err() == nil {
		defer func() { _ = stream.Close() }()
	}
	var message anthropicsdk.Message
	for stream.Next() {
		event := stream.Current()
		if err := message.Accumulate(event); err != nil {
			return anthropicText(message), err
		}
		if event.Delta.Text != "" {
			q.onText(event.Delta.Text)
		}
	}
	return anthropicText(message), stream.Err()
}

// anthropicText is the text of a message.
func anthropicText(m anthropicsdk.Message) string {
	var said strings.Builder
	for _, block := range m.Content {
		if block.Type == "text" {
			said.WriteString(block.Text)
		}
	}
	return said.String()
}

func openAIFailure(t *testing.T, err error) sdkFailure {
	t.Helper()
	var e *openaisdk.Error
	require.True(t, errors.As(err, &e), "not the SDK's error: %v", err)
	return sdkFailure{e.StatusCode, e.Type, e.Message, e.Code, e.Param, e.Response.Header}
}

func anthropicFailure(t *testing.T, err error) sdkFailure {
	t.Helper()
	var e *anthropicsdk.Error
	require.True(t, errors.As(err, &e), "not the SDK's error: %v", err)
	body := errorOf(t, e.RawJSON())
	return sdkFailure{e.StatusCode, string(e.Type()), jsonText(body["message"]), "", "", e.Response.Header}
}
