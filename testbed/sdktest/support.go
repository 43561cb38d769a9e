package sdktest

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

	"one-api/testbed/harness"
)

// OpenAIClient is OpenAI's own SDK, as its users point it at the relay. It does not retry.
func OpenAIClient(r *harness.Relay, options ...openaioption.RequestOption) openaisdk.Client {
	return openaisdk.NewClient(append([]openaioption.RequestOption{
		openaioption.WithBaseURL(r.URL + "/v1"), openaioption.WithAPIKey(harness.Key), openaioption.WithHTTPClient(r.Client), openaioption.WithMaxRetries(0),
	}, options...)...)
}

// AnthropicClient is Anthropic's own SDK, as its users point it at the relay. It does not retry.
func AnthropicClient(r *harness.Relay, options ...anthropicoption.RequestOption) anthropicsdk.Client {
	return anthropicsdk.NewClient(append([]anthropicoption.RequestOption{
		anthropicoption.WithoutEnvironmentDefaults(),
		anthropicoption.WithBaseURL(r.URL), anthropicoption.WithAPIKey(harness.Key), anthropicoption.WithHTTPClient(r.Client), anthropicoption.WithMaxRetries(0),
	}, options...)...)
}

// Question is a call through one of the SDKs, as far as it matters to what can happen to any call.
type Question struct {
	Ctx     context.Context
	Relay   *harness.Relay
	Key     string            // empty: testKey
	Model   string            // empty: m
	Text    string            // empty: Hi!
	Header  map[string]string // besides the SDK's own
	Retries int
	OnText  func(piece string) // is told of every piece of a stream; nil: the answer comes whole
	Answer  **http.Response    // where the SDK shall leave the response; nil: nowhere
}

func (q Question) filled() Question {
	if q.Ctx == nil {
		q.Ctx = context.Background()
	}
	for _, d := range []struct {
		field *string
		value string
	}{{&q.Key, harness.Key}, {&q.Model, "m"}, {&q.Text, "Hi!"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return q
}

// sdkFailure is an error of an API as an SDK understood it.
type sdkFailure struct {
	Status                     int
	Kind, Message, Code, Param string
	Header                     http.Header
}

// Sdk drives the relay as the users of one official SDK do.
type Sdk struct {
	Name    string
	Ask     func(q Question) (text string, err error)
	Failure func(t *testing.T, err error) sdkFailure // fails the test where err is not the SDK's typed error
}

var Sdks = []Sdk{
	{"OpenAI's SDK", AskWithOpenAI, OpenAIFailure},
	{"Anthropic's SDK", askWithAnthropic, AnthropicFailure},
}

var Dialects = []Dialect{OpenAIDialect, AnthropicDialect, XaiDialect}

// EveryWay runs a test for each SDK and each type of channel.
func EveryWay(t *testing.T, test func(t *testing.T, s Sdk, d Dialect)) {
	for _, s := range Sdks {
		for _, d := range Dialects {
			t.Run(s.Name+" and a channel of type "+d.Name(), func(t *testing.T) { test(t, s, d) })
		}
	}
}

// BothForms runs a test for whole and for streamed answers; ask asks for the one or the other.
func BothForms(t *testing.T, s Sdk, test func(t *testing.T, ask func(q Question) (string, error))) {
	t.Run("whole", func(t *testing.T) { test(t, s.Ask) })
	t.Run("streamed", func(t *testing.T) {
		test(t, func(q Question) (string, error) {
			if q.OnText == nil {
				q.OnText = func(string) {}
			}
			return s.Ask(q)
		})
	})
}

func AskWithOpenAI(q Question) (string, error) {
	q = q.filled()
	options := []openaioption.RequestOption{openaioption.WithAPIKey(q.Key), openaioption.WithMaxRetries(q.Retries)}
	for name, value := range q.Header {
		options = append(options, openaioption.WithHeader(name, value))
	}
	if q.Answer != nil {
		options = append(options, openaioption.WithResponseInto(q.Answer))
	}
	client := OpenAIClient(q.Relay, options...)
	params := openaisdk.ChatCompletionNewParams{Model: q.Model, Messages: []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage(q.Text)}}
	if q.OnText == nil {
		completion, err := client.Chat.Completions.New(q.Ctx, params)
		if err != nil {
			return "", err
		}
		return completion.Choices[0].Message.Content, nil
	}
	stream := client.Chat.Completions.NewStreaming(q.Ctx, params)
	defer func() { _ = stream.Close() }()
	var said strings.Builder
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			if choice.Delta.Content != "" {
				said.WriteString(choice.Delta.Content)
				q.OnText(choice.Delta.Content)
			}
		}
	}
	return said.String(), stream.Err()
}

func askWithAnthropic(q Question) (string, error) {
	q = q.filled()
	options := []anthropicoption.RequestOption{anthropicoption.WithAPIKey(q.Key), anthropicoption.WithMaxRetries(q.Retries)}
	for name, value := range q.Header {
		options = append(options, anthropicoption.WithHeader(name, value))
	}
	if q.Answer != nil {
		options = append(options, anthropicoption.WithResponseInto(q.Answer))
	}
	client := AnthropicClient(q.Relay, options...)
	params := anthropicsdk.MessageNewParams{
		Model: q.Model, MaxTokens: 100, Messages: []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock(q.Text))},
	}
	if q.OnText == nil {
		message, err := client.Messages.New(q.Ctx, params)
		if err != nil {
			return "", err
		}
		return AnthropicText(*message), nil
	}
	stream := client.Messages.NewStreaming(q.Ctx, params)
	if stream.Err() == nil {
		defer func() { _ = stream.Close() }()
	}
	var message anthropicsdk.Message
	for stream.Next() {
		event := stream.Current()
		if err := message.Accumulate(event); err != nil {
			return AnthropicText(message), err
		}
		if event.Delta.Text != "" {
			q.OnText(event.Delta.Text)
		}
	}
	return AnthropicText(message), stream.Err()
}

// AnthropicText is the text of a message.
func AnthropicText(m anthropicsdk.Message) string {
	var said strings.Builder
	for _, block := range m.Content {
		if block.Type == "text" {
			said.WriteString(block.Text)
		}
	}
	return said.String()
}

func OpenAIFailure(t *testing.T, err error) sdkFailure {
	t.Helper()
	var e *openaisdk.Error
	require.True(t, errors.As(err, &e), "not the SDK's error: %v", err)
	return sdkFailure{e.StatusCode, e.Type, e.Message, e.Code, e.Param, e.Response.Header}
}

func AnthropicFailure(t *testing.T, err error) sdkFailure {
	t.Helper()
	var e *anthropicsdk.Error
	require.True(t, errors.As(err, &e), "not the SDK's error: %v", err)
	body := harness.ErrorOf(t, e.RawJSON())
	return sdkFailure{e.StatusCode, string(e.Type()), JsonText(body["message"]), "", "", e.Response.Header}
}

// At is what stands at a path of names and places in JSON that was read; nil: nothing.
func At(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}
