package config

import "strings"

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

// speaksThrough reports that HTTP/2 without TLS is told to go through a proxy that would take it for its own.
func (l *loader) speaksThrough(c *Channel, at place) {
	if c.HTTP == HTTP2 && c.BaseURL != nil && c.BaseURL.Scheme == "http" && c.Proxy != nil && strings.HasPrefix(c.Proxy.Scheme, "http") {
		at.key = member(at.key, "http")
		l.report(at, "2 does not go through an HTTP proxy without TLS: leave it out, or say `proxy: direct`")
	}
}

// relayProxy applies RELAY_PROXY. A host that is this machine's, or that NO_PROXY excepts, is reached without.
func (l *loader) relayProxy(c *Channel) {
	relay := l.settings.RelayProxy
	if relay == nil || c.BaseURL == nil {
		return
	}
	through := TokenProxy{relay, l.settings.NoProxy}
	if !c.Credential.IsNone() {
		c.TokenProxy = through
	}
	if proxy, err := through.For(c.BaseURL); err == nil && proxy == nil {
		c.Direct = true
		return
	}
	c.Proxy = relay
}
