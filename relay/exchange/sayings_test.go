package exchange

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/redact"
)

const refusedPrompt = `{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: 11111111-2222-3333-4444-555555555555, API key ID: 99999999-2222-3333-4444-555555555555, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"}`

// saidBy is what becomes of a failure of a provider's, as its client is told of it.
func saidBy(t *testing.T, kind string, f *outcome.Failure) *outcome.Failure {
	t.Helper()
	all := provider.All()
	at := slices.IndexFunc(all, func(p provider.Provider) bool { return p.Type == kind })
	require.GreaterOrEqual(t, at, 0)
	x := &Exchange{Slot: channel.Slot{Channel: &channel.Channel{Correct: outcome.Sayings(all[at].Says), Redact: redact.New(config.Channel{})}}, call: &lane.Call{RequestID: "r", Body: []byte("{}")}}
	x.corrects(f)
	return x.censored(f)
}

func TestXAIsWordOnAPromptIsTheClientsFaultAndNotTheKeys(t *testing.T) {
	for name, tc := range map[string]struct{ body, message string }{
		"with the operator's account": {refusedPrompt, "Content violates usage guidelines. Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"},
		"short":                       {`{"code":"permission-denied","error":"Content violates usage guidelines. "}`, "Content violates usage guidelines."},
		"other words":                 {`{"code":"permission-denied","error":"Blocked by our Content Policy."}`, "Blocked by our Content Policy."},
		"a failed check":              {`{"error":{"message":"SAFETY_CHECK_TYPE_X, Team: T"}}`, "SAFETY_CHECK_TYPE_X,"},
	} {
		t.Run(name, func(t *testing.T) {
			f := saidBy(t, "xai", outcome.StatusFailure(http.StatusForbidden, nil, []byte(tc.body)))
			assert.Equal(t, outcome.UpstreamStatus, f.Outcome)
			assert.Equal(t, outcome.ClassRequest, f.Class)
			assert.False(t, f.Verdict().MoveOn)
			assert.Equal(t, outcome.KeyKeeps, f.Verdict().Key)
			assert.Equal(t, http.StatusForbidden, f.Err.Status)
			assert.Equal(t, "invalid_request_error", f.Err.Type)
			assert.Equal(t, "content_policy_violation", f.Err.Code)
			assert.Equal(t, tc.message, f.Err.Message)
			assert.Equal(t, tc.message, f.Detail)
		})
	}
}

func TestXAIsOtherErrorsAreClassedByWhatTheyMean(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  outcome.Class
	}{
		"a wrong key, which comes with a 400": {400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xx***yy. You can obtain an API key from https://console.x.ai."}`, outcome.ClassKeyRefused},
		"a blocked key":                       {403, `{"code":"permission-denied","error":"Your API key is blocked."}`, outcome.ClassKeyRefused},
		"a 403 without a body":                {403, ``, outcome.ClassForbidden}, // it may be about the prompt
		"no credit left, which comes with a 429": {429, `{"code":"Some resource has been exhausted","error":"Your team 11111111-2222-3333-4444-555555555555 has either used all available credits or reached its monthly spending limit."}`,
			outcome.ClassKeyRefused},
		"too fast":         {429, `{"code":"x","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4."}`, outcome.ClassKeyLimited},
		"a bad request":    {400, `{"code":"Client specified an invalid argument","error":"Invalid temperature."}`, outcome.ClassRequest},
		"words as in 403s": {400, `{"code":"x","error":"the content policy field is unknown"}`, outcome.ClassRequest},
		"an unknown model": {404, `{"code":"x","error":"The model grok-9 does not exist or your team 11111111-2222-3333-4444-555555555555 does not have access to it."}`, outcome.ClassElsewhere},
		"its own trouble":  {503, `{"code":"x","error":"Service temporarily unavailable."}`, outcome.ClassServer},
	} {
		t.Run(name, func(t *testing.T) {
			f := saidBy(t, "xai", outcome.StatusFailure(tc.status, nil, []byte(tc.body)))
			assert.Equal(t, tc.class, f.Class)
			assert.Equal(t, tc.status, f.Status)
			assert.NotContains(t, f.Err.Message+f.Detail, "11111111")
			assert.NotEmpty(t, f.Err.Message)
			if tc.class == outcome.ClassKeyRefused {
				assert.Equal(t, "upstream_refused_credentials", f.Err.Code)
			}
		})
	}
}

// TestTheOwnersNameIsTakenOutWhoeverAnswers has no provider with words of its own: what names an account is the exchange's to take out.
func TestTheOwnersNameIsTakenOutWhoeverAnswers(t *testing.T) {
	for _, kind := range []string{"openai", "xai", "deepseek", "anthropic"} {
		f := saidBy(t, kind, outcome.StatusFailure(429, nil, []byte(`{"code":"x","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4."}`)))
		assert.Equal(t, "Too many requests for team *** and model grok-4.", f.Err.Message, kind)
		f = saidBy(t, kind, outcome.StatusFailure(500, nil, []byte(`{"error":"Team: T, API key ID: K"}`)))
		assert.Equal(t, "the upstream reported an error", f.Err.Message, kind)
		f = saidBy(t, kind, outcome.StatusFailure(400, nil, []byte(`{"error":{"message":"Bad. Team: 11111111-2222, API key ID: 22222222-3333, Model: m"}}`)))
		assert.Equal(t, "Bad. Model: m", f.Err.Message, kind)
	}
}

func TestAProvidersWordsInsideAnAnswerAreItsOwnToo(t *testing.T) {
	f := saidBy(t, "xai", outcome.EventFailure([]byte(refusedPrompt)))
	assert.Equal(t, outcome.UpstreamErrorEvent, f.Outcome)
	assert.Equal(t, outcome.ClassRequest, f.Class)
	assert.NotContains(t, f.Err.Message, "11111111")
}

// TestWordsThatHarmOthersAreNotTheClients has a provider whose own word puts a key to rest, and a client who has it quoted.
func TestWordsThatHarmOthersAreNotTheClients(t *testing.T) {
	says := []provider.Saying{{Status: 400, Words: []string{"account frozen"}, Means: provider.AboutKey}}
	for body, class := range map[string]outcome.Class{`{"model":"m"}`: outcome.ClassKeyRefused, `{"model":"Account Frozen"}`: outcome.ClassRequest} {
		x := &Exchange{Slot: channel.Slot{Channel: &channel.Channel{Correct: outcome.Sayings(says), Redact: redact.New(config.Channel{})}}, call: &lane.Call{RequestID: "r", Body: []byte(body)}}
		f := outcome.StatusFailure(400, nil, []byte(`{"error":{"message":"Account frozen: no such model"}}`))
		x.corrects(f)
		assert.Equal(t, class, x.censored(f).Class, body)
	}
}
