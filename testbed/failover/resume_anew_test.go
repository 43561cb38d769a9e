package failover

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// noPrefill is a model that refuses to continue a message, and answers with these words otherwise.
func noPrefill(status int, words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked struct{ Messages []struct{ Role string } }
		_ = json.Unmarshal(body, &asked)
		if asked.Messages[len(asked.Messages)-1].Role == "assistant" {
			harness.Answers(status, `{"type":"error","error":{"message":"This model does not support assistant message prefill. The conversation must end with a user message.","type":"invalid_request_error"}}`)(w, r)
			return
		}
		spoken := harness.VoiceFor(r)
		harness.Variant{Stream: true}.Header(w)
		harness.Say(w, spoken.Opening(words[0]))
		for _, word := range words[1:] {
			harness.Say(w, spoken.More(word))
		}
		harness.Say(w, spoken.Closing())
	}
}

// cutAfter begins to answer, and breaks off.
func cutAfter(words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		spoken := harness.VoiceFor(r)
		harness.Variant{Stream: true}.Header(w)
		harness.Say(w, spoken.Opening(words[0]))
		for _, word := range words[1:] {
			harness.Say(w, spoken.More(word))
		}
	}
}

func TestARescueThatIsRefusedBeginsAnewAndSaysNothingTwice(t *testing.T) {
	for _, c := range []struct{ kind, path string }{
		{"openai", "/v1/chat/completions"}, {"anthropic", "/v1/messages"}, {"anthropic", "/v1/chat/completions"}, {"openai", "/v1/messages"},
	} {
		for _, status := range []int{400, 422} {
			t.Run(fmt.Sprintf("%s to a channel of type %s, refused with %d", c.path, c.kind, status), func(t *testing.T) {
				first := harness.NewUpstream(t, false, cutAfter("Once ", "upon "))
				second := harness.NewUpstream(t, false, noPrefill(status, "Once up", "on a ", "time."))
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [k], models: [m], priority: 10, resume: true}\n  - {name: b, type: %s, base_url: %q, keys: [k], models: [m]}\n",
					c.kind, first.URL, c.kind, second.URL), harness.WithEnv("RETRY_TIMES", "2"))
				before := runtime.NumGoroutine()
				_, answer, _ := r.Ask(c.path, `{"model":"m","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}`)
				assert.Equal(t, []string{"upstream_truncated", "upstream_status", "completed"}, r.Outcomes(3))
				assert.NotContains(t, answer, "error")
				assert.Equal(t, "Once upon a time.", textOf(answer))
				assert.EqualValues(t, 2, second.Requests.Load())
				r.RequireQuiet(before, first, second)
				second.Mu.Lock()
				defer second.Mu.Unlock()
				assert.Contains(t, string(second.Bodies[0]), `Once upon`)
				assert.NotContains(t, string(second.Bodies[1]), `Once upon`, "it is asked as the client asked")
			})
		}
	}
}

// textOf is the text of a stream in either format.
func textOf(stream string) (text string) {
	for line := range strings.SplitSeq(stream, "\n") {
		var event struct {
			Choices []struct{ Delta struct{ Content string } }
			Delta   struct{ Text string }
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || json.Unmarshal([]byte(data), &event) != nil {
			continue
		}
		text += event.Delta.Text
		for _, choice := range event.Choices {
			text += choice.Delta.Content
		}
	}
	return text
}

func TestAnAnswerThatIsBegunAnewAndDiffersEndsInTheErrorOfTheFirst(t *testing.T) {
	for name, words := range map[string][]string{"it says something else": {"Twice ", "upon a time."}, "it is shorter": {"Once"}} {
		t.Run(name, func(t *testing.T) {
			first, second := harness.NewUpstream(t, false, cutAfter("Once ", "upon ")), harness.NewUpstream(t, false, noPrefill(400, words...))
			r := harness.StartRelay(t, harness.TwoChannels(first, second, ", resume: true"))
			status, answer, _ := r.Ask("/v1/chat/completions", harness.ChatStream)
			require.Equal(t, 200, status)
			assert.Equal(t, "Once upon ", textOf(answer))
			assert.Contains(t, answer, `"code":"upstream_truncated"`, "why it broke off, and not why it could not be finished")
			assert.NotContains(t, answer, "prefill")
			assert.NotContains(t, answer, "[DONE]")
			r.Eventually("its end", func() bool { return len(r.RequestEnds()) == 1 })
			assert.Equal(t, "upstream_truncated", r.RequestEnd(0).Outcome.String())
		})
	}
}

func TestAStreamOfTheOnlyChannelIsFinishedByItself(t *testing.T) {
	for _, c := range []struct {
		name  string
		first http.HandlerFunc
		env   string
		text  string
	}{
		{"it was cut", cutAfter("Once ", "upon "), "3", "Once upon a time."},
		{"it was reset", func(w http.ResponseWriter, r *http.Request) {
			cutAfter("Once ", "upon ")(w, r)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "3", "Once upon a time."},
		{"there are no further attempts", cutAfter("Once ", "upon "), "0", "Once upon "},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, inTurn(c.first, func(w http.ResponseWriter, r *http.Request) {
				spoken := harness.VoiceFor(r)
				harness.Variant{Stream: true}.Header(w)
				harness.Say(w, spoken.Opening("a time.")+spoken.Closing())
			}))
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", resume: true"), harness.WithEnv("RETRY_TIMES", c.env))
			before := runtime.NumGoroutine()
			_, answer, _ := r.Ask("/v1/chat/completions", harness.ChatStream)
			assert.Equal(t, c.text, textOf(answer))
			assert.Equal(t, c.env != "0", strings.Contains(answer, "[DONE]"))
			r.RequireQuiet(before, u)
		})
	}
}
