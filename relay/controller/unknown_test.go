package controller

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/config"
)

func TestAPathThatThereIsNotSaysWhatWasMostLikelyMeant(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/v1/chat/completions": "/v1 is in it twice",
		"/chat/completions":       "your client's base URL should be http://HOST/v1",
		"/v1/chat/completions/":   "without a slash at its end",
		"//v1/chat/completions":   "two slashes stand before its path",
		"//chat/completions":      "two slashes stand before its path",
		"/responses/compact":      "the path is /v1/responses/compact",
		"/images/generations":     "your client's base URL should be http://HOST/v1",
		"/openai/audio/speech":    "the path is /v1/audio/speech",
	} {
		assert.Contains(t, baseURLHint(path), want, path)
	}
	assert.Empty(t, baseURLHint("/favicon.ico"))
}

func TestAnOperatorWithoutAnAdminTokenIsToldWhyNothingIsThere(t *testing.T) {
	without, with := &Controller{}, &Controller{Settings: config.Settings{AdminToken: "t"}}
	for method, paths := range map[string][]string{
		http.MethodPost:   {"/api/channel/demo/disable", "/api/channel/demo/enable"},
		http.MethodGet:    {"/debug/pprof/", "/debug/pprof"},
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
