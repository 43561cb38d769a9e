package failover

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// taking is a channel of a provider that takes part in the rescue of streams, in the way given. Only one that falls silent has a
// short clock.
func taking(p *sdktest.Provider, name string, priority int, resume string) string {
	clock := ""
	if slices.ContainsFunc(p.Turns, func(answer sdktest.Turn) bool { return answer.Fault == sdktest.FallsSilent }) {
		clock = "idle: 300ms"
	}
	return strings.Replace(p.Channel(name, priority, clock), "timeouts:", "resume: "+resume+", timeouts:", 1)
}

var breaks = []struct {
	name    string
	fault   sdktest.Fault
	outcome string
}{
	{"the connection breaks", sdktest.BreaksOff, "upstream_reset"},
	{"the stream ends without its terminator", sdktest.EndsShort, "upstream_truncated"},
	{"the stream falls silent", sdktest.FallsSilent, "idle_timeout"},
	{"an error event comes", sdktest.ReportsError, "upstream_error_event"},
}

func TestAStreamThatBreaksOffIsFinishedByTheNextChannel(t *testing.T) {
	for _, s := range sdktest.Sdks {
		for _, pair := range [][2]sdktest.Dialect{
			{sdktest.OpenAIDialect, sdktest.OpenAIDialect}, {sdktest.OpenAIDialect, sdktest.AnthropicDialect}, {sdktest.AnthropicDialect, sdktest.OpenAIDialect},
			{sdktest.AnthropicDialect, sdktest.AnthropicDialect}, {sdktest.XaiDialect, sdktest.AnthropicDialect},
		} {
			for _, c := range breaks {
				t.Run(s.Name+", "+pair[0].Name()+" and "+pair[1].Name()+", "+c.name, func(t *testing.T) {
					first := sdktest.NewProvider(t, pair[0], sdktest.Turn{Text: []string{"Once ", "upon ", "a "}, Fault: c.fault})
					second := sdktest.NewProvider(t, pair[1], sdktest.Turn{Thought: "Where was I?", Text: []string{"upon a ", "time ", "there was."}})
					r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
					before := runtime.NumGoroutine()

					text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
					require.NoError(t, err)
					assert.Equal(t, "Once upon a time there was.", text)
					assert.Equal(t, []string{c.outcome, "completed"}, r.Outcomes(2))
					messages := sdktest.JsonObjects(second.LastBody(t)["messages"])
					last := messages[len(messages)-1]
					assert.Equal(t, "assistant", last["role"])
					want := "Once upon a "
					if pair[1].Name() == "anthropic" {
						want = "Once upon a" // it refuses white space at the end
					}
					assert.Equal(t, want, sdktest.LastSaid(second.LastBody(t)))
					r.RequireQuiet(before, first.Upstream, second.Upstream) // the request's end is recorded when its client has it all
					// It is logged behind that.
					r.Eventually("the log says so", func() bool { return strings.Contains(r.Log.String(), "attempts=2 resumed=1 ms=") })
					assert.Equal(t, 1, r.RequestEnd(0).Resumed)
					assert.Equal(t, "completed", r.RequestEnd(0).Outcome.String())
				})
			}
		}
	}
}

func TestAResumedStreamLooksLikeOne(t *testing.T) {
	first := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Once ", "upon "}, Fault: sdktest.EndsShort})
	second := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"a ", "time."}})
	r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))

	t.Run("to a client of chat completions", func(t *testing.T) {
		client := sdktest.OpenAIClient(r)
		stream := client.Chat.Completions.NewStreaming(t.Context(), openaisdk.ChatCompletionNewParams{
			Model: "m", Messages: []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage("Hi!")},
			StreamOptions: openaisdk.ChatCompletionStreamOptionsParam{IncludeUsage: openaisdk.Bool(true)},
		})
		var sum openaisdk.ChatCompletionAccumulator
		roles := 0
		for stream.Next() {
			require.True(t, sum.AddChunk(stream.Current()), "a chunk of another stream")
			for _, choice := range stream.Current().Choices {
				if choice.Delta.Role != "" {
					roles++
				}
			}
		}
		require.NoError(t, stream.Err())
		assert.Equal(t, "Once upon a time.", sum.Choices[0].Message.Content)
		assert.Equal(t, "stop", sum.Choices[0].FinishReason)
		assert.LessOrEqual(t, roles, 1)
		assert.Positive(t, sum.Usage.CompletionTokens)
	})
	t.Run("to a client of messages", func(t *testing.T) {
		body := `{"model":"m","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hi!"}]}`
		status, answer, _ := r.Ask("/v1/messages", body)
		require.Equal(t, http.StatusOK, status)
		for event, times := range map[string]int{"message_start": 1, "content_block_start": 1, "content_block_stop": 1, "message_delta": 1, "message_stop": 1, "error": 0} {
			assert.Equal(t, times, strings.Count(answer, "event: "+event+"\n"), event)
		}
		assert.NotContains(t, answer, `"index":1`)
	})
}

func TestAStreamIsNotResumed(t *testing.T) {
	once := sdktest.Turn{Text: []string{"Once ", "upon ", "a "}, Fault: sdktest.EndsShort}
	rest := sdktest.Turn{Text: []string{"time."}}
	refuses := sdktest.Turn{Refused: &sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "Prefilling assistant messages is not supported for this model."}}
	const plain = `{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"Hi!"}]%s}`
	for _, c := range []struct {
		name          string
		first, second sdktest.Turn
		resume        [2]string
		extra         string
		asked         int64 // how often the second channel is
	}{
		{"where no channel takes part", once, rest, [2]string{"~", "~"}, "", 0},
		{"where the channel that broke off takes no part", once, rest, [2]string{"false", "true"}, "", 0},
		{"where the other channel takes no part", once, rest, [2]string{"true", "false"}, "", 0},
		{"where the other channel refuses, to begin anew too", once, refuses, [2]string{"true", "true"}, "", 2},
		{"where the other channel begins a new answer", sdktest.Turn{Text: []string{"The answer to your question is forty-"}, Fault: sdktest.EndsShort}, sdktest.Turn{Text: []string{"The answer to your question is easy."}}, [2]string{"true", "true"}, "", 1},
		{"where a tool was called", sdktest.Turn{Text: []string{"Once "}, Calls: sdktest.TwoCalls[:1], Fault: sdktest.EndsShort}, rest, [2]string{"true", "true"}, "", 0},
		{"where several answers were asked for", once, rest, [2]string{"true", "true"}, `,"n":2`, 0},
		{"where the answer has to satisfy a schema", once, rest, [2]string{"true", "true"}, `,"response_format":{"type":"json_object"}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := sdktest.NewProvider(t, sdktest.OpenAIDialect, c.first), sdktest.NewProvider(t, sdktest.OpenAIDialect, c.second)
			r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, c.resume[0])+taking(second, "second", 0, c.resume[1]))
			before := runtime.NumGoroutine()
			status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(plain, c.extra))
			require.Equal(t, http.StatusOK, status)
			assert.Contains(t, answer, "ended before it was complete", "why it broke off, not why it was not resumed")
			assert.NotContains(t, answer, "[DONE]")
			assert.Equal(t, c.asked, second.Requests.Load())
			require.Eventually(t, func() bool { return len(r.RequestEnds()) == 1 }, harness.Patience, time.Millisecond)
			assert.Equal(t, "upstream_truncated", r.RequestEnd(0).Outcome.String())
			r.RequireQuiet(before, first.Upstream, second.Upstream)
		})
	}
}

func TestAStreamThatContinuesAMessageOfTheClientIsNotResumed(t *testing.T) {
	first, second := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"upon "}, Fault: sdktest.EndsShort}), sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"a time."}})
	r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
	_, answer, _ := r.Ask("/v1/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi!"},{"role":"assistant","content":"Once "}]}`)
	assert.Contains(t, answer, "ended before it was complete")
	assert.Zero(t, second.Requests.Load())
}

func TestAStreamThatBreaksOffTwiceIsFinishedByTheThirdChannel(t *testing.T) {
	for _, s := range sdktest.Sdks {
		t.Run(s.Name, func(t *testing.T) {
			first := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Once ", "upon "}, Fault: sdktest.BreaksOff})
			second := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"a ", "time "}, Fault: sdktest.FallsSilent})
			third := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"time there ", "was."}})
			r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 5, "true")+taking(third, "third", 0, "true"))
			text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
			require.NoError(t, err)
			assert.Equal(t, "Once upon a time there was.", text)
			assert.Equal(t, []string{"upstream_reset", "idle_timeout", "completed"}, r.Outcomes(3))
			assert.Equal(t, "Once upon a time ", sdktest.LastSaid(third.LastBody(t)))
		})
	}
}

func TestAChannelThatRefusesToContinueIsPassedOver(t *testing.T) {
	first := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Once ", "upon "}, Fault: sdktest.BreaksOff})
	second := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Refused: &sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Message: "the last message must not be the assistant's"}})
	third := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"a time."}})
	r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 5, "true")+taking(third, "third", 0, "true"))
	text, err := sdktest.AskWithOpenAI(sdktest.Question{Relay: r, OnText: func(string) {}})
	require.NoError(t, err)
	assert.Equal(t, "Once upon a time.", text)
}

func TestAServerIsToldInItsOwnWordsToContinue(t *testing.T) {
	for _, c := range []struct{ resume, where, what string }{
		{"prefix", "the message", "prefix"},
		{"continue_final_message", "the request", "continue_final_message"},
	} {
		for _, s := range sdktest.Sdks {
			t.Run(c.resume+", "+s.Name, func(t *testing.T) {
				first := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"Once ", "upon "}, Fault: sdktest.BreaksOff})
				second := sdktest.NewProvider(t, sdktest.Imitated{Of: standin.OpenAI{Lenient: true}}, sdktest.Turn{Text: []string{"a time."}})
				r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "~")+taking(second, "second", 0, c.resume))
				text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
				require.NoError(t, err)
				assert.Equal(t, "Once upon a time.", text)
				body := second.LastBody(t)
				messages := sdktest.JsonObjects(body["messages"])
				told := map[string]any{"the message": messages[len(messages)-1][c.what], "the request": body[c.what]}
				assert.Equal(t, true, told[c.where])
			})
		}
	}
}

func TestAStreamThatBreaksOffBeforeItsTextIsBegunAgain(t *testing.T) {
	// The first event of either format is framing: nothing has to be continued, and any channel can do it.
	for _, d := range []sdktest.Dialect{sdktest.OpenAIDialect, sdktest.AnthropicDialect} {
		for _, s := range sdktest.Sdks {
			t.Run(d.Name()+", "+s.Name, func(t *testing.T) {
				first := sdktest.NewProvider(t, d, sdktest.Turn{Fault: sdktest.FallsSilent})
				second := sdktest.NewProvider(t, sdktest.OpenAIDialect, sdktest.Turn{Text: []string{"All ", "of it."}})
				r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
				text, err := s.Ask(sdktest.Question{Relay: r, OnText: func(string) {}})
				require.NoError(t, err)
				assert.Equal(t, "All of it.", text)
				messages := sdktest.JsonObjects(second.LastBody(t)["messages"])
				assert.Equal(t, "user", messages[len(messages)-1]["role"])
			})
		}
	}
}
