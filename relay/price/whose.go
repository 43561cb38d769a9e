package price

import (
	"strings"

	"one-api/relay/config"
)

// whose are the table's names for providers that have another one here.
var whose = map[string]string{
	"xai": "x-ai", "gemini": "google", "vertex": "google", "bedrock": "aws", "moonshot": "moonshotai", "zhipu": "zhipuai",
	"voyage": "voyageai",
}

// look is the price of a model at a channel, whose upstream is known by its address or, if nobody knows that, by its type. Behind an
// address of their own there may be anybody's models under the types of those who set the standards: then a model is its maker's.
func (t *table) look(c *config.Channel, model string) *listed {
	if c.Demo {
		return nil
	}
	if c.BaseURL != nil {
		address := c.BaseURL.String()
		for _, p := range t.Providers {
			if p.at.MatchString(address) {
				return t.find(p, model)
			}
		}
	}
	id := c.Type
	if other, has := whose[id]; has {
		id = other
	}
	if p := t.byID[id]; p != nil {
		if found := t.find(p, model); found != nil {
			return found
		}
	}
	if c.Official || c.Type != "openai" && c.Type != "anthropic" && c.Type != "gemini" {
		return nil
	}
	for name := model; ; {
		for _, p := range t.Providers {
			if p.Of.matches(name) {
				if found := t.find(p, name); found != nil {
					return found
				}
			}
		}
		at := strings.IndexByte(name, '/')
		if at < 0 {
			return nil
		}
		name = name[at+1:] // as in "openai/o3", which aggregators call it
	}
}
