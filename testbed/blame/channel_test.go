package blame

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// neverWell are upstreams of which nothing ever succeeds. passedOver: that is the upstream's own doing, and others need not find it
// out again and again.
var neverWell = map[string]struct {
	answer, says string
	passedOver   bool
}{
	"moved to https":              {rawOf(301, "text/html", "<html>Moved</html>", "Location: https://upstream.example/v1/chat/completions"), "upstream_status 301, redirected with status 301 to https, another host, the same path", true},
	"moved elsewhere":             {rawOf(307, "", "", "Location: https://other.example/v1"), "to https, another host, another path", true},
	"sent to a login":             {rawOf(302, "", "", "Location: /sso/login?next=x"), "to http, the same host, a login page", true},
	"sent to its front page":      {rawOf(308, "", "", "Location: /"), "to http, the same host, its front page", true},
	"sent to nowhere":             {rawOf(303, "", ""), "without saying where to", true},
	"a path that there is not":    {rawOf(404, "text/html", "<html><h1>404 Not Found</h1></html>"), "404, a web page, with status 404: there is nothing at this path", true},
	"the same in JSON":            {raw(404, `{"detail":"Not Found"}`), "404, Not Found: there is nothing at this path", true},
	"no POST":                     {raw(405, `{"detail":"Method Not Allowed"}`), "POST is not allowed at this path", true},
	"a proxy that wants a login":  {rawOf(407, "text/plain", "", "Proxy-Authenticate: Basic"), "the proxy asks for credentials", true},
	"a country that is not there": {raw(403, `{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","type":"request_forbidden"}}`), "Country", true},
	"a challenge for everybody":   {rawOf(403, "text/html", challengePage, "cf-mitigated: challenge"), "a web page, with status 403", true},
	"a model that is not there":   {raw(404, `{"error":{"message":"model x not found","code":"model_not_found"}}`), "model x not found", false},
	"every request refused":       {raw(400, `{"error":{"message":"odd"}}`), "odd", false},
}

func TestWhatNeverSucceedsIsNotHealthyAndSaysWhy(t *testing.T) {
	for name, c := range neverWell {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := blames(t, "openai", plays(t, c.answer), true)
			for i := range 12 {
				b.says([]string{harness.Key, secondKey}[i%2], plainCall)
			}
			seen := b.channel("primary")
			require.NotEqual(t, "healthy", seen["state"])
			require.Contains(t, seen["reason"], c.says)
			require.NotContains(t, fmt.Sprint(seen), ".example")
			require.NotContains(t, b.Log.String(), ".example")
			require.NotContains(t, fmt.Sprint(seen), "127.0.0.1")
			require.Equal(t, c.passedOver, b.primary.posts.Load() < 12, "it is passed over")
			require.Equal(t, "3 0 0", b.keys(), "no key has anything to do with it")
			if c.passedOver {
				require.Equal(t, "cooling", seen["state"])
				require.Positive(t, seen["retry_in_seconds"])
			}
			status, health := b.Get("/api/monitor/health")
			require.Equal(t, http.StatusOK, status)
			require.EqualValues(t, 1, health["channels"].(map[string]any)["degraded"])

			alone := blames(t, "openai", plays(t, c.answer), false)
			for i := range 11 {
				status, text, _ := alone.says([]string{harness.Key, secondKey}[i%2], plainCall)
				require.GreaterOrEqual(t, status, 400)
				require.NotContains(t, text, ".example")
			}
			require.EqualValues(t, 11, alone.primary.posts.Load(), "where it is the only one it is asked all the same")
			require.NotEqual(t, "healthy", alone.channel("primary")["state"])

			alone.primary.mu.Lock()
			alone.primary.answer = func(*http.Request, string) string { return rawGood() }
			alone.primary.mu.Unlock()
			status, text, _ := alone.says(harness.Key, plainCall)
			require.Equal(t, http.StatusOK, status, text)
			require.Equal(t, "healthy", alone.channel("primary")["state"], "one success clears it")
			require.Empty(t, alone.channel("primary")["reason"])
		})
	}
}

// TestAChallengeForOneClientPassesNoChannelOver: it may be that client's prompt.
func TestAChallengeForOneClientPassesNoChannelOver(t *testing.T) {
	b := blames(t, "openai", plays(t, neverWell["a challenge for everybody"].answer), true)
	for range 20 {
		b.says(harness.Key, plainCall)
	}
	require.EqualValues(t, 20, b.primary.posts.Load())
	require.Equal(t, "degraded", b.channel("primary")["state"])
}

func TestADisabledChannelSaysWhoDisabledIt(t *testing.T) {
	r := harness.StartRelay(t, "channels:\n  - {name: off, type: openai, keys: [k], models: [m], disabled: true}\n  - {name: on, type: openai, keys: [k], models: [m]}\n")
	_, off := r.Get("/api/monitor/channels/off")
	require.Equal(t, "disabled in the configuration", off["reason"])
	r.Server.Pool().Set().Get("on").SetDisabled(true)
	_, on := r.Get("/api/monitor/channels/on")
	require.Equal(t, "disabled by the operator", on["reason"])
	require.Zero(t, on["retry_in_seconds"])
}

// TestAProxyThatWantsALoginIsSaidToDoSo also where the upstream speaks TLS, and the proxy is asked for a tunnel.
func TestAProxyThatWantsALoginIsSaidToDoSo(t *testing.T) {
	proxy := plays(t, rawOf(407, "text/html", "<html>proxy.inside.example wants to know who you are</html>", "Proxy-Authenticate: Basic realm=inside"))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: primary, type: openai, base_url: 'https://upstream.example/v1', proxy: %q, keys: [sk-up-aaaa1111bbbb], models: [m]}\n", proxy.URL))
	b := &blamed{Relay: r, primary: proxy}
	for range 10 {
		status, text, _ := b.says(harness.Key, plainCall)
		require.Equal(t, http.StatusBadGateway, status)
		require.NotContains(t, text, "example")
	}
	seen := b.channel("primary")
	require.Equal(t, "cooling", seen["state"])
	require.Contains(t, seen["reason"], "Proxy Authentication Required")
	require.NotContains(t, b.Log.String(), "example")
	require.Equal(t, "1 0 0", b.keys())
}
