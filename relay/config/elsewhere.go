package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// another is whose address it is that a channel of another type cannot be asked at.
type another struct {
	hosts  []string // how they end
	unless []string // what else is there, in a path: others' formats
	types  []string // whose address it can be all the same
	says   string
}

// others are the addresses that newcomers paste for the wrong type.
var others = []another{
	{
		hosts:  []string{".openai.azure.com", ".openai.azure.us", ".openai.azure.cn", ".cognitiveservices.azure.com"},
		unless: []string{"/openai/v1", "/anthropic"},
		says:   "was understood as a resource of Azure's, whose channels are of the type azure: deployments and api_version belong to that",
	},
	{
		hosts: []string{".services.ai.azure.com"}, unless: []string{"/openai/v1", "/anthropic", "/models"},
		says: "was understood as a resource of Azure's, whose channels are of the type azure",
	},
	{
		hosts: []string{"aiplatform.googleapis.com", ".rep.googleapis.com"}, unless: []string{"/openapi"},
		says: "was understood as Vertex AI, whose channels are of the type vertex, with project, location and credentials_file",
	},
	{
		hosts: []string{"generativelanguage.googleapis.com"}, unless: []string{"/openai"}, types: []string{"gemini"},
		says: "was understood as the Gemini API, whose channels are of the type gemini (OpenAI's format is at …/v1beta/openai there)",
	},
	{
		hosts: []string{"api.openai.com"}, types: []string{"openai"},
		says: "was understood as OpenAI's own address, whose channels are of the type openai",
	},
	{
		hosts: []string{"api.anthropic.com"}, types: []string{"anthropic", "openai"},
		says: "was understood as Anthropic's own address, whose channels are of the type anthropic",
	},
}

// messagesPath is where many vendors have a Messages API, and messagesBelow are hosts of such that have it nowhere else.
var (
	messagesPath  = regexp.MustCompile(`/anthropic(/v[0-9]+)?$`)
	messagesBelow = []string{
		"api.deepseek.com", "api.moonshot.ai", "api.moonshot.cn", "open.bigmodel.cn", "api.z.ai", "api.minimax.io", "api.minimaxi.com",
	}
)

// encrypted are how the names of hosts end that answer by https alone, beside those of the providers' own addresses.
var encrypted = []string{".googleapis.com", ".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"}

// unencrypted reports an address that begins with http:// and is one of a provider's own: the key would go there in the clear, to be told
// at best to come again by https.
func (l *loader) unencrypted(c *channelDraft) {
	if c.baseURL == nil || c.BaseURL == nil || c.BaseURL.Scheme != "http" {
		return
	}
	host := strings.ToLower(c.BaseURL.Hostname())
	_, known := azureOwn(host)
	known = known || slices.ContainsFunc(encrypted, func(end string) bool { return strings.HasSuffix(host, end) })
	for _, p := range l.providers {
		for _, own := range ownAddresses(&p) {
			known = known || own.Scheme == "https" && own.Hostname() == host
		}
	}
	if known {
		l.report(c.baseURL.place, "begins with http://, so that keys would go there unencrypted: write https:// in its place")
	}
}

// elsewhere is what is wrong with the address of a channel that is another provider's; "": nothing that is known.
func elsewhere(base *url.URL, kind string) string {
	host, path := strings.ToLower(base.Hostname()), strings.ToLower(base.Path)
	if isPage(host) {
		return saysPage
	}
	for _, o := range others {
		if !slices.ContainsFunc(o.hosts, func(end string) bool { return strings.HasSuffix(host, end) }) || slices.Contains(o.types, kind) ||
			slices.ContainsFunc(o.unless, func(part string) bool { return strings.Contains(path, part) }) {
			continue
		}
		return o.says
	}
	switch {
	case kind == "gemini" && host == "generativelanguage.googleapis.com" && strings.HasSuffix(path, "/openai"):
		return "was understood as the address of OpenAI's format there, whose channels are of the type openai: leave it out for the Gemini API"
	case kind != "anthropic" && messagesPath.MatchString(path) && slices.Contains(messagesBelow, host):
		return "was understood as the address of a Messages API, whose channels are of the type anthropic"
	case kind == "anthropic" && !strings.Contains(path, "anthropic") && slices.Contains(messagesBelow, host):
		return "was understood as the address of OpenAI's format there; the Messages API of this provider is at …/anthropic"
	}
	if bedrockHost.MatchString(host) && !strings.Contains(path, "/openai") {
		return "was understood as Amazon Bedrock, whose channels are of the type bedrock, with region (OpenAI's format is at …/openai/v1 there)"
	}
	return ""
}
