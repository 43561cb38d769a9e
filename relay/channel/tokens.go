package channel

import (
	"one-api/relay/config"
	"one-api/relay/credential"
	"one-api/relay/upstream"
)

type ownedTokens struct {
	settings tokenSettings
	source   *credential.Source
}

// tokenSettings is what two configurations of a channel must agree on to share their tokens.
type tokenSettings struct {
	credential config.Credential
	way        upstream.Identity
}

// tokensOf is where a channel's tokens come from; nil: it has keys. Those that are there outlive a reload that changes nothing of it.
func (p *Pool) tokensOf(c *config.Channel) *credential.Source {
	settings := tokenSettings{c.Credential, upstream.SettingsOf(*c)}
	owned := p.tokens[c.Name]
	if owned != nil && owned.settings == settings {
		return owned.source
	}
	if owned != nil {
		owned.source.Retire()
		delete(p.tokens, c.Name)
	}
	asks, machine := upstream.TokenWays(c, p.options.TLS)
	source := credential.Of(c, asks, machine, credential.Options{
		Running: &p.fetching, Describe: upstream.Describe,
		Failed: func(err error) {
			p.options.Log.Warn("a token could not be renewed: the one before is used until it expires", "channel", c.Name, "error", err.Error())
		},
	})
	if source != nil {
		p.tokens[c.Name] = &ownedTokens{settings, source}
	}
	return source
}

// dropTokens ends the sources of channels that are not kept.
func (p *Pool) dropTokens(kept map[string]bool) {
	for name, owned := range p.tokens {
		if !kept[name] {
			owned.source.Retire()
			delete(p.tokens, name)
		}
	}
}
