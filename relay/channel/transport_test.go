package channel

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel/http1"
	"one-api/relay/config"
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
		require.Equal(t, want != "", plainly(u, none), at)
		if want != "" {
			require.Equal(t, want, addressOf(u))
		}
		require.False(t, plainly(u, http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy:3128"})), at)
	}
	require.False(t, plainly(nil, none))
}

func TestAChannelThatMovesToAnotherServerLeavesItsConnectionsBehind(t *testing.T) {
	at := func(text string) config.Channel {
		u, err := url.Parse(text)
		require.NoError(t, err)
		return testChannel("a", func(c *config.Channel) { c.BaseURL = u })
	}
	p := testPool(t, at("http://one/v1"))
	before := p.Set().Get("a").transport
	p.Apply([]config.Channel{at("http://one/v2")})
	require.Same(t, before, p.Set().Get("a").transport, "the same server")
	p.Apply([]config.Channel{at("http://two/v1")})
	after := p.Set().Get("a").transport
	require.NotSame(t, before, after)
	require.True(t, before.retired.Load())
	require.Equal(t, "two:80", after.plain.Address)
}
