package config

import "golang.org/x/net/http/httpproxy"

// proxy finds the way to the channel's host.
func (l *loader) proxy(c *Channel, fields map[string]value) {
	if v, given := fields["proxy"]; given {
		s, ok := l.scalar(v)
		switch {
		case !ok:
			return
		case s.text == "direct":
			c.Direct = true
			return
		case s.text != "":
			var message string
			if c.Proxy, message = parseProxy(s.text); message != "" {
				l.report(s.place, "%s (or direct: none, whatever RELAY_PROXY says)", message)
			}
			return
		}
	}
	l.relayProxy(c)
}

// relayProxy applies RELAY_PROXY. A host that is this machine's, or that NO_PROXY excepts, is reached without.
func (l *loader) relayProxy(c *Channel) {
	relay := l.settings.RelayProxy
	if relay == nil || c.BaseURL == nil {
		return
	}
	through := httpproxy.Config{HTTPProxy: relay.String(), HTTPSProxy: relay.String(), NoProxy: l.settings.NoProxy}
	if proxy, err := through.ProxyFunc()(c.BaseURL); err == nil && proxy == nil {
		c.Direct = true
		return
	}
	c.Proxy = relay
}
