package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// pages are hosts that have pages for people, and no API that could be asked.
var pages = []string{
	"openai.com", "www.openai.com", "platform.openai.com", "chat.openai.com", "chatgpt.com", "anthropic.com", "www.anthropic.com",
	"console.anthropic.com", "platform.claude.com", "claude.com", "claude.ai", "docs.anthropic.com", "docs.claude.com", "aistudio.google.com",
	"ai.google.dev", "console.cloud.google.com", "groq.com", "console.groq.com", "platform.deepseek.com", "chat.deepseek.com",
	"www.deepseek.com",
	"mistral.ai", "console.mistral.ai", "x.ai", "console.x.ai", "console.aws.amazon.com", "www.perplexity.ai", "huggingface.co",
}

// isPage reports whether a host has pages for people only.
func isPage(host string) bool {
	host = strings.ToLower(host)
	return slices.Contains(pages, host) || strings.HasSuffix(host, ".console.aws.amazon.com")
}

const saysPage = "is a page for people, and not where the API is: leave base_url out for the provider's own address"

// queryProblem is what is wrong with an address that has a query or a fragment.
func queryProblem(u *url.URL) string {
	switch {
	case isPage(u.Hostname()):
		return saysPage
	case u.Query().Has("key") || u.Query().Has("api_key") || u.Query().Has("api-key"):
		return "has a key in its query: give that as keys, and leave out the ? and what follows"
	}
	return "must not have a query or a fragment: leave out what begins with ? or #"
}

// emptyPlaces is paths at hosts of gateways and vendors below which there is nothing in OpenAI's format, with what is there in their place.
var emptyPlaces = []struct {
	host, path *regexp.Regexp
	says       string
}{
	{regexp.MustCompile(`^gateway\.ai\.cloudflare\.com$`), regexp.MustCompile(`^/v1(/[^/]+){0,2}$`),
		"names no provider behind Cloudflare's gateway: it must be …/v1/ACCOUNT/GATEWAY/openai, or /anthropic or another's name at its " +
			"end (/compat for all)"},
	{regexp.MustCompile(`^api\.cloudflare\.com$`), regexp.MustCompile(`/ai(/run(/.*)?)?$`),
		"was understood as Workers AI, whose models are asked in OpenAI's format at …/accounts/ACCOUNT/ai/v1: name the model in models"},
	{regexp.MustCompile(`^dashscope(-intl|-us)?\.aliyuncs\.com$`), regexp.MustCompile(`^/api(/|$)`),
		"was understood as DashScope's own format; OpenAI's is at …/compatible-mode/v1 there, and channels of the type dashscope lead to it"},
}

// ollamas is the end of the address of an endpoint of Ollama's own API, or of all.
var ollamas = regexp.MustCompile(`^/api(/(chat|generate|tags|embed|embeddings))?$`)

// unversioned are addresses of vendors that have no version in them, and want none.
var unversioned = []struct{ host, path *regexp.Regexp }{
	{regexp.MustCompile(`^models\.github\.ai$`), regexp.MustCompile(`^(/orgs/[^/]+)?/inference/v1$`)},
	{regexp.MustCompile(`\.(?:cloud\.databricks\.com|azuredatabricks\.net|gcp\.databricks\.com)$`), regexp.MustCompile(`^/serving-endpoints/v1$`)},
}

// nowhere is what is wrong with an address of a channel that speaks OpenAI's format at which nobody answers in it; "": nothing that is
// known. written is its path without a version that was added.
func nowhere(base *url.URL, kind, written string) string {
	host := strings.ToLower(base.Hostname())
	for _, m := range emptyPlaces {
		if m.host.MatchString(host) && m.path.MatchString(written) {
			return m.says
		}
	}
	if (kind == "ollama" || base.Port() == "11434") && ollamas.MatchString(written) {
		return "is Ollama's own API: leave " + written + " out, OpenAI's format is below the host, and the relay adds it itself"
	}
	return ""
}

// oddAddress warns of an address at a known host whose path is most likely not where the API is.
func (l *loader) oddAddress(c *channelDraft, at place) {
	if c.Official || c.BaseURL == nil || c.version != nil {
		return
	}
	host, path := strings.ToLower(c.BaseURL.Hostname()), c.BaseURL.Path
	for _, u := range unversioned {
		if u.host.MatchString(host) && u.path.MatchString(path) {
			l.warn(at, "has no version in its path there, and /%s is added to what has none: write version: '' beside it", usualVersion)
			return
		}
	}
	for _, kind := range l.types() {
		p := l.providers[kind]
		for _, own := range ownAddresses(&p) {
			if strings.ToLower(own.Hostname()) != host || p.Speaks == nil || !p.Speak("chat") {
				continue
			}
			if short := withoutVersion(path); short != withoutVersion(own.Path) && isBelow(withoutVersion(own.Path), short) {
				l.warn(at, "leads to %s there, and the API of %s is at %s: write that, or leave base_url out with the type %s", path, kind, own, kind)
				return
			}
		}
	}
}

// withoutVersion is a path without the version at its end.
func withoutVersion(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 && versionForm.MatchString(path[i+1:]) {
		return path[:i]
	}
	return path
}
