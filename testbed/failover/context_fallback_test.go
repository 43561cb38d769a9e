package failover

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

func TestWhatIsTooLongForAModelIsAskedOfTheLargerOne(t *testing.T) {
	for _, c := range []struct{ kind, path string }{
		{"openai", "/v1/chat/completions"}, {"anthropic", "/v1/messages"}, {"anthropic", "/v1/chat/completions"}, {"openai", "/v1/messages"},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s to a channel of type %s, stream %t", c.path, c.kind, stream), func(t *testing.T) {
				small, large := harness.NewUpstream(t, false, harness.TooLong("small")), harness.NewUpstream(t, false, harness.TooLong())
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [k], models: [small]}\n  - {name: b, type: %s, base_url: %q, keys: [k], models: [large]}\ncontext_fallback: {small: large}\n",
					c.kind, small.URL, c.kind, large.URL), harness.WithEnv("RETRY_TIMES", "0"))
				before := runtime.NumGoroutine()
				status, answer, header := r.Ask(c.path, fmt.Sprintf(`{"max_tokens":64, "model" : "small" ,"stream":%t,"messages":[{"role":"user","content":"small is the model"}]}`, stream))
				require.Equal(t, 200, status, answer)
				assert.Contains(t, answer, "hello")
				assert.Equal(t, "large", header.Get("X-Oneapi-Fallback"))
				assert.Equal(t, "large", large.LastBody(t)["model"])
				assert.EqualValues(t, 1, small.Requests.Load(), "the same model is not asked again")
				assert.Equal(t, []string{"upstream_status", "completed"}, r.Outcomes(2))
				r.Eventually("its end", func() bool { return len(r.RequestEnds()) == 1 })
				end := r.RequestEnd(0)
				assert.Equal(t, "small", end.Model, "as it was asked for")
				assert.Equal(t, "large", end.Fallback)
				assert.Equal(t, "completed", end.Outcome.String())
				r.RequireQuiet(before, small, large)
			})
		}
	}
}

func TestAModelMayHaveALargerOneThatHasALargerOne(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.TooLong("small", "upstream-large"))
	r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: openai, base_url: %q, models: [small, large, huge], model_mapping: {large: upstream-large}}]\ncontext_fallback: {small: large, large: huge}\n", u.URL))
	status, answer, header := r.Ask("/v1/chat/completions", `{"model":"small","messages":[]}`)
	require.Equal(t, 200, status, answer)
	assert.Equal(t, "huge", header.Get("X-Oneapi-Fallback"))
	assert.Equal(t, "huge", u.LastBody(t)["model"])
	r.Outcomes(3)
}

func TestALargerModelIsNotAskedByThoseWhoMayNotUseIt(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.TooLong("small", "large"))
	good := harness.NewUpstream(t, false, harness.TooLong())
	yaml := `channels:
  - {name: a, type: openai, base_url: %q, models: [small, other]}
  - {name: b, type: openai, base_url: %q, models: [large], groups: [%s]}
tokens: [{name: test, key: ` + harness.Key + `, models: [%s]}]
context_fallback: {small: large}
`
	for name, c := range map[string]struct{ group, models, ask, word string }{
		"the token's list lacks it":  {"default", "small, other", "small", "context_length_exceeded"},
		"its groups lack it":         {"paid", "small, large", "small", "context_length_exceeded"},
		"there is no larger one":     {"default", "", "other", ""},
		"it is asked for by another": {"default", "", "unknown", "model_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			r := harness.StartRelay(t, fmt.Sprintf(yaml, u.URL, good.URL, c.group, c.models))
			status, answer, header := r.Ask("/v1/chat/completions", `{"model":"`+c.ask+`","messages":[]}`)
			assert.Contains(t, answer, c.word)
			assert.Empty(t, header.Get("X-Oneapi-Fallback"))
			if c.word != "" {
				assert.GreaterOrEqual(t, status, 400)
			}
			assert.Zero(t, good.Requests.Load())
		})
	}
}

func TestWhereTheLargerModelFailsTooTheClientIsToldThatItAskedTooMuch(t *testing.T) {
	small, large := harness.NewUpstream(t, false, harness.TooLong("small")), harness.NewUpstream(t, false, harness.Refusing(503))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, models: [small]}\n  - {name: b, type: openai, base_url: %q, models: [large]}\ncontext_fallback: {small: large}\n", small.URL, large.URL))
	status, answer, header := r.Ask("/v1/chat/completions", `{"model":"small","messages":[]}`)
	assert.Equal(t, 400, status)
	assert.Equal(t, "context_length_exceeded", harness.ErrorOf(t, answer)["code"])
	assert.Empty(t, header.Get("X-Oneapi-Fallback"), "nothing was answered by it")
	assert.Equal(t, []string{"upstream_status", "upstream_status", "upstream_status"}, r.Outcomes(3), "once more where no other is left")
}

func TestOtherRefusalsAreNotTakenForAnOverflow(t *testing.T) {
	for _, refused := range []string{
		`{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","code":"content_policy_violation"}}`,
		`{"error":{"message":"Invalid value for max_tokens.","type":"invalid_request_error"}}`,
	} {
		u, large := harness.NewUpstream(t, false, harness.Answers(400, refused)), harness.NewUpstream(t, false, harness.TooLong())
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, models: [small]}\n  - {name: b, type: openai, base_url: %q, models: [large]}\ncontext_fallback: {small: large}\n", u.URL, large.URL))
		status, _, _ := r.Ask("/v1/chat/completions", `{"model":"small","messages":[]}`)
		assert.Equal(t, 400, status)
		assert.Zero(t, large.Requests.Load())
	}
}
