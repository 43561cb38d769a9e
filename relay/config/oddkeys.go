package config

import (
	"regexp"
	"slices"
	"strings"
)

// placeholder finds what stands in examples where a key belongs. Words that a server without keys may be given (none, EMPTY, dummy)
// are not among them.
var placeholder = regexp.MustCompile(`(?i)^(?:(?:sk|xai|gsk|pplx)[-_](?:[a-z0-9]{2,5}-)?)?(?:[x*.…]{3,}|1234567890?|0{6,}|abc(?:def|123)\w*)$|` +
	`(?:^|[-_. <])(?:your|insert|paste|enter)[-_ .]?(?:[a-z0-9]+[-_ .])*?(?:api[-_ ]?)?(?:key|token|secret)(?:$|[-_. >])|` +
	`^<.*>$|^\[.*\]$|^\{.*\}$|^(?:change|replace|fill)[-_ ]?(?:me|this|in)\w*$|^(?:todo|fixme|placeholder|api[-_]?key)$|(?:^|[-_])(?:goes[-_ ]here|x{6,})$`)

// isPlaceholder reports whether a key is none, but what an example has in its place.
func isPlaceholder(key string) bool { return placeholder.MatchString(key) }

// ownPrefix is how keys of a provider begin, if that tells whose they are. kind is the type of its channels ("": it has none of its own),
// and in what its address has in it, or that of a gateway to it.
type ownPrefix struct{ prefix, owner, kind, in string }

// prefixes has the longer ones first.
var prefixes = []ownPrefix{
	{"sk-ant-", "Anthropic", "anthropic", "anthropic"},
	{"sk-or-", "OpenRouter", "openrouter", "openrouter"},
	{"sk-proj-", "OpenAI", "openai", "openai"},
	{"sk-svcacct-", "OpenAI", "openai", "openai"},
	{"gsk_", "Groq", "groq", "groq"},
	{"xai-", "xAI", "xai", "x.ai"},
	{"pplx-", "Perplexity", "perplexity", "perplexity"},
	{"jina_", "Jina", "jina", "jina"},
	{"fw_", "Fireworks", "fireworks", "fireworks"},
	{"nvapi-", "NVIDIA", "", "nvidia"},
	{"hf_", "Hugging Face", "", "huggingface"},
	{"github_pat_", "GitHub", "", "github"},
	{"ghp_", "GitHub", "", "github"},
	{"AIza", "Google", "gemini", "google"},
	{"AKIA", "AWS", "bedrock", "aws"},
	{"ASIA", "AWS", "bedrock", "aws"},
	{"ABSK", "AWS", "bedrock", "aws"},
}

// oddKeys warns of keys that cannot be meant for their channel, and refuses those that its own provider will surely not take. A gateway
// may take the key of the provider behind it, so nothing is said of a base_url of its own, unless the key is Anthropic's, whose API is
// another type. A variable may be meant for other programs, so that its key is no reason not to start.
func (l *loader) oddKeys(c *channelDraft, keys []scalar) {
	for _, key := range keys {
		if isPlaceholder(key.text) {
			l.warn(key.place, "is a placeholder out of an example: put a key of the provider's in its place")
			continue
		}
		if strings.ContainsAny(key.text, ",;") {
			l.warn(key.place, "holds a comma, which hardly any key does: several keys stand in a list, each by itself: [one, two]")
		}
		if message := c.takesNo(key.text); message != "" {
			say := l.report
			if key.file == environmentFile {
				say = l.warn
			}
			say(key.place, "%s", message)
			continue
		}
		l.anothersKey(c, key)
	}
}

// anothersKey finds a key that is another provider's.
func (l *loader) anothersKey(c *channelDraft, key scalar) {
	i := slices.IndexFunc(prefixes, func(p ownPrefix) bool { return strings.HasPrefix(key.text, p.prefix) })
	if i < 0 {
		return
	}
	p := prefixes[i]
	if _, known := l.providers[c.Type]; !known {
		if p.kind != "" {
			l.warn(key.place, "begins as keys of %s do (%s…), whose channels are of the type %s", p.owner, p.prefix, p.kind)
		}
		return
	}
	if c.Type == p.kind || !c.Official && p.kind != "anthropic" || c.leadsTo(p.in) {
		return
	}
	say, so := l.warn, "is it the right key, and the right type?"
	if c.atHome() && key.file != environmentFile {
		say, so = l.report, "it would be refused there, so put a key of its own in its place"
		if p.kind != "" {
			so += ", or make it the type of the key: " + p.kind
		}
	}
	say(key.place, "begins as keys of %s do (%s…), and the channel is of the type %s: %s", p.owner, p.prefix, c.Type, so)
}

// halfAKey is what a secret access key of AWS's looks like, whose id is missing.
var halfAKey = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// takesNo is what is wrong with a key that a cloud's own address will surely not take, since it is another kind of credential; "":
// nothing that is known.
func (c *Channel) takesNo(key string) string {
	const hour = ", which lives for an hour: "
	at := c.atHome()
	switch {
	case at && c.Type == "anthropic" && strings.HasPrefix(key, "sk-ant-oat"):
		return "begins as tokens of a Claude subscription do (sk-ant-oat…), which the API does not take for a key: make one in Anthropic's console"
	case at && (strings.HasPrefix(key, "sk-ant-admin") || strings.HasPrefix(key, "sk-admin-")):
		return "begins as keys for administration do (sk-ant-admin…, sk-admin-…), with which no model can be asked: make one for the API"
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

// leadsTo reports whether a channel's address has a provider's name in it, as Azure's have OpenAI's, whose keys are others. One that
// cannot be used says as much.
func (c *channelDraft) leadsTo(name string) bool {
	switch {
	case c.Type == "azure":
		return false
	case c.BaseURL != nil:
		return strings.Contains(c.BaseURL.Host, name) || strings.Contains(c.BaseURL.Path, name)
	}
	return c.baseURL != nil && strings.Contains(strings.ToLower(c.baseURL.node.Value), name)
}
