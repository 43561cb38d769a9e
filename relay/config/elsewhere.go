package config

import (
	"net/url"
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

// elsewhere is what is wrong with the address of a channel that is another provider's; "": nothing that is known.
func elsewhere(base *url.URL, kind string) string {
	host, path := strings.ToLower(base.Hostname()), strings.ToLower(base.Path)
	for _, o := range others {
		if !slices.ContainsFunc(o.hosts, func(end string) bool { return strings.HasSuffix(host, end) }) || slices.Contains(o.types, kind) ||
			slices.ContainsFunc(o.unless, func(part string) bool { return strings.Contains(path, part) }) {
			continue
		}
		return o.says
	}
	if bedrockHost.MatchString(host) && !strings.Contains(path, "/openai") {
		return "was understood as Amazon Bedrock, whose channels are of the type bedrock, with region (OpenAI's format is at …/openai/v1 there)"
	}
	return ""
}
