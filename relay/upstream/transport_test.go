package upstream

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/upstream/http1"
)

func TestOnlyAnUpstreamWithoutTLSAndProxyIsAskedPlainly(t *testing.T) {
	if !http1.Supported {
		t.Skip("not on this system")
	}
	none := func(*http.Request) (*url.URL, error) { return nil, nil }
	for at, want := range map[string]string{
		"http://127.0.0.1:8000/v1": "127.0.0.1:8000", "http://vllm": "vllm:80", "http://[::1]/v1": "[::1]:80",
		"https://api.openai.com/v1": "", "http://[fe80::1%25eth0]:80": "", "http://bücher.example": "",
	} {
		u, err := url.Parse(at)
		require.NoError(t, err)
		require.Equal(t, want != "", isReachedPlainly(u, none), at)
		if want != "" {
			require.Equal(t, want, addressOf(u))
		}
		require.False(t, isReachedPlainly(u, http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy:3128"})), at)
	}
	require.False(t, isReachedPlainly(nil, none))
}
