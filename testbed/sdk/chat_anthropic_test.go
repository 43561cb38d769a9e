package sdk

import (
	"context"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

// anthropicView is how an answer of a provider looks to Anthropic's SDK.
type anthropicView struct {
	dialect                sdktest.Dialect
	id, model              string
	input, written, output int64
}

var anthropicViews = []anthropicView{
	{sdktest.AnthropicDialect, sdktest.AnthropicAnswerID, sdktest.AnthropicAnswering, sdktest.CostFresh, sdktest.CostWritten, sdktest.CostOutput},
	// OpenAI does not say what was written to the cache: it is part of the input.
	{sdktest.OpenAIDialect, sdktest.OpenAIAnswerID, sdktest.OpenAIAnswering, sdktest.CostInput - sdktest.CostCached, 0, sdktest.CostOutput},
	// xAI counts reasoning beside the completion, Anthropic as part of the output.
	{sdktest.XaiDialect, sdktest.OpenAIAnswerID, sdktest.XaiAnswering, sdktest.CostInput - sdktest.CostCached, 0, sdktest.CostOutput + sdktest.XaiReasoning},
}

func (v anthropicView) requireMessage(t *testing.T, m anthropicsdk.Message) {
	t.Helper()
	assert.Equal(t, v.id, m.ID)
	assert.EqualValues(t, "message", m.Type)
	assert.EqualValues(t, "assistant", m.Role)
	assert.Equal(t, v.model, m.Model, "what the upstream said, not what was asked for")
	assert.Equal(t, v.input, m.Usage.InputTokens)
	assert.Equal(t, v.written, m.Usage.CacheCreationInputTokens)
	assert.EqualValues(t, sdktest.CostCached, m.Usage.CacheReadInputTokens)
	assert.Equal(t, v.output, m.Usage.OutputTokens)
	assert.Empty(t, m.StopSequence)
}

func anthropicChat(extra ...func(*anthropicsdk.MessageNewParams)) anthropicsdk.MessageNewParams {
	p := anthropicsdk.MessageNewParams{
		Model: "m", MaxTokens: 100, Temperature: anthropicsdk.Float(0.5),
		System: []anthropicsdk.TextBlockParam{{Text: "Be brief."}},
		Messages: []anthropicsdk.MessageParam{
			anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock("How do you do?")),
			anthropicsdk.NewAssistantMessage(anthropicsdk.NewTextBlock("Well.")),
			anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock("Good day <&> 世界!")),
		},
	}
	for _, e := range extra {
		e(&p)
	}
	return p
}

// accumulate reads a stream to its end.
func accumulate(t *testing.T, client anthropicsdk.Client, params anthropicsdk.MessageNewParams) anthropicsdk.Message {
	t.Helper()
	stream := client.Messages.NewStreaming(context.Background(), params)
	require.NoError(t, stream.Err())
	defer func() { _ = stream.Close() }()
	var message anthropicsdk.Message
	last := ""
	for stream.Next() {
		event := stream.Current()
		require.NoError(t, message.Accumulate(event), event.RawJSON())
		last = event.Type
	}
	require.NoError(t, stream.Err())
	require.Equal(t, "message_stop", last)
	return message
}

func TestAnthropicsSDKGetsAWholeAnswerFromEveryTypeOfChannel(t *testing.T) {
	for _, v := range anthropicViews {
		t.Run(v.dialect.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, v.dialect, sdktest.Turn{Text: []string{"Good ", "day <&> ", "世界 \"too\"\n"}})
			r := sdktest.RelayTo(t, p)
			client := sdktest.AnthropicClient(r)
			message, err := client.Messages.New(context.Background(), anthropicChat())
			require.NoError(t, err)
			v.requireMessage(t, *message)
			require.Len(t, message.Content, 1)
			assert.Equal(t, "Good day <&> 世界 \"too\"\n", message.Content[0].Text)
			assert.EqualValues(t, "end_turn", message.StopReason)
			assert.Equal(t, v.dialect.Model(), p.LastBody(t)["model"], "the mapped model")
			assert.Equal(t, []string{"completed"}, r.Outcomes(1))
			assert.Equal(t, v.output, r.Attempt(0).Usage.Output())
			assert.EqualValues(t, sdktest.CostInput, r.Attempt(0).Usage.Input())
		})
	}
}

func TestAnthropicsSDKAccumulatesAStreamOfEveryTypeOfChannel(t *testing.T) {
	for _, v := range anthropicViews {
		t.Run(v.dialect.Name(), func(t *testing.T) {
			t.Parallel()
			pieces := []string{"Good ", "day <&> ", "世", "界 \"too\"\n"}
			p := sdktest.NewProvider(t, v.dialect, sdktest.Turn{Text: pieces})
			r := sdktest.RelayTo(t, p)
			message := accumulate(t, sdktest.AnthropicClient(r), anthropicChat())
			v.requireMessage(t, message)
			require.Len(t, message.Content, 1)
			assert.Equal(t, "Good day <&> 世界 \"too\"\n", message.Content[0].Text)
			assert.EqualValues(t, "end_turn", message.StopReason)
			assert.Equal(t, v.dialect.Model(), p.LastBody(t)["model"], "the mapped model")
			assert.Equal(t, []string{"completed"}, r.Outcomes(1))
			assert.Equal(t, v.output, r.Attempt(0).Usage.Output())
			assert.EqualValues(t, sdktest.CostInput, r.Attempt(0).Usage.Input())
		})
	}
}

func TestAnthropicsSDKGetsTheThoughtsBeforeTheText(t *testing.T) {
	for _, d := range []sdktest.Dialect{sdktest.AnthropicDialect, sdktest.XaiDialect} {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Thought: "Hm.", Text: []string{"Y", "es."}}))
			client := sdktest.AnthropicClient(r)
			whole, err := client.Messages.New(context.Background(), anthropicChat())
			require.NoError(t, err)
			for _, message := range []anthropicsdk.Message{*whole, accumulate(t, client, anthropicChat())} {
				require.Len(t, message.Content, 2)
				assert.Equal(t, "Hm.", message.Content[0].AsThinking().Thinking)
				assert.Equal(t, "Yes.", message.Content[1].AsText().Text)
			}
		})
	}
}

func TestAStreamedMessageIsTheWholeOne(t *testing.T) {
	for _, v := range anthropicViews {
		t.Run(v.dialect.Name(), func(t *testing.T) {
			t.Parallel()
			answer := sdktest.Turn{Text: []string{"Let me ", "see."}, Calls: sdktest.TwoCalls}
			r := sdktest.RelayTo(t, sdktest.NewProvider(t, v.dialect, answer))
			client := sdktest.AnthropicClient(r)
			params := anthropicChat(withAnthropicTools)
			whole, err := client.Messages.New(context.Background(), params)
			require.NoError(t, err)
			streamed := accumulate(t, client, params)
			assert.JSONEq(t, whole.RawJSON(), streamed.RawJSON())
		})
	}
}
