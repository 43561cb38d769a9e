package chat_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

func TestFailureReadsEveryShapeOfAnErrorBody(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want wire.Error
	}{
		"OpenAI": {
			`{"error":{"message":"Unknown parameter: 'foo'.","type":"invalid_request_error","param":"foo","code":"unknown_parameter"}}`,
			wire.Error{Message: "Unknown parameter: 'foo'.", Type: "invalid_request_error", Param: "foo", Code: "unknown_parameter"},
		},
		"null members":         {`{"error":{"message":"m","type":null,"param":null,"code":null}}`, wire.Error{Message: "m"}},
		"a status as code":     {`{"error":{"message":"m","code":400,"metadata":{"raw":"x"}}}`, wire.Error{Message: "m"}},
		"a number as code":     {`{"error":{"message":"m","code":1113}}`, wire.Error{Message: "m", Code: "1113"}},
		"an error string":      {`{"error":"m"}`, wire.Error{Message: "m"}},
		"xAI":                  {`{"code":"c","error":"m"}`, wire.Error{Message: "m", Code: "c"}},
		"a message":            {`{"message":"m"}`, wire.Error{Message: "m"}},
		"vLLM and Mistral":     {`{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}`, wire.Error{Message: "m", Type: "BadRequestError"}},
		"Mistral's complaints": {`{"object":"error","message":{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]}}`, wire.Error{Message: "body.model: Field required"}},
		"FastAPI's word":       {`{"detail":"m"}`, wire.Error{Message: "m"}},
		"FastAPI's complaints": {`{"detail":[{"loc":["body","messages",0,"role"],"msg":"a"},{"msg":"b"},{}]}`, wire.Error{Message: "body.messages.0.role: a; b"}},
		"Anthropic":            {`{"type":"error","error":{"type":"invalid_request_error","message":"m"}}`, wire.Error{Message: "m", Type: "invalid_request_error"}},
		"Gemini":               {` [{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]`, wire.Error{Message: "m"}},
		"a name and a message": {`{"statusCode":400,"error":"Bad Request","message":"m"}`, wire.Error{Message: "m"}},
		"a message outside":    {`{"error":{"code":"c"},"message":"m"}`, wire.Error{Message: "m", Code: "c"}},
		"no message":           {`{"error":{"code":"c"}}`, wire.Error{Code: "c", Message: "the upstream answered with status 400"}},
		"plain text":           {"Failed to deserialize the JSON body\n", wire.Error{Message: "Failed to deserialize the JSON body"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := outcome.StatusFailure(http.StatusBadRequest, http.Header{}, []byte(tc.body))
			tc.want.Status = http.StatusBadRequest
			assert.Equal(t, &tc.want, f.Err)
			assert.Equal(t, outcome.UpstreamStatus, f.Outcome)
			assert.Equal(t, outcome.ClassRequest, f.Class)
		})
	}
}

func TestWhatCannotBeReadIsNotPassedOn(t *testing.T) {
	for name, body := range map[string]string{
		"empty":                 ``,
		"white space":           " \r\n",
		"HTML":                  "<html><head><title>502</title></head></html>",
		"HTML behind a comment": "\n<!-- a -->\n<!DOCTYPE html><html></html>",
		"HTML in JSON":          `{"error":{"message":"<html><body>bad gateway</body></html>"}}`,
		"HTML behind words":     "error: <HTML></HTML>",
		"cut JSON":              `{"error":{"message":"the model is ov`,
		"cut array":             `[{"error":{"message":"m"}`,
		"an empty array":        `[]`,
		"an empty object":       `{}`,
		"a JSON string":         `"m"`,
		"binary":                "\x1f\x8b\x08\x00\x00",
		"not UTF-8":             "caf\xe9",
		"deeply nested":         `{"message":` + strings.Repeat(`{"message":`, 50) + `"m"` + strings.Repeat(`}`, 51),
		"too deep to be parsed": strings.Repeat("[", 20000),
		"other types":           `{"error":7,"message":[1],"detail":{"x":1},"code":{},"type":[]}`,
	} {
		for _, status := range []int{400, 500} {
			f := outcome.StatusFailure(status, http.Header{}, []byte(body))
			assert.Equal(t, "the upstream answered with status "+strconv.Itoa(status), f.Err.Message, name)
		}
	}
}

func TestAProxysPlainTextIsNotPassedOn(t *testing.T) {
	f := outcome.StatusFailure(http.StatusBadGateway, http.Header{}, []byte("upstream connect error, remote address 10.0.0.1:443"))
	assert.Equal(t, "the upstream answered with status 502", f.Err.Message)
}

func TestStatusAndWordsDecideTheClass(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  outcome.Class
	}{
		"wrong key":          {401, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`, outcome.ClassKeyRefused},
		"rate limit":         {429, `{"error":{"message":"m","code":"rate_limit_exceeded"}}`, outcome.ClassKeyLimited},
		"out of credit":      {429, `{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}`, outcome.ClassKeyRefused},
		"unknown model":      {404, `{"error":{"message":"m","code":"model_not_found"}}`, outcome.ClassElsewhere},
		"no access to it":    {403, `{"error":{"message":"m","code":"model_not_found"}}`, outcome.ClassElsewhere},
		"too long":           {400, `{"error":{"message":"m","code":"context_length_exceeded"}}`, outcome.ClassRequest},
		"bad gateway, HTML":  {502, `<html>`, outcome.ClassServer},
		"forbidden, garbage": {403, "\x00", outcome.ClassForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			f := outcome.StatusFailure(tc.status, http.Header{"Retry-After": {"7"}}, []byte(tc.body))
			assert.Equal(t, tc.class, f.Class)
			assert.Equal(t, tc.status, f.Status)
			assert.Equal(t, 7*time.Second, f.RetryAfter)
		})
	}
}
