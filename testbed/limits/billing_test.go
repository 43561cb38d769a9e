package limits

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
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
