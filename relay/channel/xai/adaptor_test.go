package xai_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/channel/xai"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

const refusedPrompt = `{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: 11111111-2222-3333-4444-555555555555, API key ID: 99999999-2222-3333-4444-555555555555, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"}`

func TestARefusedPromptIsTheClientsFaultAndNotTheKeys(t *testing.T) {
	for name, tc := range map[string]struct{ body, message string }{
		"with the operator's account": {
			refusedPrompt,
			"Content violates usage guidelines. Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO",
		},
		"short":          {`{"code":"permission-denied","error":"Content violates usage guidelines. "}`, "Content violates usage guidelines."},
		"other words":    {`{"code":"permission-denied","error":"Blocked by our Content Policy."}`, "Blocked by our Content Policy."},
		"a failed check": {`{"error":{"message":"SAFETY_CHECK_TYPE_X, Team: T"}}`, "SAFETY_CHECK_TYPE_X,"},
	} {
		t.Run(name, func(t *testing.T) {
			f := xai.New().Failure(http.StatusForbidden, nil, []byte(tc.body))
			assert.Equal(t, channel.UpstreamStatus, f.Outcome)
			assert.Equal(t, channel.ClassRequest, f.Class)
			assert.False(t, f.Verdict().MoveOn)
			assert.Equal(t, channel.KeyKeeps, f.Verdict().Key)
			assert.Equal(t, &wire.Error{
				Status: http.StatusForbidden, Type: "invalid_request_error", Code: "content_policy_violation", Message: tc.message,
			}, f.Err)
			assert.Equal(t, tc.message, f.Detail)
		})
	}
}

func TestOtherErrorsAreClassedByWhatTheyMean(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  channel.Class
	}{
		"a wrong key, which comes with a 400": {400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xx***yy. You can obtain an API key from https://console.x.ai."}`, channel.ClassKeyRefused},
		"a blocked key":                       {403, `{"code":"permission-denied","error":"Your API key is blocked."}`, channel.ClassKeyRefused},
		"a 403 without a body":                {403, ``, channel.ClassForbidden}, // it may be about the prompt
		"no credit left, which comes with a 429": {429, `{"code":"Some resource has been exhausted","error":"Your team 11111111-2222-3333-4444-555555555555 has either used all available credits or reached its monthly spending limit."}`,
			channel.ClassKeyRefused},
		"too fast":         {429, `{"code":"x","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4."}`, channel.ClassKeyLimited},
		"a bad request":    {400, `{"code":"Client specified an invalid argument","error":"Invalid temperature."}`, channel.ClassRequest},
		"words as in 403s": {400, `{"code":"x","error":"the content policy field is unknown"}`, channel.ClassRequest},
		"an unknown model": {404, `{"code":"x","error":"The model grok-9 does not exist or your team 11111111-2222-3333-4444-555555555555 does not have access to it."}`, channel.ClassElsewhere},
		"its own trouble":  {503, `{"code":"x","error":"Service temporarily unavailable."}`, channel.ClassServer},
	} {
		t.Run(name, func(t *testing.T) {
			f := xai.New().Failure(tc.status, nil, []byte(tc.body))
			assert.Equal(t, tc.class, f.Class)
			assert.Equal(t, tc.status, f.Status)
			assert.NotContains(t, f.Err.Message+f.Detail, "11111111")
			assert.NotEmpty(t, f.Err.Message)
			if tc.class == channel.ClassKeyRefused {
				assert.Equal(t, "upstream_refused_credentials", f.Err.Code)
			}
		})
	}
}

func TestTheTeamIsTakenOutOfAMessageThatIsPassedOn(t *testing.T) {
	f := xai.New().Failure(429, nil, []byte(`{"code":"x","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4."}`))
	assert.Equal(t, "Too many requests for team and model grok-4.", f.Err.Message)
}

func TestAMessageThatIsNothingButTheAccountLeavesAMessage(t *testing.T) {
	f := xai.New().Failure(500, nil, []byte(`{"error":"Team: T, API key ID: K"}`))
	assert.Equal(t, "the upstream reported an error", f.Err.Message)
}

func TestARefusalInsideAStreamIsCorrectedToo(t *testing.T) {
	for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Messages} {
		call := &channel.Call{Endpoint: endpoint, Stream: true}
		_, err := xai.New().Answer(call).Event(sse.Event{Data: []byte(refusedPrompt)})
		var f *channel.Failure
		require.ErrorAs(t, err, &f)
		assert.Equal(t, channel.UpstreamErrorEvent, f.Outcome)
		assert.Equal(t, channel.ClassRequest, f.Class)
		assert.NotContains(t, f.Err.Message, "11111111")

		_, err = xai.New().Answer(call).Whole([]byte(refusedPrompt))
		require.ErrorAs(t, err, &f)
		assert.Equal(t, channel.ClassRequest, f.Class)
	}
}

func TestWhatIsMalformedStaysMalformed(t *testing.T) {
	_, err := xai.New().Answer(&channel.Call{}).Event(sse.Event{Data: []byte(`{"choices":`)})
	var f *channel.Failure
	require.ErrorAs(t, err, &f)
	assert.Equal(t, channel.UpstreamMalformed, f.Outcome)
	assert.NotEmpty(t, f.Err.Message)
}

func TestTheRestIsOpenAIs(t *testing.T) {
	call := &channel.Call{Endpoint: wire.ChatCompletions, Model: "grok-4", Body: []byte(`{"model":"grok-4"}`), ModelFrom: 9, ModelTo: 17}
	r, err := xai.New().Request(call, channel.Target{Model: "grok-4", Key: "xai-test"})
	require.NoError(t, err)
	assert.Equal(t, "/v1/chat/completions", r.Path)
	assert.Equal(t, "Bearer xai-test", r.Header.Get("Authorization"))

	tr := xai.New().Answer(call)
	out, err := tr.Whole([]byte(`{"choices":[{}],"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}}`))
	require.NoError(t, err)
	assert.NotEmpty(t, out)
	assert.Equal(t, wire.Usage{Uncached: 32, Text: 103, Reasoning: 94}, tr.Usage())

	_, err = tr.Event(sse.Event{Data: []byte(`{"choices":[]}`), Raw: []byte("data: {\"choices\":[]}\n\n"), Clean: true})
	require.NoError(t, err)
	step, err := tr.Event(sse.Event{Data: []byte(`[DONE]`), Raw: []byte("data: [DONE]\n\n"), Clean: true})
	require.NoError(t, err)
	assert.True(t, step.Done)
}
