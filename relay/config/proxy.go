package config

import "golang.org/x/net/http/httpproxy"

// ownProxy reads a channel's own proxy. An empty one is none.
func (l *loader) ownProxy(c *Channel, v value) (given bool) {
	s, ok := l.scalar(v)
	switch {
	case !ok:
		return true
	case s.text == "direct":
		c.Direct = true
	case s.text == "":
		return false
	default:
		var message string
		if c.Proxy, message = parseProxy(s.text); message != "" {
			l.report(s.place, "%s (or direct: none, whatever RELAY_PROXY says)", message)
		}
	}
	return true
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
