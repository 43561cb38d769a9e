package upstream

import (
	"crypto/tls"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/upstream/http1"
)

func TestTheRelaysOwnHTTPAsksWhateverItCan(t *testing.T) {
	if !http1.Supported {
		t.Skip("not on this system")
	}
	parsed := func(text string) *url.URL {
		if text == "" {
			return nil
		}
		u, err := url.Parse(text)
		require.NoError(t, err)
		return u
	}
	for _, c := range []struct {
		at, proxy     string
		http          config.HTTP
		address       string // empty means net/http's
		secure, tells bool
		many          string // the same for HTTP/2
	}{
		{at: "http://127.0.0.1:8000/v1", address: "127.0.0.1:8000"},
		{at: "http://vllm", address: "vllm:80"},
		{at: "http://[::1]/v1", address: "[::1]:80"},
		{at: "https://api.openai.com/v1", address: "api.openai.com:443", secure: true, many: "api.openai.com:443"},
		{at: "https://api.openai.com/v1", http: config.HTTP1, address: "api.openai.com:443", secure: true},
		{at: "https://api.openai.com/v1", http: config.HTTP2, many: "api.openai.com:443"},
		{at: "http://vllm", http: config.HTTP2, many: "vllm:80"},
		{at: "http://vllm", proxy: "http://proxy:3128", http: config.HTTP2},
		{at: "http://[fe80::1%25eth0]:80"},
		{at: "https://bücher.example"},
		{at: ""},
		{at: "http://vllm", proxy: "http://proxy:3128", address: "proxy:3128", tells: true},
		{at: "http://vllm", proxy: "https://proxy:3128"},
		{at: "http://vllm", proxy: "socks5://proxy", address: "vllm:80"},
		{at: "https://api.openai.com", proxy: "socks5h://proxy", address: "api.openai.com:443", secure: true, many: "api.openai.com:443"},
		{at: "https://api.openai.com", proxy: "http://proxy:3128", address: "api.openai.com:443", secure: true, many: "api.openai.com:443"},
		{at: "https://api.openai.com", proxy: "https://proxy:3128"},
	} {
		name := c.at + " " + c.proxy + " " + string(c.http)
		made := New(config.Channel{BaseURL: parsed(c.at), Proxy: parsed(c.proxy), Direct: c.proxy == "", HTTP: c.http}, &tls.Config{MinVersion: tls.VersionTLS12})
		require.Equal(t, c.http == config.HTTP2, made.http.Protocols.HTTP2(), "%s: net/http's HTTP/2 may never end, and is not used unasked", name)
		if c.many == "" {
			require.Nil(t, made.many, name)
		} else {
			require.NotNil(t, made.many, name)
			require.Equal(t, c.many, made.many.Address, name)
			require.Equal(t, strings.HasPrefix(c.at, "https"), made.many.TLS != nil, name)
		}
		if c.address == "" {
			require.Nil(t, made.own, name)
			continue
		}
		require.NotNil(t, made.own, name)
		require.Equal(t, c.address, made.own.Address, name)
		require.Equal(t, c.secure, made.own.TLS != nil, name)
		require.Equal(t, c.tells, made.own.Proxy != nil, name)
	}
}
