package operator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

const lookToken = "monitor-test-token"

// pageRelay has both tokens, and two channels.
func pageRelay(t *testing.T) *harness.Relay {
	t.Helper()
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	return harness.StartRelay(t, harness.TwoChannels(u, u, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken, "MONITOR_TOKEN", lookToken, "MONITOR_ALLOW_CIDR", "10.0.0.0/8",
		"GRAFANA_URL", "http://grafana.example:3002"))
}

func stateOf(r *harness.Relay, channel string) string {
	r.T.Helper()
	status, text := r.Operate("GET", "/api/monitor/channels/"+channel)
	require.Equal(r.T, 200, status, text)
	var is struct{ State string }
	require.NoError(r.T, json.Unmarshal([]byte(text), &is))
	return is.State
}

// browser keeps cookies, and says where its requests come from as browsers do.
type browser struct {
	*testing.T
	relay *harness.Relay
	site  string // Sec-Fetch-Site
	jar   []*http.Cookie
}

func (b *browser) does(method, path, kind, body string) (status int, header http.Header, text string) {
	b.Helper()
	request, err := http.NewRequest(method, b.relay.URL+path, strings.NewReader(body))
	require.NoError(b, err)
	request.Header.Set("Sec-Fetch-Site", b.site)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for _, cookie := range b.jar {
		request.AddCookie(cookie)
	}
	response, err := b.relay.Client.Do(request)
	require.NoError(b, err)
	data, err := io.ReadAll(response.Body)
	require.NoError(b, errors.Join(err, response.Body.Close()))
	for _, cookie := range response.Cookies() {
		b.jar = []*http.Cookie{cookie}
	}
	return response.StatusCode, response.Header, string(data)
}

func (b *browser) logsIn(token string) (status int, header http.Header, text string) {
	b.Helper()
	body, err := json.Marshal(map[string]string{"token": token})
	require.NoError(b, err)
	return b.does("POST", "/api/session", "application/json", string(body))
}

func TestThePageIsThereForEverybodyAndHoldsNoData(t *testing.T) {
	r := pageRelay(t)
	b := &browser{T: t, relay: r, site: "none"}
	status, header, text := b.does("GET", "/", "", "")
	require.Equal(t, 200, status)
	require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
	require.Contains(t, text, "<form")
	require.NotContains(t, text, `"a"`)
	for _, path := range []string{"/assets/app.js", "/assets/style.css", "/favicon.ico"} {
		status, header, _ = b.does("GET", path, "", "")
		require.Equal(t, 200, status, path)
		require.NotEmpty(t, header.Get("Content-Security-Policy"), path)
		require.NotEmpty(t, header.Get("ETag"), path)
	}
	for _, path := range []string{"/assets/none.js", "/assets/../page.go", "/assets/"} {
		status, _, _ = b.does("GET", path, "", "")
		require.Equal(t, 404, status, path)
	}
	for _, path := range []string{"/api/monitor/channels", "/api/monitor/events", "/api/monitor/history", "/api/monitor/routes?model=m", "/api/config"} {
		status, _, text = b.does("GET", path, "", "")
		require.Equal(t, 401, status, path)
		require.NotContains(t, text, "openai", path)
	}
	_, _, text = b.does("GET", "/api/session", "", "")
	require.NotContains(t, text, "grafana", "nothing is told to who may not look")
}

func TestWhoeverLogsInWithTheMonitorsTokenMayLookAndChangeNothing(t *testing.T) {
	r := pageRelay(t)
	b := &browser{T: t, relay: r, site: "same-origin"}
	status, header, _ := b.logsIn(lookToken)
	require.Equal(t, 200, status)
	cookie := header.Get("Set-Cookie")
	require.Contains(t, cookie, "HttpOnly")
	require.Contains(t, cookie, "SameSite=Strict")
	require.NotContains(t, cookie, lookToken)
	for _, path := range []string{"/api/monitor/channels", "/api/monitor/history", "/api/monitor/requests", "/api/monitor/channels/a/recent"} {
		status, _, _ = b.does("GET", path, "", "")
		require.Equal(t, 200, status, path)
	}
	_, _, text := b.does("GET", "/api/session", "", "")
	require.Contains(t, text, `"role":"monitor"`)
	require.Contains(t, text, "http://grafana.example:3002")
	for _, path := range []string{"/api/channel/a/disable", "/api/config/check"} {
		status, _, _ = b.does("POST", path, "application/json", "{}")
		require.Equal(t, 401, status, path)
	}
	status, _, _ = b.does("GET", "/api/config", "", "")
	require.Equal(t, 401, status)
	require.Equal(t, "healthy", stateOf(r, "a"))
}

func TestAnAdministratorsSessionIsNoUseToOtherSitesAndEndsWhenHeLeaves(t *testing.T) {
	r := pageRelay(t)
	b := &browser{T: t, relay: r, site: "same-origin"}
	status, _, _ := b.logsIn(harness.AdminToken)
	require.Equal(t, 200, status)
	status, _, _ = b.does("POST", "/api/channel/a/disable", "", "")
	require.Equal(t, 200, status)
	status, _, text := b.does("GET", "/api/config", "", "")
	require.Equal(t, 200, status)
	require.Contains(t, text, `"name":"a"`)
	require.NotContains(t, text, "sk-up", "no key is shown")
	b.site = "cross-site"
	status, _, _ = b.does("POST", "/api/channel/a/enable", "application/json", "")
	require.Equal(t, 403, status, "another site's page has asked")
	b.site = "same-origin"
	status, _, _ = b.does("POST", "/api/config/check", "text/plain", `{"yaml":"channels: []"}`)
	require.Equal(t, 415, status, "a form of another site can send text, and cannot send JSON")
	forged := *b.jar[0] //nolint:gosec // what a browser sends back has a name and a value alone
	forged.Value = strings.Replace(forged.Value, "admin.", "admin.9", 1)
	other := &browser{T: t, relay: r, site: "same-origin", jar: []*http.Cookie{&forged}}
	status, _, _ = other.does("POST", "/api/channel/a/enable", "", "")
	require.Equal(t, 401, status, "a longer life is not in the seal")
	_, _, _ = b.does("DELETE", "/api/session", "", "")
	require.Empty(t, b.jar[0].Value)
}

func TestWhoGuessesAtTheLoginIsSlowedDownWhereverHeIs(t *testing.T) {
	r := pageRelay(t)
	b := &browser{T: t, relay: r, site: "same-origin"}
	began := time.Now()
	for range 7 {
		status, _, text := b.logsIn("wrong")
		require.Equal(t, 401, status)
		require.Contains(t, text, "neither ADMIN_TOKEN nor MONITOR_TOKEN")
	}
	require.Greater(t, time.Since(began), 1500*time.Millisecond, "the sixth and the seventh have waited")
	status, _, _ := b.logsIn(lookToken)
	require.Equal(t, 200, status)
}

func TestEveryOpenPageIsToldOfTheRelayAndOfEachChannelThatChanges(t *testing.T) {
	r := pageRelay(t)
	pages := make([]*bufio.Scanner, 20)
	for i := range pages {
		request, err := http.NewRequest(http.MethodGet, r.URL+"/api/monitor/events", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+lookToken)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
		t.Cleanup(func() { _ = response.Body.Close() })
		pages[i] = bufio.NewScanner(response.Body)
		pages[i].Buffer(nil, 1<<20)
	}
	type told struct {
		Channels int  `json:"channels"`
		Whole    bool `json:"whole"`
		Rows     []struct{ Name, State string }
	}
	next := func(of *bufio.Scanner) (e told) {
		for of.Scan() {
			if data, is := bytes.CutPrefix(of.Bytes(), []byte("data: ")); is {
				require.NoError(t, json.Unmarshal(data, &e))
				return e
			}
		}
		t.Fatal("the stream has ended: ", of.Err())
		return e
	}
	for _, page := range pages {
		first := next(page)
		require.True(t, first.Whole)
		require.Equal(t, 2, first.Channels)
		require.Len(t, first.Rows, 2)
	}
	status, _ := r.Operate("POST", "/api/channel/b/disable")
	require.Equal(t, 200, status)
	for _, page := range pages {
		for seen := false; !seen; {
			for _, row := range next(page).Rows {
				seen = seen || row.Name == "b" && row.State == "disabled"
			}
		}
	}
}

func TestAConfigurationCanBeTriedBeforeItIsThere(t *testing.T) {
	r := pageRelay(t)
	b := &browser{T: t, relay: r, site: "same-origin"}
	_, _, _ = b.logsIn(harness.AdminToken)
	try := func(yaml string) string {
		body, err := json.Marshal(map[string]string{"yaml": yaml})
		require.NoError(t, err)
		status, _, text := b.does("POST", "/api/config/check", "application/json", string(body))
		require.Equal(t, 200, status, text)
		return text
	}
	require.Contains(t, try("channels:\n  - {name: x, type: openai, keys: [sk-x]}\n"), `"good":true`)
	wrong := try("channels:\n  - {name: x, type: openai, key: sk-secret-value}\n")
	require.Contains(t, wrong, `"good":false`)
	require.Contains(t, wrong, ":2")
	require.NotContains(t, wrong, "sk-secret-value")
	require.Equal(t, "healthy", stateOf(r, "a"), "nothing was loaded")
}

func TestTheLastFailuresOfAChannelAndWhereAModelGoesAreTold(t *testing.T) {
	bad := harness.NewUpstream(t, false, harness.Answers(500, `{"error":{"message":"the upstream is on fire"}}`))
	good := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.TwoChannels(bad, good, ""))
	response, err := r.Post(t.Context(), "/v1/chat/completions", harness.Chat)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, response.Body)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode)
	status, recent := r.Get("/api/monitor/channels/a/recent")
	require.Equal(t, 200, status)
	failure := recent["failures"].([]any)[0].(map[string]any)
	require.Equal(t, "upstream_status", failure["outcome"])
	require.Equal(t, 500.0, failure["status"])
	require.Contains(t, failure["detail"], "on fire")
	_, recent = r.Get("/api/monitor/channels/b/recent")
	require.Equal(t, 1.0, recent["took"].(map[string]any)["n"])
	_, routes := r.Get("/api/monitor/routes?model=m")
	names := []any{}
	for _, e := range routes["data"].([]any) {
		names = append(names, e.(map[string]any)["channel"])
	}
	require.Equal(t, []any{"a", "b"}, names, "the higher priority first")
	_, routes = r.Get("/api/monitor/routes?model=none")
	require.Empty(t, routes["data"])
}

func TestAChannelIsTestedByAQuestionThatCountsForNothing(t *testing.T) {
	lists := harness.NewUpstream(t, false, harness.Answers(200, `{"data":[{"id":"m-1"},{"id":"m-2"}]}`))
	refuses := harness.NewUpstream(t, false, harness.Answers(401, `{"error":{"message":"Incorrect API key provided: sk-up-b","code":"invalid_api_key"}}`))
	r := harness.StartRelay(t, harness.TwoChannels(lists, refuses, ""), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken))
	tested := func(channel string) (good bool, message string) {
		status, answer := admin(r, "POST", "/api/channel/"+channel+"/test", "")
		require.Equal(t, 200, status)
		of := answer["data"].(map[string]any)
		return of["good"].(bool), of["message"].(string)
	}
	good, message := tested("a")
	require.True(t, good, message)
	require.Contains(t, message, "2 models")
	good, message = tested("b")
	require.False(t, good)
	require.Contains(t, message, "upstream_status 401")
	require.NotContains(t, message, "sk-up-b")
	require.Equal(t, "healthy", stateOf(r, "b"), "the question counts for nothing")
	status, _ := admin(r, "POST", "/api/channel/none/test", "")
	require.Equal(t, 404, status)
}
