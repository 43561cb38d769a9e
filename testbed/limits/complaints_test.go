package limits

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// TestAModelThatNobodyKnowsThePriceOfIsSaidToBeOneEverywhere: it costs nothing that anybody knows, and that is not the same as nothing.
func TestAModelThatNobodyKnowsThePriceOfIsSaidToBeOneEverywhere(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, costly))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, "")+"tokens:\n  - {name: t, key: "+harness.Key+"}\n", harness.WithLedger(),
		harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	status, _, header := r.Ask("/v1/chat/completions", ask)
	require.Equal(t, 200, status)
	r.Eventually("it has ended", func() bool { return len(r.RequestEnds()) == 1 })
	require.False(t, r.Attempt(0).Cost.Priced)
	var used struct {
		Data []struct {
			Model              string
			Requests, Unpriced int64
			InputTokens        int64  `json:"input_tokens"`
			CostUSD            string `json:"cost_usd"`
		}
	}
	r.Eventually("it is remembered", func() bool {
		status, answer := r.Operate("GET", "/api/usage?by=model")
		require.Equal(t, 200, status, answer)
		require.NoError(t, json.Unmarshal([]byte(answer), &used), answer)
		return len(used.Data) == 1 && used.Data[0].Requests == 1
	})
	require.EqualValues(t, 1, used.Data[0].Unpriced)
	require.EqualValues(t, 1000, used.Data[0].InputTokens)
	require.Equal(t, "0.000000000", used.Data[0].CostUSD)
	_, answer := r.Operate("GET", "/api/requests/"+header.Get("X-Oneapi-Request-Id"))
	require.Contains(t, answer, `"unpriced":true`)
}

// TestALongContextIsPricedByAllOfItsInput through the whole relay, by the shipped prices: cached tokens are a part of what is long, and what
// is over the bound is all of the call.
func TestALongContextIsPricedByAllOfItsInput(t *testing.T) {
	for prompt, want := range map[int]int64{200_000: 1*1250 + 199_999*125 + 10*10_000, 200_001: 2*2500 + 199_999*250 + 10*15_000} {
		t.Run(fmt.Sprint(prompt), func(t *testing.T) {
			answer := strings.NewReplacer(`"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100`,
				fmt.Sprintf(`"prompt_tokens":%d,"prompt_tokens_details":{"cached_tokens":199999},"completion_tokens":10,"total_tokens":%d`, prompt, prompt+10)).Replace(costly)
			u := harness.NewUpstream(t, false, harness.Answers(200, answer))
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", model_mapping: {m: gemini-2.5-pro}")+"tokens:\n  - {name: t, key: "+harness.Key+", show_cost: true}\n")
			status, _, header := r.Ask("/v1/chat/completions", ask)
			require.Equal(t, 200, status)
			r.Eventually("it has ended", func() bool { return len(r.RequestEnds()) == 1 })
			require.Equal(t, want, r.Attempt(0).Cost.Cost)
			require.Equal(t, fmt.Sprintf("0.%09d", want), header.Get("X-Oneapi-Cost-Usd"))
		})
	}
}
