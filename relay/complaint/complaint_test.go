package complaint

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnErrorIsReadInEverySpelling(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want Complaint
	}{
		"OpenAI":                    {`{"error":{"message":"m","type":"invalid_request_error","param":"p","code":"c"}}`, Complaint{Status: 400, Type: "invalid_request_error", Code: "c", Param: "p", Message: "m", Own: true}},
		"null members":              {`{"error":{"message":"m","type":null,"param":null,"code":null}}`, Complaint{Message: "m", Own: true}},
		"a status as code":          {`{"error":{"message":"m","code":400}}`, Complaint{Status: 400, Message: "m", Own: true}},
		"a status as text":          {`{"error":{"message":"m","type":"None","param":"None","code":"429"}}`, Complaint{Status: 429, Message: "m", Own: true}},
		"a number as code":          {`{"error":{"message":"m","code":1113}}`, Complaint{Code: "1113", Message: "m", Own: true}},
		"a text":                    {`{"error":"m"}`, Complaint{Message: "m"}},
		"a list":                    {`{"error":[{"code":2005,"message":"m"}],"success":false}`, Complaint{Code: "2005", Message: "m", Own: true, Gateway: true}},
		"Cloudflare's errors":       {`{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}`, Complaint{Code: "10000", Message: "Authentication error", Own: true, Gateway: true}},
		"texts":                     {`{"errors":["a","b","c","d"]}`, Complaint{Message: "a; b; c"}},
		"an object that is one":     {`{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}`, Complaint{Status: 400, Type: "BadRequestError", Message: "m", Own: true}},
		"a detail":                  {`{"detail":"m"}`, Complaint{Message: "m"}},
		"a detail that is one":      {`{"detail":{"error":{"message":"m","code":"c"}}}`, Complaint{Message: "m"}},
		"complaints":                {`{"detail":[{"loc":["body","messages",0,"role"],"msg":"a"},{"msg":"b"},{}]}`, Complaint{Message: "body.messages.0.role: a; b"}},
		"Mistral's":                 {`{"object":"error","message":{"detail":[{"loc":["body","model"],"msg":"Field required"}]}}`, Complaint{Message: "body.model: Field required", Own: true}},
		"a msg":                     {`{"code":40003,"msg":"m"}`, Complaint{Code: "40003", Message: "m", Own: true}},
		"Baidu's":                   {`{"error_code":17,"error_msg":"m"}`, Complaint{Code: "17", Message: "m", Own: true}},
		"MiniMax's":                 {`{"id":"x","choices":null,"base_resp":{"status_code":1008,"status_msg":"m"}}`, Complaint{Message: "m", Words: []string{"1008", "base_resp.1008"}, Own: true}},
		"Spark's":                   {`{"header":{"code":10013,"message":"m","sid":"s"}}`, Complaint{Code: "10013", Message: "m", Own: true}},
		"Tencent's":                 {`{"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"m"},"RequestId":"r"}}`, Complaint{Code: "AuthFailure.SecretIdNotFound", Message: "m", Own: true}},
		"AWS's":                     {`{"__type":"com.amazon.coral.service#UnrecognizedClientException","Message":"m"}`, Complaint{Status: 401, Type: "com.amazon.coral.service#UnrecognizedClientException", Message: "m", Own: true}},
		"DashScope's":               {`{"code":"Throttling.RateQuota","message":"m","request_id":"r"}`, Complaint{Code: "Throttling.RateQuota", Message: "m", Own: true}},
		"xAI's":                     {`{"code":"c","error":"m"}`, Complaint{Code: "c", Message: "m", Own: true}},
		"Anthropic's":               {`{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"r"}`, Complaint{Status: 529, Type: "overloaded_error", Message: "m", Own: true}},
		"Google's":                  {` [{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37s"},{"reason":"R"}]}}]`, Complaint{Status: 429, Message: "m", Words: []string{"RESOURCE_EXHAUSTED", "R"}, Retry: 37 * time.Second, Own: true}},
		"Google's without a number": {`{"error":{"message":"m","status":"UNAVAILABLE"}}`, Complaint{Status: 503, Message: "m", Words: []string{"UNAVAILABLE"}, Own: true}},
		"a problem (RFC 9457)":      {`{"type":"about:blank","title":"t","status":503,"detail":"m"}`, Complaint{Status: 503, Type: "about:blank", Message: "m", Own: true}},
		"a name and a message":      {`{"statusCode":400,"error":"Bad Request","message":"m"}`, Complaint{Status: 400, Message: "m"}},
		"a message outside":         {`{"error":{"code":"c"},"message":"m"}`, Complaint{Code: "c", Message: "m", Own: true}},
		"a status outside":          {`{"error":{"message":"m"},"status":503}`, Complaint{Status: 503, Message: "m", Own: true}},
		"an exception's name":       {`{"error":{"message":"litellm.RateLimitError: m"}}`, Complaint{Message: "litellm.RateLimitError: m", Own: true}},
		"behind a BOM":              {"\xef\xbb\xbf{\"error\":\"m\"}", Complaint{Message: "m"}},
		"DashScope's event":         {"event:error\n:HTTP_STATUS/400\ndata:{\"error\": {\"message\": \"m\", \"code\": \"context_length_exceeded\"}}\n", Complaint{Status: 400, Code: "context_length_exceeded", Message: "m", Own: true}},
		"an event in CRLF":          {"id:1\r\nevent: error\r\n:HTTP_STATUS/429\r\ndata: {\"code\":\"x\",\r\ndata: \"message\":\"m\"}\r\n\r\ndata: {\"message\":\"other\"}\r\n", Complaint{Status: 429, Code: "x", Message: "m", Own: true}},
		"only an event's status":    {":HTTP_STATUS/503\nevent:error\n", Complaint{Status: 503}},
		"OpenRouter's moderation":   {`{"error":{"code":403,"message":"m","metadata":{"reasons":["harassment"],"flagged_input":"x"}}}`, Complaint{Status: 403, Message: "m", Own: true, Flagged: true}},
		"a provider's error in it":  {`{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"m\",\"code\":\"context_length_exceeded\"}}"}}}`, Complaint{Status: 400, Message: "m", Own: true, Inner: "context_length_exceeded"}},
		"an error in its message":   {`{"error":{"message":"{\"error\":{\"message\":\"m\",\"code\":\"invalid_api_key\"}}"}}`, Complaint{Message: "m", Own: true, Inner: "invalid_api_key"}},
		"seconds to wait":           {`{"error":{"message":"m"},"retry_after":2.5}`, Complaint{Message: "m", Own: true, Retry: 2500 * time.Millisecond}},
		"Responses' end":            {`{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}}`, Complaint{Status: 500, Code: "server_error", Message: "m", Own: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Read([]byte(c.body))
			require.NotNil(t, got)
			if c.want.Words == nil {
				got.Words = nil // of a status that is no word for anything
			}
			assert.Equal(t, c.want, *got)
		})
	}
}

func TestWhatIsNoErrorSaysNothing(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": ``, "white space": " \r\n", "a web page": "<html></html>", "cut JSON": `{"error":{"message":"the model is ov`,
		"a cut list": `[{"error":{"message":"m"}`, "an empty list": `[]`, "an empty object": `{}`, "a text": `"m"`, "binary": "\x1f\x8b",
		"nested": `{"message":` + strings.Repeat(`{"message":`, 50) + `"m"` + strings.Repeat(`}`, 51), "too deep": strings.Repeat("[", 20000),
		"other types": `{"error":7,"message":[1],"detail":{"x":1},"code":{},"type":[]}`, "a page in JSON": `{"error":{"message":"<html><body>bad gateway</body></html>"}}`,
		"no news": `{"error":null,"success":true}`,
	} {
		assert.Nil(t, Read([]byte(body)), name)
	}
}

// TestWordsInAMessageAreNoCodes: a client can have its own text quoted there.
func TestWordsInAMessageAreNoCodes(t *testing.T) {
	c := Read([]byte(`{"error":{"message":"{\"code\":\"invalid_api_key\",\"type\":\"authentication_error\",\"status\":401,\"message\":\"m\"}"}}`))
	require.Empty(t, c.Code)
	require.Empty(t, c.Type)
	require.Empty(t, c.Words)
	require.Zero(t, c.Status)
}

func TestPlainTextIsReadUnlessItIsSomethingElse(t *testing.T) {
	require.Equal(t, "Failed to deserialize", Plain([]byte("Failed to deserialize\n")).Message)
	for _, body := range []string{"", "{", "[", `"x"`, "<html>", "caf\xe9", "\x1f\x8b"} {
		require.Nil(t, Plain([]byte(body)), body)
	}
}

func TestAPageIsKnownByItsBytesItsLabelOrItsHeader(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   bool
	}{
		"bytes":               {nil, "\n <!DOCTYPE html>", true},
		"bytes behind a BOM":  {nil, "\xef\xbb\xbf<html>", true},
		"XML":                 {nil, "<?xml version='1.0'?><Error/>", true},
		"a label":             {http.Header{"Content-Type": {"text/html; charset=UTF-8"}}, "", true},
		"a header":            {http.Header{"Cf-Mitigated": {"challenge"}}, "", true},
		"a bare refusal":      {http.Header{"Server": {"cloudflare"}}, "error code: 1015", true},
		"JSON labelled HTML":  {http.Header{"Content-Type": {"text/html"}}, `{"error":{}}`, false},
		"JSON behind the CDN": {http.Header{"Server": {"cloudflare"}, "Cf-Mitigated": {"challenge"}}, `{"error":{}}`, false},
		"nothing":             {nil, "", false},
		"plain text":          {nil, "Unauthorized", false},
	} {
		require.Equal(t, c.want, IsPage(c.header, []byte(c.body)), name)
	}
}

// TestReadingTakesNoMoreThanABoundWhateverTheSize: an answer of 200 that is an error may have 64 MiB.
func TestReadingTakesNoMoreThanABoundWhateverTheSize(t *testing.T) {
	const size = 32 << 20
	for name, body := range map[string][]byte{
		"one text":      []byte(`{"error":{"message":"` + strings.Repeat("x", size) + `"}}`),
		"a bare text":   []byte(`{"message":"` + strings.Repeat(`\u00e9`, size/6) + `"}`),
		"many members":  []byte(`{"error":{` + strings.Repeat(`"a":1,`, size/6) + `"message":"m"}}`),
		"many elements": []byte(`{"detail":[` + strings.Repeat(`{"msg":"m"},`, size/12) + `{}]}`),
		"many details":  []byte(`{"error":{"details":[` + strings.Repeat(`{"reason":"m"},`, size/15) + `{}]}}`),
		"many lines":    []byte(strings.Repeat("data:{}\n", size/8)),
		"nested":        []byte(strings.Repeat(`{"error":`, 300) + `"` + strings.Repeat("x", size) + `"` + strings.Repeat(`}`, 300)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := Read(body)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), name)
		if c != nil {
			require.LessOrEqual(t, len(c.Message), MaxText+1024, name)
		}
	}
}

func FuzzReadIsBoundedAndQuotesNoPage(f *testing.F) {
	for _, seed := range []string{
		`{"error":{"message":"m","type":"t","param":"p","code":"c"}}`, `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"37s"}]}}]`,
		`{"detail":[{"loc":["a",1],"msg":"m"}]}`, "event:error\n:HTTP_STATUS/400\ndata:{\"code\":\"c\"}\n", "\xef\xbb\xbf{\"error\":\"m\"}",
		`{"base_resp":{"status_code":1004,"status_msg":"m"}}`, `{"error":{"message":"{\"error\":{\"message\":\"m\"}}"}}`, `{"error":{"metadata":{"raw":"{}"}}}`,
		`{"success":false,"errors":[{"code":1,"message":"m"}]}`, `{"message":"\ud83d`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := Read(body)
		IsPage(nil, body)
		Plain(body)
		if c == nil {
			return
		}
		require.True(t, c.Status == 0 || c.Status >= 400 && c.Status <= 599, c.Status)
		require.LessOrEqual(t, len(c.Type), 3*maxToken)
		require.LessOrEqual(t, len(c.Code), 3*maxToken)
		require.NotContains(t, strings.ToLower(c.Message), "<html")
		require.GreaterOrEqual(t, c.Retry, time.Duration(0))
	})
}
