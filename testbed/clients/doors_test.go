package clients

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// raw sends a request as it stands and reads its answer.
func raw(r *harness.Relay, text string) (*http.Response, string) {
	r.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(r.T, err)
	defer func() { _ = conn.Close() }()
	require.NoError(r.T, conn.SetDeadline(time.Now().Add(harness.Patience)))
	_, err = io.WriteString(conn, text)
	require.NoError(r.T, err)
	method, _, _ := strings.Cut(text, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(r.T, err, text)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(r.T, err)
	return response, string(body)
}

func TestNobodyLooksThroughAProxyOrUnderAForeignNameWithoutTheToken(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	open := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MONITOR_ALLOW_CIDR", "", "TRUSTED_PROXIES", "127.0.0.0/8"))
	host := "localhost"
	ask := func(version, host, more string) (int, string) {
		response, body := raw(open, "GET /api/monitor/channels HTTP/"+version+"\r\nHost: "+host+"\r\n"+more+"\r\n")
		return response.StatusCode, body
	}
	own, err := os.Hostname()
	require.NoError(t, err)
	for _, name := range []string{"localhost", "LocalHost:3000", "127.0.0.1:3000", "127.9.9.9", "[::1]:3000", "localhost.", own} {
		status, body := ask("1.1", name, "")
		require.Equal(t, 200, status, name+body)
	}
	for _, name := range []string{"evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.1", "10.0.0.1:3000", "0.0.0.0:3000", ""} {
		status, body := ask("1.1", name, "")
		require.Equal(t, 403, status, name)
		require.Contains(t, body, "MONITOR_TOKEN", name)
	}
	status, _ := ask("1.0", host, "")
	require.Equal(t, 403, status, "HTTP/1.0 is what nginx speaks unless it is told otherwise")
	for _, header := range []string{
		"X-Forwarded-For: 127.0.0.1", "X-Forwarded-For:", "x-forwarded-host: localhost", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443",
		"Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1", "Via: 1.1 squid", "CF-Connecting-IP: 127.0.0.1", "True-Client-IP: 127.0.0.1", "CDN-Loop: x",
	} {
		status, body := ask("1.1", host, header+"\r\n")
		require.Equal(t, 403, status, header)
		require.Contains(t, body, "proxy", header)
	}
}

func TestAllowedNetworksLookUnderAnyNameAndNotThroughAProxy(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, "")) // 127.0.0.0/8 is allowed
	response, _ := raw(r, "GET /api/monitor/channels HTTP/1.1\r\nHost: one-api:3000\r\n\r\n")
	require.Equal(t, 200, response.StatusCode)
	response, _ = raw(r, "GET /api/monitor/channels HTTP/1.1\r\nHost: one-api:3000\r\nVia: 1.1 x\r\n\r\n")
	require.Equal(t, 403, response.StatusCode)
}

func TestAPageOfAnotherSiteCannotUseTheOperatorsPassword(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", "admin-secret-123456"))
	host := strings.TrimPrefix(r.URL, "http://")
	disable := func(set func(*http.Request)) int {
		request, err := http.NewRequest(http.MethodPost, r.URL+"/api/channel/a/disable", nil)
		require.NoError(t, err)
		set(request)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		return response.StatusCode
	}
	password := func(headers ...string) func(*http.Request) {
		return func(request *http.Request) {
			request.SetBasicAuth("admin", "admin-secret-123456")
			for i := 0; i < len(headers); i += 2 {
				request.Header.Set(headers[i], headers[i+1])
			}
		}
	}
	for _, foreign := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "http://" + host},
	} {
		require.Equal(t, 403, disable(password(foreign...)), foreign)
	}
	_, c := r.Get("/api/monitor/channels/a")
	require.Equal(t, "healthy", c["state"], "nothing was done")
	for _, own := range [][]string{{}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", "http://" + host}} {
		require.Equal(t, 200, disable(password(own...)), own)
	}
	require.Equal(t, 200, disable(func(request *http.Request) {
		request.Header.Set("Authorization", "Bearer admin-secret-123456")
		request.Header.Set("Sec-Fetch-Site", "cross-site")
	}), "no browser sends a bearer token by itself")
}

func TestWhoGuessesKeysIsSlowedAndAValidKeyNeverIs(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("TRUSTED_PROXIES", "127.0.0.1", "ADMIN_TOKEN", "admin-secret-123456"))
	ask := func(method, path, from, key string) (int, time.Duration) {
		request, err := http.NewRequest(method, r.URL+path, strings.NewReader(harness.Chat))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+key)
		if from != "" {
			request.Header.Set("X-Forwarded-For", "127.0.0.1, "+from)
		}
		began := time.Now()
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode, time.Since(began)
	}
	const delay = 700 * time.Millisecond
	paths := []string{"POST /v1/chat/completions", "POST /v1/messages", "GET /v1/models", "POST /api/channel/a/disable"}
	for i := range 20 {
		method, path, _ := strings.Cut(paths[i%len(paths)], " ")
		status, _ := ask(method, path, "203.0.113.9", fmt.Sprint("sk-guess-", i))
		require.Equal(t, 401, status)
	}
	var all sync.WaitGroup
	for _, line := range paths {
		all.Go(func() {
			method, path, _ := strings.Cut(line, " ")
			status, took := ask(method, path, "203.0.113.9", "sk-guess-again")
			if status != 401 || took < delay {
				t.Errorf("%s: %d after %s", line, status, took)
			}
		})
	}
	all.Wait()
	// One that is slowed is slowed each time; one that is not may meet a busy machine.
	prompt := func(from, key string, want int) bool {
		for range 20 {
			status, took := ask("POST", "/v1/chat/completions", from, key)
			require.Equal(t, want, status)
			if took < delay {
				return true
			}
		}
		return false
	}
	require.True(t, prompt("203.0.113.9", harness.Key, 200), "a valid key from the same address")
	for _, from := range []string{"", "10.0.0.7", "127.0.0.1"} {
		for range 21 {
			ask("POST", "/v1/chat/completions", from, "sk-guess")
		}
		require.True(t, prompt(from, "sk-guess", 401), "the one who guesses from %q is no stranger", from)
	}
	r.Eventually("a line of the log", func() bool {
		return strings.Contains(r.Log.String(), "requests without a valid key were refused (401)")
	})
	require.LessOrEqual(t, strings.Count(r.Log.String(), "(401)"), 3, "once a minute, and not for each of them")
	require.NotContains(t, r.Log.String(), "sk-guess")
}

func TestAKeyIsGoodInEveryHeaderOnEveryEndpointAndAnyValidOneWillDo(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	bare := strings.TrimPrefix(harness.Key, "sk-")
	doors := []string{"GET /v1/models", "GET /v1/models/m"}
	for endpoint := range wire.Endpoints {
		for _, path := range endpoint.Paths() {
			doors = append(doors, endpoint.Method()+" "+path)
		}
	}
	for _, door := range doors {
		method, path, _ := strings.Cut(door, " ")
		for headers, want := range map[string]int{
			"Authorization: Bearer " + harness.Key: 200, "authorization: bearer " + harness.Key: 200, "x-api-key: " + harness.Key: 200, "api-key: " + harness.Key: 200,
			"x-goog-api-key: " + harness.Key: 200, "Authorization: Bearer " + bare: 200, "x-api-key: " + bare: 200,
			"Authorization: Bearer placeholder\r\nx-api-key: " + harness.Key: 200,
			"x-api-key: placeholder\r\nAuthorization: Bearer " + harness.Key: 200,
			"x-api-key: placeholder\r\nx-api-key: " + harness.Key:            200,
			"x-api-key: wrong":                    401,
			"Authorization: Basic " + harness.Key: 401,
			"x-other-key: " + harness.Key:         401,
			strings.Repeat("api-key: wrong\r\n", 100) + "x-goog-api-key: " + harness.Key + "": 401,
		} {
			body := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`
			if strings.HasSuffix(path, "/realtime") { // a websocket alone
				headers += "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
				body = ""
			}
			response, answer := raw(r, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: relay\r\n%s\r\nContent-Length: %d\r\n\r\n%s", method, path, headers, len(body), body))
			if want == 401 || strings.HasSuffix(path, "/chat/completions") || strings.HasSuffix(path, "/models") {
				require.Equal(t, want, response.StatusCode, "%s %s %s", door, headers, answer)
			}
			require.Equal(t, want == http.StatusUnauthorized, response.StatusCode == http.StatusUnauthorized, "%s %s %s", door, headers, answer)
		}
	}
	for _, header := range u.Headers {
		require.NotContains(t, fmt.Sprint(header), bare, "a client's key is never passed on")
	}
}

func TestStatusAndHealthAnswerHead(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for _, path := range []string{"/api/status", "/api/monitor/health"} {
		response, err := r.Client.Head(r.URL + path)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, 200, response.StatusCode, path)
		require.Equal(t, "application/json; charset=utf-8", response.Header.Get("Content-Type"))
	}
	guarded := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MONITOR_ALLOW_CIDR", "", "MONITOR_TOKEN", "look-at-me-123456", "PUBLIC_HEALTH", "false"))
	response, err := guarded.Client.Head(guarded.URL + "/api/monitor/health")
	require.NoError(t, err)
	_ = response.Body.Close()
	require.Equal(t, 401, response.StatusCode)
}

func TestPagesReadEveryAnswerButTheOperators(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", "admin-secret-123456"))
	for line, readable := range map[string]bool{
		"GET /api/status": true, "GET /api/monitor/health": true, "GET /v1/models": true, "GET /nowhere": true, "PUT /v1/chat/completions": true,
		"POST /v1/chat/completions": true, "OPTIONS /v1/chat/completions": true, "OPTIONS /v1/later": true,
		"GET /api/monitor/channels": false, "GET /api/monitor/channels/a": false, "OPTIONS /api/monitor/channels": false, "OPTIONS /api/channel/a/disable": false,
	} {
		response, _ := raw(r, line+" HTTP/1.1\r\nHost: relay\r\nOrigin: https://page.example\r\nAccess-Control-Request-Method: POST\r\n\r\n")
		require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"), line)
		if !readable {
			require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), line)
			continue
		}
		require.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"), line)
		for _, name := range []string{"X-Oneapi-Request-Id", "X-Request-Id", "Request-Id", "Retry-After"} {
			require.Contains(t, response.Header.Get("Access-Control-Expose-Headers"), name, line)
		}
	}
}

func TestAPlainlyWrongBaseURLIsExplained(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for path, hint := range map[string]string{
		"/v1/v1/chat/completions": "/v1 is in it twice", "/v1/v1/messages": "/v1 is in it twice", "/v1/v1": "/v1 is in it twice",
		"/chat/completions": "should be http(s)://127.0.0.1:", "/completions": "the path is /v1/completions", "/models": "the path is /v1/models",
		"/messages": "the path is /v1/messages", "/openai/v1/embeddings": "the path is /v1/embeddings",
		"/v1beta/v1beta/models/x:generateContent": "/v1beta is in it twice", "/models/x:generateContent": "the path is /v1beta/models/MODEL:generateContent", "/" + strings.Repeat("long/", 20): "/long/long/long/long/long/long/long/long…)",
		"/v1/chat/completions/": "without a slash at its end", "/nowhere": "", "/v1/nothing": "",
		"//v1/chat/completions": "two slashes stand before its path", "//v1/responses": "two slashes stand before its path", "/responses": "the path is /v1/responses",
	} {
		status, answer, header := r.Ask(path, harness.Chat)
		require.Equal(t, 404, status, path)
		message := harness.ErrorOf(t, answer)["message"].(string)
		require.Contains(t, message, hint, path)
		if hint == "" {
			require.NotContains(t, message, "the path is")
		}
		require.True(t, strings.HasSuffix(message, "(request id: "+header.Get("X-Oneapi-Request-Id")+")"), message)
		var shape map[string]any
		require.NoError(t, json.Unmarshal([]byte(answer), &shape))
		require.Equal(t, strings.HasSuffix(path, "/messages"), shape["type"] == "error", "each in the format that its client reads: "+path)
	}
}
