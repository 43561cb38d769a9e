package clouds

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// TestAHundredCallsAtOnceAskForOneToken, and it is used for all that follow.
func TestAHundredCallsAtOnceAskForOneToken(t *testing.T) {
	before := runtime.NumGoroutine()
	c := newCloud(t, azureOf(""), hello)
	hold := make(chan struct{})
	c.tokens.Holds = hold
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", c.entra(standin.ClientSecret)))
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, 200, status, answer)
		})
	}
	r.Eventually("calls that wait", func() bool { return r.Server.Pool().InFlight() == 100 && c.tokens.Asked() == 1 })
	close(hold)
	all.Wait()
	require.Equal(t, 1, c.tokens.Asked())
	r.RequireQuiet(before+harness.AmongOthers, c.at, c.issuer)
}

// TestARevokedTokenCostsNobodyACall: the same attempt goes on with a new one.
func TestARevokedTokenCostsNobodyACall(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", c.entra(standin.ClientSecret)))
	for n := range 3 {
		status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, 200, status, answer)
		require.Equal(t, n+1, c.tokens.Asked())
		c.tokens.Revoke()
	}
	require.Equal(t, []string{"completed", "completed", "completed"}, r.Outcomes(3))
	requireNoSecret(t, r)
}

// TestATokenIsRenewedBeforeItExpires, without a call that waits for it.
func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	c.tokens.Life = 8 * time.Second
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", c.entra(standin.ClientSecret)))
	r.Eventually("three tokens", func() bool {
		status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, 200, status, answer)
		time.Sleep(50 * time.Millisecond)
		return c.tokens.Asked() >= 3
	})
	require.Empty(t, c.Refused())
}

// TestATokenEndpointThatFailsIsAnHonestError: which one, by how it fails, and the channel is passed over for another.
func TestATokenEndpointThatFailsIsAnHonestError(t *testing.T) {
	for name, f := range map[string]struct {
		fails   func(http.ResponseWriter)
		secret  string
		code    string
		outcome string
		says    string
	}{
		"a wrong secret": {nil, "wrong-s3cret-0123", "upstream_refused_credentials", "upstream_status", "the token endpoint refused the credentials: status 401 invalid_client (AADSTS7000215)"},
		"an outage":      {failing(503, `{"error":"temporarily_unavailable"}`), standin.ClientSecret, "connect_failed", "connect_failed", "the token endpoint answered with status 503 temporarily_unavailable"},
		"a page":         {failing(200, `<html>`), standin.ClientSecret, "connect_failed", "connect_failed", "the token endpoint answered with a web page"},
	} {
		t.Run(name, func(t *testing.T) {
			c, spare := newCloud(t, azureOf(""), hello), newCloud(t, azureOf(""), hello)
			c.tokens.Fails = f.fails
			bad := c.azure("bad", "", ", priority: 2"+c.entra(f.secret))
			r := harness.StartRelay(t, "channels:\n"+bad, harness.WithEnv("RETRY_TIMES", "0"))
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, http.StatusBadGateway, status, answer)
			require.Equal(t, f.code, harness.ErrorOf(t, answer)["code"])
			require.Equal(t, f.outcome, r.Outcomes(1)[0])
			require.Contains(t, r.Attempt(0).Failure.Detail, f.says)
			for range 5 {
				_, more, _ := r.Ask("/v1/chat/completions", harness.Chat)
				answer += more
			}
			require.NotEqual(t, "healthy", string(r.Server.Pool().Set().All()[0].State(time.Now())))
			require.Less(t, c.tokens.Asked(), 5, "it is not asked for every call")
			require.Zero(t, c.at.Requests.Load(), "nothing is asked without a token")
			requireNoSecret(t, r, answer)
			require.NotContains(t, answer+r.Log.String(), "wrong-s3cret")

			r = harness.StartRelay(t, "channels:\n"+bad+spare.azure("good", "", key))
			status, answer, _ = r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, 200, status, answer)
		})
	}
}

// TestATokenEndpointThatIsSilentIsGivenUpOnTheConnectClock, and its fetch ends with the relay.
func TestATokenEndpointThatIsSilentIsGivenUpOnTheConnectClock(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	hold := make(chan struct{})
	defer close(hold)
	c.tokens.Holds = hold
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", ", timeouts: {connect: 1500ms}"+c.entra(standin.ClientSecret)), harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusGatewayTimeout, status, answer)
	require.Equal(t, "connect_failed", r.Outcomes(1)[0])
	require.Equal(t, "the token endpoint did not answer in time", r.Attempt(0).Failure.Detail)
}

// TestAClientThatLeavesWhileATokenIsWaitedForIsAnAttemptThatTheOperatorIsToldOf.
func TestAClientThatLeavesWhileATokenIsWaitedForIsAnAttemptThatTheOperatorIsToldOf(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	hold := make(chan struct{})
	defer close(hold)
	c.tokens.Holds = hold
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", ", timeouts: {connect: 5m}"+c.entra(standin.ClientSecret)))
	ctx, leave := context.WithCancel(context.Background())
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if response, err := r.Post(ctx, "/v1/chat/completions", harness.Chat); err == nil {
			_ = response.Body.Close()
		}
	}()
	r.Eventually("it has waited for a while", func() bool {
		_, a := r.Get("/api/monitor/channels/a")
		return a["oldest_in_flight_seconds"].(float64) > 0.3
	})
	leave()
	<-asked
	require.Equal(t, "client_gone", r.Outcomes(1)[0])
	require.Equal(t, "the token endpoint had not answered when the client left", r.Attempt(0).Failure.Detail)
	attempt := r.Attempt(0)
	require.GreaterOrEqual(t, attempt.Silent(), 200*time.Millisecond)
	_, a := r.Get("/api/monitor/channels/a")
	require.Equal(t, map[string]any{"client_gone": 1.0}, a["attempts"])
	require.Equal(t, "healthy", a["state"], "it is no failure of the channel")
}

// TestAnUpstreamThatQuotesTheTokenIsNotQuoted.
func TestAnUpstreamThatQuotesTheTokenIsNotQuoted(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":"wrong %s of tenant %s, app %s","code":"x"}}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), standin.Tenant, standin.ClientID)
	})
	c.at = u
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", c.entra(standin.ClientSecret)))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadRequest, status, answer)
	requireNoSecret(t, r, answer)
}

// TestAReloadKeepsTheTokenUnlessItsCredentialChanges.
func TestAReloadKeepsTheTokenUnlessItsCredentialChanges(t *testing.T) {
	c := newCloud(t, azureOf(""), hello)
	r := harness.StartRelay(t, "channels:\n"+c.azure("a", "", c.entra(standin.ClientSecret)))
	ask := func() {
		status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, 200, status, answer)
	}
	ask()
	rewrite(t, r, "channels:\n"+c.azure("a", "", ", weight: 3"+c.entra(standin.ClientSecret)))
	require.NoError(t, r.Server.Reload())
	ask()
	require.Equal(t, 1, c.tokens.Asked())
	rewrite(t, r, "channels:\n"+c.azure("a", "", c.entra("another-secret-0123")))
	require.NoError(t, r.Server.Reload())
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadGateway, status)
	require.Equal(t, 2, c.tokens.Asked())
}
