package suite

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
)

// tooLong refuses what is asked of the small model, in the words of OpenAI and of Anthropic, and answers what is asked of others.
func tooLong(small ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked struct {
			Model  string
			Stream bool
		}
		_ = json.Unmarshal(body, &asked)
		for _, model := range small {
			if asked.Model != model {
				continue
			}
			if strings.HasSuffix(r.URL.Path, "/messages") {
				answers(400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`)(w, r)
			} else {
				answers(400, `{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`)(w, r)
			}
			return
		}
		spoken := voiceFor(r)
		if asked.Stream {
			variant{stream: true}.header(w)
			say(w, spoken.opening("hello")+spoken.closing())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		say(w, spoken.whole("hello"))
	}
}

func TestWhatIsTooLongForAModelIsAskedOfTheLargerOne(t *testing.T) {
	for _, c := range []struct{ kind, path string }{
		{"openai", "/v1/chat/completions"}, {"anthropic", "/v1/messages"}, {"anthropic", "/v1/chat/completions"}, {"openai", "/v1/messages"},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s to a channel of type %s, stream %t", c.path, c.kind, stream), func(t *testing.T) {
				small, large := newUpstream(t, false, tooLong("small")), newUpstream(t, false, tooLong())
				r := startRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [k], models: [small]}\n  - {name: b, type: %s, base_url: %q, keys: [k], models: [large]}\ncontext_fallback: {small: large}\n",
					c.kind, small.URL, c.kind, large.URL), withEnv("RETRY_TIMES", "0"))
				before := runtime.NumGoroutine()
				status, answer, header := r.ask(c.path, fmt.Sprintf(`{"max_tokens":64, "model" : "small" ,"stream":%t,"messages":[{"role":"user","content":"small is the model"}]}`, stream))
				require.Equal(t, 200, status, answer)
				assert.Contains(t, answer, "hello")
				assert.Equal(t, "large", header.Get("X-Oneapi-Fallback"))
				assert.Equal(t, "large", large.lastBody(t)["model"])
				assert.EqualValues(t, 1, small.requests.Load(), "the same model is not asked again")
				assert.Equal(t, []string{"upstream_status", "completed"}, r.outcomes(2))
				r.eventually("its end", func() bool { return len(r.requestEnds()) == 1 })
				end := r.requestEnds()[0]
				assert.Equal(t, "small", end.Model, "as it was asked for")
				assert.Equal(t, "large", end.Fallback)
				assert.Equal(t, "completed", end.Outcome.String())
				r.requireQuiet(before, small, large)
			})
		}
	}
}

func TestAModelMayHaveALargerOneThatHasALargerOne(t *testing.T) {
	u := newUpstream(t, false, tooLong("small", "upstream-large"))
	r := startRelay(t, fmt.Sprintf("channels: [{name: a, type: openai, base_url: %q, models: [small, large, huge], model_mapping: {large: upstream-large}}]\ncontext_fallback: {small: large, large: huge}\n", u.URL))
	status, answer, header := r.ask("/v1/chat/completions", `{"model":"small","messages":[]}`)
	require.Equal(t, 200, status, answer)
	assert.Equal(t, "huge", header.Get("X-Oneapi-Fallback"))
	assert.Equal(t, "huge", u.lastBody(t)["model"])
	r.outcomes(3)
}

func TestALargerModelIsNotAskedByThoseWhoMayNotUseIt(t *testing.T) {
	u := newUpstream(t, false, tooLong("small", "large"))
	good := newUpstream(t, false, tooLong())
	yaml := `channels:
  - {name: a, type: openai, base_url: %q, models: [small, other]}
  - {name: b, type: openai, base_url: %q, models: [large], groups: [%s]}
tokens: [{name: test, key: ` + testKey + `, models: [%s]}]
context_fallback: {small: large}
`
	for name, c := range map[string]struct{ group, models, ask, word string }{
		"the token's list lacks it":  {"default", "small, other", "small", "context_length_exceeded"},
		"its groups lack it":         {"paid", "small, large", "small", "context_length_exceeded"},
		"there is no larger one":     {"default", "", "other", ""},
		"it is asked for by another": {"default", "", "unknown", "model_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRelay(t, fmt.Sprintf(yaml, u.URL, good.URL, c.group, c.models))
			status, answer, header := r.ask("/v1/chat/completions", `{"model":"`+c.ask+`","messages":[]}`)
			assert.Contains(t, answer, c.word)
			assert.Empty(t, header.Get("X-Oneapi-Fallback"))
			if c.word != "" {
				assert.GreaterOrEqual(t, status, 400)
			}
			assert.Zero(t, good.requests.Load())
		})
	}
}

func TestWhereTheLargerModelFailsTooTheClientIsToldThatItAskedTooMuch(t *testing.T) {
	small, large := newUpstream(t, false, tooLong("small")), newUpstream(t, false, refusing(503))
	r := startRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, models: [small]}\n  - {name: b, type: openai, base_url: %q, models: [large]}\ncontext_fallback: {small: large}\n", small.URL, large.URL))
	status, answer, header := r.ask("/v1/chat/completions", `{"model":"small","messages":[]}`)
	assert.Equal(t, 400, status)
	assert.Equal(t, "context_length_exceeded", errorOf(t, answer)["code"])
	assert.Empty(t, header.Get("X-Oneapi-Fallback"), "nothing was answered by it")
	assert.Equal(t, []string{"upstream_status", "upstream_status", "upstream_status"}, r.outcomes(3), "once more where no other is left")
}

func TestOtherRefusalsAreNotTakenForAnOverflow(t *testing.T) {
	for _, refused := range []string{
		`{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","code":"content_policy_violation"}}`,
		`{"error":{"message":"Invalid value for max_tokens.","type":"invalid_request_error"}}`,
	} {
		u, large := newUpstream(t, false, answers(400, refused)), newUpstream(t, false, tooLong())
		r := startRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, models: [small]}\n  - {name: b, type: openai, base_url: %q, models: [large]}\ncontext_fallback: {small: large}\n", u.URL, large.URL))
		status, _, _ := r.ask("/v1/chat/completions", `{"model":"small","messages":[]}`)
		assert.Equal(t, 400, status)
		assert.Zero(t, large.requests.Load())
	}
}
