package upstream

import (
	"crypto/tls"
	"net"
	"net/http"

	"one-api/relay/config"
)

// longestTokenHeader bounds the header of a token endpoint's answer.
const longestTokenHeader = 16 << 10

// TokenWays are the ways to whoever gives out a channel's tokens: asks is through the channel's proxy, machine goes to the machine's own
// metadata server, which no proxy may see. Their connections are used once, so that none is left when a token has come.
func TokenWays(c *config.Channel, tlsConfig *tls.Config) (asks, machine http.RoundTripper) {
	proxy := http.ProxyFromEnvironment
	if c.Proxy != nil || c.Direct {
		proxy = http.ProxyURL(c.Proxy)
	}
	through := &http.Transport{
		Proxy: proxy, DialContext: (&net.Dialer{Timeout: c.Timeouts.Connect}).DialContext, TLSHandshakeTimeout: c.Timeouts.Connect,
		TLSClientConfig: tlsConfig.Clone(), DisableKeepAlives: true, MaxResponseHeaderBytes: longestTokenHeader, DisableCompression: true,
	}
	direct := through.Clone()
	direct.Proxy = nil
	return through, direct
}
