package messages_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/sse"
)

func TestAnErrorEventIsAFailureOfTheStatusThatItsTypeStandsFor(t *testing.T) {
	for _, c := range []struct {
		kind   string
		status int
		class  outcome.Class
	}{
		{"invalid_request_error", 400, outcome.ClassRequest},
		{"authentication_error", 401, outcome.ClassKeyRefused},
		{"billing_error", 402, outcome.ClassKeyRefused},
		{"permission_error", 403, outcome.ClassForbidden}, // of one model, perhaps
		{"not_found_error", 404, outcome.ClassElsewhere},
		{"request_too_large", 413, outcome.ClassRequest},
		{"rate_limit_error", 429, outcome.ClassKeyLimited},
		{"api_error", 500, outcome.ClassServer},
		{"timeout_error", 504, outcome.ClassServer},
		{"overloaded_error", 529, outcome.ClassServer},
		{"something_new", 0, outcome.ClassServer},
	} {
		data := `{"type":"error","error":{"type":"` + c.kind + `","message":"said so"},"request_id":"r"}`
		for _, translator := range []lane.Translator{native(), chatTranslator(`{"stream":true}`)} {
			_, err := translator.Event(event(data))
			f := failureOf(t, err)
			assert.Equal(t, outcome.UpstreamErrorEvent, f.Outcome, c.kind)
			assert.Equal(t, c.status, f.Status, c.kind)
			assert.Equal(t, c.class, f.Class, c.kind)
			if c.class != outcome.ClassKeyRefused && c.class != outcome.ClassForbidden {
				assert.Equal(t, "said so", f.Err.Message)
				assert.Equal(t, c.kind, f.Err.Type)
			}
		}
	}
}

func TestAnErrorEventIsKnownByItsNameToo(t *testing.T) {
	for _, data := range []string{`{}`, `{"error":{"type":"overloaded_error"}}`, `{"type":"error","error":null}`, `{"error":"boom"}`} {
		_, err := native().Event(sse.Event{Name: []byte("error"), Data: []byte(data), Clean: true})
		assert.Equal(t, outcome.UpstreamErrorEvent, failureOf(t, err).Outcome, data)
	}
}

func TestStatusFailuresKeepTheProvidersWords(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		body          string
		class         outcome.Class
		kind, message string
	}{
		"Anthropic":      {400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages: too odd"},"request_id":"req_1"}`, outcome.ClassRequest, "invalid_request_error", "messages: too odd"},
		"too long":       {400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 2 tokens > 1 maximum"}}`, outcome.ClassRequest, "invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"},
		"no such model":  {404, `{"type":"error","error":{"type":"not_found_error","message":"model: x"}}`, outcome.ClassElsewhere, "not_found_error", "model: x"},
		"too large":      {413, `{"type":"error","error":{"type":"request_too_large","message":"32 MB"}}`, outcome.ClassRequest, "request_too_large", "32 MB"},
		"limited":        {429, `{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}`, outcome.ClassKeyLimited, "rate_limit_error", "slow"},
		"overloaded":     {529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, outcome.ClassServer, "overloaded_error", "Overloaded"},
		"OpenAI":         {500, `{"error":{"message":"oops","type":"server_error","param":null,"code":null}}`, outcome.ClassServer, "server_error", "oops"},
		"a gateway":      {404, `{"message":"no Route matched"}`, outcome.ClassMisplaced, "api_error", "the upstream answered with status 404"},
		"a framework":    {404, `{"detail":"Not Found"}`, outcome.ClassMisplaced, "api_error", "the upstream answered with status 404"},
		"a bare message": {500, `{"error":"oops"}`, outcome.ClassServer, "", "oops"},
		"HTML":           {502, `<html><h1>Bad gateway of 10.0.0.1</h1>`, outcome.ClassServer, "", "the upstream answered with status 502"},
		"plain text":     {400, `nope`, outcome.ClassRequest, "", "nope"},
		"nothing":        {500, ``, outcome.ClassServer, "", "the upstream answered with status 500"},
		"cut":            {500, `{"type":"error","error":{"type":"api_er`, outcome.ClassServer, "", "the upstream answered with status 500"},
		"odd types":      {500, `{"type":1,"error":{"type":[],"message":{},"code":null}}`, outcome.ClassServer, "", "the upstream answered with status 500"},
		"an odd error":   {500, `{"error":[1]}`, outcome.ClassServer, "", "the upstream answered with status 500"},
		"an empty error": {500, `{"error":""}`, outcome.ClassServer, "", "the upstream answered with status 500"},
	} {
		t.Run(name, func(t *testing.T) {
			f := outcome.StatusFailure(c.status, http.Header{}, []byte(c.body))
			assert.Equal(t, outcome.UpstreamStatus, f.Outcome)
			assert.Equal(t, c.status, f.Status)
			assert.Equal(t, c.class, f.Class)
			assert.Equal(t, c.kind, f.Err.Type)
			assert.Equal(t, c.message, f.Err.Message)
		})
	}
}

func TestTheCodeOfAnErrorMayBeANumber(t *testing.T) {
	assert.Equal(t, "1234", outcome.StatusFailure(500, nil, []byte(`{"error":{"message":"x","code":1234}}`)).Err.Code)
	assert.Empty(t, outcome.StatusFailure(500, nil, []byte(`{"error":{"message":"x","code":500}}`)).Err.Code, "a status is no code")
	assert.Equal(t, outcome.ClassElsewhere, outcome.StatusFailure(403, nil, []byte(`{"error":{"message":"x","code":"model_not_found"}}`)).Class)
}

func TestTheUpstreamsRetryAfterIsKept(t *testing.T) {
	f := outcome.StatusFailure(429, http.Header{"Retry-After": {"7"}}, nil)
	assert.Equal(t, 7*time.Second, f.RetryAfter)
	assert.Equal(t, 7*time.Second, f.Err.RetryAfter)
}

func TestAnAccountInTroubleRefusesTheKeyAndIsNoneOfTheClientsBusiness(t *testing.T) {
	for _, message := range []string{
		"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
		"You have reached your specified API usage limits. You will regain access on 2030-01-01.",
		"This organization has been disabled.",
	} {
		body := `{"type":"error","error":{"type":"invalid_request_error","message":"` + message + `"}}`
		f := outcome.StatusFailure(400, nil, []byte(body))
		assert.Equal(t, outcome.ClassKeyRefused, f.Class)
		assert.NotContains(t, f.Err.Message, message)

		_, err := native().Event(event(body))
		assert.Equal(t, outcome.ClassKeyRefused, failureOf(t, err).Class)
	}
}

func TestWordsThatAClientCanPutIntoAMessageDoNotRefuseTheKey(t *testing.T) {
	body := `{"type":"error","error":{"type":"invalid_request_error","message":"role: Your credit balance is too low is not allowed"}}`
	assert.Equal(t, outcome.ClassRequest, outcome.StatusFailure(400, nil, []byte(body)).Class)
}
