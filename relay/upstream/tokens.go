package upstream

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"

	"one-api/relay/config"
)

// longestTokenHeader bounds the header of a token endpoint's answer.
const longestTokenHeader = 16 << 10

// TokenWays are the ways to whoever gives out a channel's tokens: asks is through the channel's proxy, if that is not for the upstream
// alone, machine goes to the machine's own metadata server, which no proxy may see. Their connections are used once, so that none is left
// when a token has come.
func TokenWays(c *config.Channel, tlsConfig *tls.Config) (asks, machine http.RoundTripper) {
	through := &http.Transport{
		Proxy: tokenProxy(c), DialContext: (&net.Dialer{Timeout: c.Timeouts.Connect}).DialContext, TLSHandshakeTimeout: c.Timeouts.Connect,
		TLSClientConfig: tlsConfig.Clone(), Protocols: protocols(config.HTTP1), DisableKeepAlives: true,
		MaxResponseHeaderBytes: longestTokenHeader, DisableCompression: true,
	}
	direct := through.Clone()
	direct.Proxy = nil
	return through, direct
}

// tokenProxy finds the proxy on the way to whoever gives out tokens: the channel's own, RELAY_PROXY unless NO_PROXY excepts the host, or
// the environment's. What is shown there is a secret, and on this machine no proxy has anything to do with it.
func tokenProxy(c *config.Channel) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		switch {
		case config.IsLoopback(r.URL.Hostname()):
			return nil, nil
		case c.TokenProxy.Relay != nil:
			return c.TokenProxy.For(r.URL)
		case c.Proxy != nil || c.Direct:
			return c.Proxy, nil
		}
		return http.ProxyFromEnvironment(r)
	}
}
