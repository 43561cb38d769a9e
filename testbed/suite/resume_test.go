package suite

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

	"one-api/testbed/standin"
)

// taking is a channel of a provider that takes part in the rescue of streams, in the way given. Only one that falls silent has a
// short clock.
func taking(p *provider, name string, priority int, resume string) string {
	clock := ""
	if slices.ContainsFunc(p.turns, func(answer turn) bool { return answer.fault == fallsSilent }) {
		clock = "idle: 300ms"
	}
	return strings.Replace(p.channel(name, priority, clock), "timeouts:", "resume: "+resume+", timeouts:", 1)
}

var breaks = []struct {
	name    string
	fault   fault
	outcome string
}{
	{"the connection breaks", breaksOff, "upstream_reset"},
	{"the stream ends without its terminator", endsShort, "upstream_truncated"},
	{"the stream falls silent", fallsSilent, "idle_timeout"},
	{"an error event comes", reportsError, "upstream_error_event"},
}

func TestAStreamThatBreaksOffIsFinishedByTheNextChannel(t *testing.T) {
	for _, s := range sdks {
		for _, pair := range [][2]dialect{
			{openAIDialect, openAIDialect}, {openAIDialect, anthropicDialect}, {anthropicDialect, openAIDialect},
			{anthropicDialect, anthropicDialect}, {xaiDialect, anthropicDialect},
		} {
			for _, c := range breaks {
				t.Run(s.name+", "+pair[0].name()+" and "+pair[1].name()+", "+c.name, func(t *testing.T) {
					first := newProvider(t, pair[0], turn{text: []string{"Once ", "upon ", "a "}, fault: c.fault})
					second := newProvider(t, pair[1], turn{thought: "Where was I?", text: []string{"upon a ", "time ", "there was."}})
					r := startRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
					before := runtime.NumGoroutine()

					text, err := s.ask(question{relay: r, onText: func(string) {}})
					require.NoError(t, err)
					assert.Equal(t, "Once upon a time there was.", text)
					assert.Equal(t, []string{c.outcome, "completed"}, r.outcomes(2))
					messages := jsonObjects(second.lastBody(t)["messages"])
					last := messages[len(messages)-1]
					assert.Equal(t, "assistant", last["role"])
					want := "Once upon a "
					if pair[1].name() == "anthropic" {
						want = "Once upon a" // it refuses white space at the end
					}
					assert.Equal(t, want, lastSaid(second.lastBody(t)))
					r.requireQuiet(before, first.upstream, second.upstream) // the request's end is recorded when its client has it all
					// It is logged behind that.
					r.eventually("the log says so", func() bool { return strings.Contains(r.log.String(), "attempts=2 resumed=1 ms=") })
					assert.Equal(t, 1, r.requestEnds()[0].Resumed)
					assert.Equal(t, "completed", r.requestEnds()[0].Outcome.String())
				})
			}
		}
	}
}

func TestAResumedStreamLooksLikeOne(t *testing.T) {
	first := newProvider(t, openAIDialect, turn{text: []string{"Once ", "upon "}, fault: endsShort})
	second := newProvider(t, anthropicDialect, turn{text: []string{"a ", "time."}})
	r := startRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))

	t.Run("to a client of chat completions", func(t *testing.T) {
		client := openAIClient(r)
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
		status, answer, _ := r.ask("/v1/messages", body)
		require.Equal(t, http.StatusOK, status)
		for event, times := range map[string]int{"message_start": 1, "content_block_start": 1, "content_block_stop": 1, "message_delta": 1, "message_stop": 1, "error": 0} {
			assert.Equal(t, times, strings.Count(answer, "event: "+event+"\n"), event)
		}
		assert.NotContains(t, answer, `"index":1`)
	})
}

func TestAStreamIsNotResumed(t *testing.T) {
	once := turn{text: []string{"Once ", "upon ", "a "}, fault: endsShort}
	rest := turn{text: []string{"time."}}
	refuses := turn{refused: &refusal{status: 400, kind: "invalid_request_error", message: "Prefilling assistant messages is not supported for this model."}}
	const plain = `{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"Hi!"}]%s}`
	for _, c := range []struct {
		name          string
		first, second turn
		resume        [2]string
		extra         string
		asked         int64 // how often the second channel is
	}{
		{"where no channel takes part", once, rest, [2]string{"~", "~"}, "", 0},
		{"where the channel that broke off takes no part", once, rest, [2]string{"false", "true"}, "", 0},
		{"where the other channel takes no part", once, rest, [2]string{"true", "false"}, "", 0},
		{"where the other channel refuses, to begin anew too", once, refuses, [2]string{"true", "true"}, "", 2},
		{"where the other channel begins a new answer", turn{text: []string{"The answer to your question is forty-"}, fault: endsShort}, turn{text: []string{"The answer to your question is easy."}}, [2]string{"true", "true"}, "", 1},
		{"where a tool was called", turn{text: []string{"Once "}, calls: twoCalls[:1], fault: endsShort}, rest, [2]string{"true", "true"}, "", 0},
		{"where several answers were asked for", once, rest, [2]string{"true", "true"}, `,"n":2`, 0},
		{"where the answer has to satisfy a schema", once, rest, [2]string{"true", "true"}, `,"response_format":{"type":"json_object"}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := newProvider(t, openAIDialect, c.first), newProvider(t, openAIDialect, c.second)
			r := startRelay(t, "channels:\n"+taking(first, "first", 10, c.resume[0])+taking(second, "second", 0, c.resume[1]))
			before := runtime.NumGoroutine()
			status, answer, _ := r.ask("/v1/chat/completions", fmt.Sprintf(plain, c.extra))
			require.Equal(t, http.StatusOK, status)
			assert.Contains(t, answer, "ended before it was complete", "why it broke off, not why it was not resumed")
			assert.NotContains(t, answer, "[DONE]")
			assert.Equal(t, c.asked, second.requests.Load())
			require.Eventually(t, func() bool { return len(r.requestEnds()) == 1 }, patience, time.Millisecond)
			assert.Equal(t, "upstream_truncated", r.requestEnds()[0].Outcome.String())
			r.requireQuiet(before, first.upstream, second.upstream)
		})
	}
}

func TestAStreamThatContinuesAMessageOfTheClientIsNotResumed(t *testing.T) {
	first, second := newProvider(t, openAIDialect, turn{text: []string{"upon "}, fault: endsShort}), newProvider(t, openAIDialect, turn{text: []string{"a time."}})
	r := startRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
	_, answer, _ := r.ask("/v1/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi!"},{"role":"assistant","content":"Once "}]}`)
	assert.Contains(t, answer, "ended before it was complete")
	assert.Zero(t, second.requests.Load())
}

func TestAStreamThatBreaksOffTwiceIsFinishedByTheThirdChannel(t *testing.T) {
	for _, s := range sdks {
		t.Run(s.name, func(t *testing.T) {
			first := newProvider(t, openAIDialect, turn{text: []string{"Once ", "upon "}, fault: breaksOff})
			second := newProvider(t, anthropicDialect, turn{text: []string{"a ", "time "}, fault: fallsSilent})
			third := newProvider(t, openAIDialect, turn{text: []string{"time there ", "was."}})
			r := startRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 5, "true")+taking(third, "third", 0, "true"))
			text, err := s.ask(question{relay: r, onText: func(string) {}})
			require.NoError(t, err)
			assert.Equal(t, "Once upon a time there was.", text)
			assert.Equal(t, []string{"upstream_reset", "idle_timeout", "completed"}, r.outcomes(3))
			assert.Equal(t, "Once upon a time ", lastSaid(third.lastBody(t)))
		})
	}
}

func TestAChannelThatRefusesToContinueIsPassedOver(t *testing.T) {
	first := newProvider(t, openAIDialect, turn{text: []string{"Once ", "upon "}, fault: breaksOff})
	second := newProvider(t, openAIDialect, turn{refused: &refusal{status: 400, kind: "invalid_request_error", message: "the last message must not be the assistant's"}})
	third := newProvider(t, openAIDialect, turn{text: []string{"a time."}})
	r := startRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 5, "true")+taking(third, "third", 0, "true"))
	text, err := askWithOpenAI(question{relay: r, onText: func(string) {}})
	require.NoError(t, err)
	assert.Equal(t, "Once upon a time.", text)
}

func TestAServerIsToldInItsOwnWordsToContinue(t *testing.T) {
	for _, c := range []struct{ resume, where, what string }{
		{"prefix", "the message", "prefix"},
		{"continue_final_message", "the request", "continue_final_message"},
	} {
		for _, s := range sdks {
			t.Run(c.resume+", "+s.name, func(t *testing.T) {
				first := newProvider(t, openAIDialect, turn{text: []string{"Once ", "upon "}, fault: breaksOff})
				second := newProvider(t, imitated{standin.OpenAI{Lenient: true}}, turn{text: []string{"a time."}})
				r := startRelay(t, "channels:\n"+taking(first, "first", 10, "~")+taking(second, "second", 0, c.resume))
				text, err := s.ask(question{relay: r, onText: func(string) {}})
				require.NoError(t, err)
				assert.Equal(t, "Once upon a time.", text)
				body := second.lastBody(t)
				messages := jsonObjects(body["messages"])
				told := map[string]any{"the message": messages[len(messages)-1][c.what], "the request": body[c.what]}
				assert.Equal(t, true, told[c.where])
			})
		}
	}
}

func TestAStreamThatBreaksOffBeforeItsTextIsBegunAgain(t *testing.T) {
	// The first event of either format is framing: nothing has to be continued, and any channel can do it.
	for _, d := range []dialect{openAIDialect, anthropicDialect} {
		for _, s := range sdks {
			t.Run(d.name()+", "+s.name, func(t *testing.T) {
				first := newProvider(t, d, turn{fault: fallsSilent})
				second := newProvider(t, openAIDialect, turn{text: []string{"All ", "of it."}})
				r := startRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
				text, err := s.ask(question{relay: r, onText: func(string) {}})
				require.NoError(t, err)
				assert.Equal(t, "All of it.", text)
				messages := jsonObjects(second.lastBody(t)["messages"])
				assert.Equal(t, "user", messages[len(messages)-1]["role"])
			})
		}
	}
}
