package controller

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/config"
)

func TestAPathThatThereIsNotSaysWhatWasMostLikelyMeant(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/v1/chat/completions":                        "/v1 is in it twice",
		"/chat/completions":                              "your client's base URL should be http(s)://relay.example:3000/v1",
		"/v1beta/v1beta/models/gemini-x:generateContent": "/v1beta is in it twice. Your client adds one to its base URL by itself, so take it out there: it should be http(s)://relay.example:3000, without /v1beta",
		"/v1beta/v1beta":                                 "/v1beta is in it twice",
		"/v1/v1beta/models/x:countTokens":                "two versions are in it",
		"/v1beta/v1/chat/completions":                    "two versions are in it",
		"/models/x:streamGenerateContent":                "the path is /v1beta/models/MODEL:streamGenerateContent",
		"/gemini/v1beta/models/x:embedContent":           "the path is /v1beta/models/MODEL:embedContent",
		"/messages":                                      "needs the base URL http(s)://relay.example:3000, and one that adds /messages http(s)://relay.example:3000/v1",
		"/rerank/":                                       "the path is /v1/rerank",
		"/v1/chat/completions/":                          "without a slash at its end",
		"//v1/chat/completions":                          "two slashes stand before its path",
		"//chat/completions":                             "two slashes stand before its path",
		"/responses/compact":                             "the path is /v1/responses/compact",
		"/images/generations":                            "your client's base URL should be http(s)://relay.example:3000/v1",
		"/openai/audio/speech":                           "the path is /v1/audio/speech",
	} {
		assert.Contains(t, baseURLHint(path, "relay.example:3000"), want, path)
	}
	assert.Empty(t, baseURLHint("/favicon.ico", "relay.example"))
	assert.Empty(t, baseURLHint("/a:b", "relay.example"))
	for _, odd := range []string{"", "a b", "<script>", strings.Repeat("a", 101), "relé"} {
		assert.Contains(t, baseURLHint("/chat/completions", odd), "should be this relay's address/v1", odd)
	}
}

func TestAnOperatorWithoutAnAdminTokenIsToldWhyNothingIsThere(t *testing.T) {
	without, with := &Controller{}, &Controller{Settings: config.Settings{AdminToken: "t"}}
	for method, paths := range map[string][]string{
		http.MethodPost: {"/api/channel/demo/disable", "/api/channel/demo/enable"},
		http.MethodGet: {
			"/debug/pprof/", "/debug/pprof", "/api/usage", "/api/requests", "/api/requests/abc", "/api/prices", "/api/token", "/api/token/kid", "/api/config",
		},
		http.MethodDelete: {"/api/monitor/requests/1"},
	} {
		for _, path := range paths {
			r := httptest.NewRequest(method, path, nil)
			assert.Equal(t, ": the admin endpoints exist once ADMIN_TOKEN is set", without.adminHint(r), path)
			assert.Empty(t, with.adminHint(r), path)
		}
	}
	assert.Empty(t, without.adminHint(httptest.NewRequest(http.MethodGet, "/api/channels", nil)))
}
