package channel

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/upstream"
)

func TestAChannelThatMovesToAnotherServerLeavesItsConnectionsBehind(t *testing.T) {
	at := func(text string) config.Channel {
		u, err := url.Parse(text)
		require.NoError(t, err)
		return testChannel("a", func(c *config.Channel) { c.BaseURL = u })
	}
	p := testPool(t, at("http://one/v1"))
	before := p.Set().Get("a").Transport
	p.Apply([]config.Channel{at("http://one/v2")})
	require.Same(t, before, p.Set().Get("a").Transport, "the same server")
	p.Apply([]config.Channel{at("http://two/v1")})
	after := p.Set().Get("a").Transport
	require.NotSame(t, before, after)
	require.True(t, before.Retired())
	require.Equal(t, upstream.SettingsOf(at("http://two/v1")), p.transports["a"].settings)
}
