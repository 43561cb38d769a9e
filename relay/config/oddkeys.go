package config

import (
	"regexp"
	"strings"
)

// placeholder finds what stands in examples where a key belongs. Words that a server without keys may be given (none, EMPTY, dummy)
// are not among them.
var placeholder = regexp.MustCompile(`(?i)^(?:(?:sk|xai|gsk|pplx)[-_](?:[a-z0-9]{2,5}-)?)?(?:[x*.…]{3,}|1234567890?|0{6,}|abc(?:def|123)\w*)$|` +
	`(?:^|[-_. <])(?:your|insert|paste|enter)[-_ .]?(?:[a-z0-9]+[-_ .])*?(?:api[-_ ]?)?(?:key|token|secret)(?:$|[-_. >])|` +
	`^<.*>$|^\[.*\]$|^\{.*\}$|^(?:change|replace|fill)[-_ ]?(?:me|this|in)\w*$|^(?:todo|fixme|placeholder|api[-_]?key)$|(?:^|[-_])(?:goes[-_ ]here|x{6,})$`)

// isPlaceholder reports whether a key is none, but what an example has in its place.
func isPlaceholder(key string) bool { return placeholder.MatchString(key) }

// prefixes are how keys of providers begin that tell whose they are, the longer ones first. in is what the address of such a
// provider has in it, or of a gateway to it.
var prefixes = []struct{ prefix, owner, kind, in string }{
	{"sk-ant-", "Anthropic", "anthropic", "anthropic"},
	{"sk-or-", "OpenRouter", "openrouter", "openrouter"},
	{"sk-proj-", "OpenAI", "openai", "openai"},
	{"gsk_", "Groq", "groq", "groq"},
	{"xai-", "xAI", "xai", "x.ai"},
	{"pplx-", "Perplexity", "perplexity", "perplexity"},
	{"AIza", "Google", "", "google"},
}

// oddKeys warns of keys that cannot be meant for their channel, and refuses those that its own provider will surely not take. A gateway
// may take the key of the provider behind it, so nothing is said of a base_url of its own, unless the key is Anthropic's, whose API is
// another type. A variable may be meant for other programs, so that its key is no reason not to start.
func (l *loader) oddKeys(c *Channel, keys []scalar) {
	for _, key := range keys {
		if isPlaceholder(key.text) {
			l.warn(key.place, "is a placeholder out of an example: put a key of the provider's in its place")
			continue
		}
		if message := c.takesNo(key.text); message != "" {
			say := l.report
			if key.file == environmentFile {
				say = l.warn
			}
			say(key.place, "%s", message)
			continue
		}
		for _, p := range prefixes {
			if !strings.HasPrefix(key.text, p.prefix) {
				continue
			}
			if c.Type != p.kind && (c.Official || p.kind == "anthropic") && !leadsTo(c, p.in) {
				say, so := l.warn, "is it the right key, and the right type?"
				if c.atHome() && key.file != environmentFile {
					say, so = l.report, "it would be refused there, so put a key of its own in its place, or make it the type of the key"
				}
				say(key.place, "begins as keys of %s do (%s…), and the channel is of the type %s: %s", p.owner, p.prefix, c.Type, so)
			}
			break
		}
	}
}

// halfAKey is what a secret access key of AWS's looks like, whose id is missing.
var halfAKey = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// takesNo is what is wrong with a key that a cloud's own address will surely not take, since it is another kind of credential; "":
// nothing that is known.
func (c *Channel) takesNo(key string) string {
	const hour = ", which lives for an hour: "
	at := c.atHome()
	switch {
	case at && c.Type == "azure" && strings.HasPrefix(key, "eyJ"):
		return "begins as tokens of Entra do (eyJ…)" + hour + "give one of the resource's keys, or entra with tenant, client_id and client_secret"
	case at && (c.Type == "gemini" || c.Type == "vertex") && strings.HasPrefix(key, "ya29."):
		return "begins as access tokens of Google's do (ya29.…)" + hour + "give an API key, or a channel of the type vertex credentials_file"
	case at && c.Type == "bedrock" && halfAKey.MatchString(key):
		return "looks like a secret access key by itself: it must be AKID:SECRET, AKID:SECRET:SESSION_TOKEN, or an API key of Bedrock's"
	}
	return ""
}

// atHome reports whether a channel leads to its provider itself, and not by way of anybody else's address.
func (c *Channel) atHome() bool {
	if c.BaseURL == nil || !c.Official {
		return false
	}
	host := c.BaseURL.Hostname()
	switch c.Type {
	case "azure":
		_, own := azureOwn(host)
		return own
	case "vertex":
		return strings.HasSuffix(host, ".googleapis.com")
	}
	return true
}

// leadsTo reports whether a channel's address has a provider's name in it, as Azure's have OpenAI's, whose keys are others.
func leadsTo(c *Channel, name string) bool {
	return c.BaseURL != nil && c.Type != "azure" && (strings.Contains(c.BaseURL.Host, name) || strings.Contains(c.BaseURL.Path, name))
}
