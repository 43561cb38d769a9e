package limits

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// bill asks what chat clients ask of one-api.
func bill(r *harness.Relay, path, key string) (status int, answer map[string]any) {
	r.T.Helper()
	request, err := http.NewRequest(http.MethodGet, r.URL+path, nil)
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := r.Client.Do(request)
	require.NoError(r.T, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(r.T, errors.Join(err, response.Body.Close()))
	require.NoError(r.T, json.Unmarshal(text, &answer), string(text))
	return response.StatusCode, answer
}

func TestChatClientsThatAskOneAPIsBillingAreToldOfTheBudget(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, costly))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, "")+"tokens:\n  - {name: t, key: "+harness.Key+
		", expires: '2099-01-01T00:00:00Z', budget: {usd: 5, per: month}}\n"+prices, harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	for range 3 {
		status, _, _ := r.Ask("/v1/chat/completions", ask)
		require.Equal(t, 200, status)
	}
	r.Eventually("three ends", func() bool { return len(r.RequestEnds()) == 3 })
	for _, before := range []string{"/v1", ""} {
		status, subscription := bill(r, before+"/dashboard/billing/subscription", harness.Key)
		require.Equal(t, 200, status)
		require.Equal(t, 5.0, subscription["hard_limit_usd"])
		require.Equal(t, "billing_subscription", subscription["object"])
		require.Equal(t, 4070908800.0, subscription["access_until"])
		status, usage := bill(r, before+"/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-30", harness.Key)
		require.Equal(t, 200, status)
		require.InDelta(t, 0.06, usage["total_usage"], 1e-9, "cents")
	}
	status, token := r.Operate("GET", "/api/token/t")
	require.Equal(t, 200, status)
	require.Contains(t, token, `"spent_usd":"0.000600000"`)
	require.Contains(t, token, `"budget":{"per":"month","usd":5.000000000}`)
	status, answer := bill(r, "/v1/dashboard/billing/usage", "sk-nobody-0123456789")
	require.Equal(t, 401, status)
	require.NotEmpty(t, answer["error"])
}

func TestAKeyWithoutABudgetIsToldOfOneApisHundredMillion(t *testing.T) {
	r, _ := start(t, harness.Answers(200, costly), "", prices)
	_, subscription := bill(r, "/v1/dashboard/billing/subscription", harness.Key)
	require.Equal(t, 1e8, subscription["hard_limit_usd"])
	_, usage := bill(r, "/v1/dashboard/billing/usage", harness.Key)
	require.Equal(t, 0.0, usage["total_usage"], "there is no ledger here")
}

// TestFiguresThatNobodyCanMeanSpendABudgetAndSpoilNoSums has an upstream that says the largest numbers there are: added up, they would be
// below nothing, and no database has a place for them.
func TestFiguresThatNobodyCanMeanSpendABudgetAndSpoilNoSums(t *testing.T) {
	const most = "9223372036854775807"
	const poor = "sk-of-a-key-with-a-budget"
	u := harness.NewUpstream(t, false, harness.Answers(200, strings.NewReplacer(`"prompt_tokens":1000`, `"cost":9e9,"prompt_tokens":`+most,
		`"completion_tokens":100`, `"completion_tokens":`+most).Replace(costly)))
	for name, more := range map[string]string{"by the table": prices, "by the provider": ""} {
		kind := map[bool]string{true: "openai", false: "openrouter"}[more != ""]
		r := harness.StartRelay(t, strings.Replace(harness.OpenAIChannel("a", u, ""), "type: openai", "type: "+kind, 1)+"tokens:\n  - {name: t, key: "+harness.Key+
			"}\n  - {name: poor, key: "+poor+", unpriced: allow, budget: {usd: 1000, per: total}}\n"+more, harness.WithLedger(), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
		asks := func(key string) int {
			request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(ask))
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer "+key)
			response, err := r.Client.Do(request)
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, response.Body)
			require.NoError(t, response.Body.Close())
			r.Eventually("it has ended", func() bool { return r.Server.Active() == 0 })
			return response.StatusCode
		}
		require.Equal(t, []int{200, 429, 429}, []int{asks(poor), asks(poor), asks(poor)}, name)
		for range 5 {
			require.Equal(t, 200, asks(harness.Key), name)
		}
		var used struct {
			Data []struct {
				Token        string `json:"token"`
				Requests     int64  `json:"requests"`
				InputTokens  int64  `json:"input_tokens"`
				OutputTokens int64  `json:"output_tokens"`
				CostUSD      string `json:"cost_usd"`
			} `json:"data"`
		}
		status, text := r.Operate("GET", "/api/usage")
		require.Equal(t, 200, status, text)
		require.NoError(t, json.Unmarshal([]byte(text), &used))
		require.Len(t, used.Data, 2)
		for _, of := range used.Data {
			require.Positive(t, of.InputTokens, text)
			require.Positive(t, of.OutputTokens, text)
			require.NotContains(t, of.CostUSD, "-")
		}
		require.Zero(t, r.Server.Gauges().Reserved)
	}
}
