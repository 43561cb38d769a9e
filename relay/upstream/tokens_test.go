package upstream

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

// TestWhoeverGivesOutTokensIsReachedByItsOwnWay and not by that to the upstream, which is another host.
func TestWhoeverGivesOutTokensIsReachedByItsOwnWay(t *testing.T) {
	parsed := func(text string) *url.URL {
		u, err := url.Parse(text)
		require.NoError(t, err)
		return u
	}
	const relays, own = "http://relays:3128", "http://own:3128"
	for name, c := range map[string]struct {
		channel config.Channel
		at      string
		proxy   string // "": none
	}{
		"RELAY_PROXY":                              {config.Channel{Proxy: parsed(relays), TokenProxy: config.TokenProxy{Relay: parsed(relays)}}, "https://oauth2.googleapis.com/token", relays},
		"this machine":                             {config.Channel{Proxy: parsed(relays), TokenProxy: config.TokenProxy{Relay: parsed(relays)}}, "http://127.0.0.1:8000/token", ""},
		"this machine by name":                     {config.Channel{Proxy: parsed(relays), TokenProxy: config.TokenProxy{Relay: parsed(relays)}}, "http://localhost:8000/token", ""},
		"this machine by IPv6":                     {config.Channel{Proxy: parsed(relays), TokenProxy: config.TokenProxy{Relay: parsed(relays)}}, "http://[::1]:8000/token", ""},
		"this machine, and a proxy of its own":     {config.Channel{Proxy: parsed(own)}, "http://127.0.0.1:8000/token", ""},
		"NO_PROXY excepts it":                      {config.Channel{Proxy: parsed(relays), TokenProxy: config.TokenProxy{Relay: parsed(relays), Not: ".corp"}}, "https://login.corp/token", ""},
		"NO_PROXY excepts the upstream and not it": {config.Channel{Direct: true, TokenProxy: config.TokenProxy{Relay: parsed(relays), Not: ".corp"}}, "https://oauth2.googleapis.com/token", relays},
		"a proxy of its own":                       {config.Channel{Proxy: parsed(own)}, "https://oauth2.googleapis.com/token", own},
		"none, whatever RELAY_PROXY says":          {config.Channel{Direct: true}, "https://oauth2.googleapis.com/token", ""},
	} {
		asks, machine := TokenWays(&c.channel, nil)
		got, err := asks.(*http.Transport).Proxy(&http.Request{URL: parsed(c.at)})
		require.NoError(t, err, name)
		if c.proxy == "" {
			require.Nil(t, got, name)
		} else {
			require.Equal(t, c.proxy, got.String(), name)
		}
		require.Nil(t, machine.(*http.Transport).Proxy)
		require.False(t, asks.(*http.Transport).Protocols.HTTP2(), "net/http's HTTP/2 may never end")
	}
}
