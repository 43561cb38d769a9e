package sdk

import (
	"context"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/sdktest"
)

// openAIView is how an answer of a provider looks to OpenAI's SDK.
type openAIView struct {
	dialect          sdktest.Dialect
	id, model        string
	total, reasoning int64
	recorded         wire.Usage // what the relay has counted
}

var openAIViews = []openAIView{
	{sdktest.OpenAIDialect, sdktest.OpenAIAnswerID, sdktest.OpenAIAnswering, 32, 0, wire.Usage{Uncached: sdktest.CostInput - sdktest.CostCached, CacheRead: sdktest.CostCached, Text: sdktest.CostOutput}},
	{sdktest.AnthropicDialect, sdktest.AnthropicAnswerID, sdktest.AnthropicAnswering, 32, 0, wire.Usage{Uncached: sdktest.CostFresh, CacheWrite5m: sdktest.CostWritten, CacheRead: sdktest.CostCached, Text: sdktest.CostOutput}},
	{sdktest.XaiDialect, sdktest.OpenAIAnswerID, sdktest.XaiAnswering, 37, sdktest.XaiReasoning, wire.Usage{Uncached: sdktest.CostInput - sdktest.CostCached, CacheRead: sdktest.CostCached, Text: sdktest.CostOutput + sdktest.XaiReasoning, Reasoning: sdktest.XaiReasoning}},
}

func (v openAIView) requireUsage(t *testing.T, u openaisdk.CompletionUsage) {
	t.Helper()
	assert.EqualValues(t, sdktest.CostInput, u.PromptTokens)
	assert.EqualValues(t, sdktest.CostCached, u.PromptTokensDetails.CachedTokens)
	assert.EqualValues(t, sdktest.CostOutput, u.CompletionTokens)
	assert.Equal(t, v.reasoning, u.CompletionTokensDetails.ReasoningTokens)
	assert.Equal(t, v.total, u.TotalTokens)
}

func TestOpenAIsSDKGetsAWholeAnswerFromEveryTypeOfChannel(t *testing.T) {
	for _, v := range openAIViews {
		t.Run(v.dialect.Name(), func(t *testing.T) {
			t.Parallel()
			p := sdktest.NewProvider(t, v.dialect, sdktest.Turn{Text: []string{"Good ", "day <&> ", "世界 \"too\"\n"}})
			r := sdktest.RelayTo(t, p)
			client := sdktest.OpenAIClient(r)
			completion, err := client.Chat.Completions.New(context.Background(), sdktest.OpenAIChat())
			require.NoError(t, err)

			assert.Equal(t, v.id, completion.ID)
			assert.EqualValues(t, "chat.completion", completion.Object)
			assert.Equal(t, v.model, completion.Model, "what the upstream said, not what was asked for")
			assert.NotZero(t, completion.Created)
			require.Len(t, completion.Choices, 1)
			assert.EqualValues(t, "assistant", completion.Choices[0].Message.Role)
			assert.Equal(t, "Good day <&> 世界 \"too\"\n", completion.Choices[0].Message.Content)
			assert.Empty(t, completion.Choices[0].Message.ToolCalls)
			assert.Equal(t, "stop", completion.Choices[0].FinishReason)
			v.requireUsage(t, completion.Usage)

			assert.Equal(t, v.dialect.Model(), p.LastBody(t)["model"], "the mapped model")
			assert.Equal(t, []string{"completed"}, r.Outcomes(1))
			assert.Equal(t, v.recorded, r.Attempt(0).Usage)
		})
	}
}

func TestOpenAIsSDKAccumulatesAStreamOfEveryTypeOfChannel(t *testing.T) {
	for _, v := range openAIViews {
		for _, asksForUsage := range []bool{false, true} {
			name := v.dialect.Name()
			if asksForUsage {
				name += " with usage"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, v.dialect, sdktest.Turn{Text: []string{"Good ", "day <&> ", "世", "界 \"too\"\n"}})
				r := sdktest.RelayTo(t, p)
				params := sdktest.OpenAIChat()
				if asksForUsage {
					params.StreamOptions.IncludeUsage = openaisdk.Bool(true)
				}
				client := sdktest.OpenAIClient(r)
				stream := client.Chat.Completions.NewStreaming(context.Background(), params)
				defer func() { _ = stream.Close() }()
				var acc openaisdk.ChatCompletionAccumulator
				var pieces []string
				finished, withUsage := 0, 0
				for stream.Next() {
					chunk := stream.Current()
					require.True(t, acc.AddChunk(chunk), chunk.RawJSON())
					assert.EqualValues(t, "chat.completion.chunk", chunk.Object)
					assert.Equal(t, v.model, chunk.Model)
					if len(chunk.Choices) == 0 {
						require.Equal(t, 1, finished, "a chunk without a choice before the end: %s", chunk.RawJSON())
					}
					for _, choice := range chunk.Choices {
						if choice.Delta.Content != "" {
							pieces = append(pieces, choice.Delta.Content)
						}
						if choice.FinishReason != "" {
							finished++
						}
					}
					if chunk.JSON.Usage.Valid() {
						withUsage++
					}
				}
				require.NoError(t, stream.Err())

				assert.Equal(t, []string{"Good ", "day <&> ", "世", "界 \"too\"\n"}, pieces, "piece by piece")
				assert.Equal(t, v.id, acc.ID)
				require.Len(t, acc.Choices, 1)
				assert.EqualValues(t, "assistant", acc.Choices[0].Message.Role)
				assert.Equal(t, "stop", acc.Choices[0].FinishReason)
				assert.Equal(t, 1, finished)
				assert.Equal(t, []string{"completed"}, r.Outcomes(1))
				if asksForUsage {
					assert.Equal(t, 1, withUsage, "one chunk with usage")
					v.requireUsage(t, acc.Usage)
					assert.Equal(t, v.recorded, r.Attempt(0).Usage)
				} else {
					assert.Zero(t, withUsage, "nobody asked for usage")
				}
				assert.Equal(t, v.dialect.Model(), p.LastBody(t)["model"], "the mapped model")
			})
		}
	}
}

func TestOpenAIsSDKSeesTheReasoningOfOtherProviders(t *testing.T) {
	for _, d := range []sdktest.Dialect{sdktest.AnthropicDialect, sdktest.XaiDialect} {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			r := sdktest.RelayTo(t, sdktest.NewProvider(t, d, sdktest.Turn{Thought: "Hm, \"well\".", Text: []string{"Yes."}}))
			client := sdktest.OpenAIClient(r)
			completion, err := client.Chat.Completions.New(context.Background(), sdktest.OpenAIChat())
			require.NoError(t, err)
			assert.Equal(t, "Yes.", completion.Choices[0].Message.Content)
			assert.Equal(t, `"Hm, \"well\"."`, completion.Choices[0].Message.JSON.ExtraFields["reasoning_content"].Raw())

			stream := client.Chat.Completions.NewStreaming(context.Background(), sdktest.OpenAIChat())
			defer func() { _ = stream.Close() }()
			var thought, said string
			for stream.Next() {
				for _, choice := range stream.Current().Choices {
					thought += choice.Delta.JSON.ExtraFields["reasoning_content"].Raw()
					said += choice.Delta.Content
				}
			}
			require.NoError(t, stream.Err())
			assert.Equal(t, `"Hm, \"well\"."`, thought)
			assert.Equal(t, "Yes.", said)
		})
	}
}
