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

// selfHosted are the types whose servers run on somebody's own machine: what a call costs there is not what a maker asks.
var selfHosted = map[string]bool{"ollama": true, "vllm": true}

// look is the price of a model at a channel, whose upstream is known by its address or, if nobody knows that, by its type. If the table
// has no price of that provider's for the model, it is its maker's: a model of whom nobody knows what they ask costs about as much
// elsewhere, and would count as nothing in budgets otherwise.
func (t *table) look(c *config.Channel, model string) *listed {
	if c.Demo {
		return nil
	}
	if p := t.provider(c); p != nil {
		if found := t.find(p, model); found != nil {
			return found
		}
	}
	if selfHosted[c.Type] {
		return nil
	}
	return t.maker(model)
}

// provider is who is asked; nil: nobody whom the table has.
func (t *table) provider(c *config.Channel) *provider {
	if c.BaseURL != nil {
		address := c.BaseURL.String()
		for _, p := range t.Providers {
			if p.at.MatchString(address) {
				return p
			}
		}
	}
	id := c.Type
	if other, has := whose[id]; has {
		id = other
	}
	return t.byID[id]
}

// maker is a model's price at whoever made it. What was distilled out of it is another model, and cheaper.
func (t *table) maker(model string) *listed {
	if strings.Contains(model, "distill") {
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
