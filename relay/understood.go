package relay

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"one-api/relay/config"
	"one-api/relay/exchange"
	providers "one-api/relay/provider"
)

// Understood writes how each channel's address was understood, a line each: whose API it is, what belongs to the address, who asks, and
// where a call goes. What it names is what the relay sends, since the channel's own lane says it. Nobody is asked.
func Understood(c *config.Config, w io.Writer) {
	for i := range c.Channels {
		if of := &c.Channels[i]; !of.Demo {
			fmt.Fprintf(w, "channel %s: %s\n", of.Name, understood(of))
		}
	}
}

func understood(c *config.Channel) string {
	of := Providers[cmp.Or(c.Form, c.Type)]
	parts := append([]string{house(c, &of.Provider)}, where(c)...)
	parts = append(parts, whoAsks(c))
	said := strings.Join(parts, ", ")
	said += ": " + exchange.GoesTo(c, &of, "")
	if c.Disabled {
		said += " (disabled)"
	}
	return said
}

// apis is how the formats are called in words.
var apis = map[providers.Format]string{
	providers.Chat: "OpenAI's API", providers.Responses: "OpenAI's Responses API", providers.Messages: "Anthropic's Messages API",
	providers.Gemini: "the Gemini API", providers.Cohere: "Cohere's rerank API",
}

// house is whose API it is.
func house(c *config.Channel, p *providers.Provider) string {
	switch {
	case c.Form == providers.AzureClassic:
		return "Azure OpenAI, the classic API with a deployment for each model"
	case c.Form == providers.AzureAnthropic:
		return "Claude on Azure's Foundry, by Anthropic's Messages API"
	case p.Cloud == providers.Azure:
		return "Azure OpenAI, the v1 API whose models are deployments"
	case c.Form == providers.VertexExpress:
		return "Vertex AI in express mode, Google's models alone"
	case p.Cloud == providers.Vertex:
		return "Vertex AI"
	case p.Cloud == providers.AWS:
		return "Amazon Bedrock, InvokeModel for Anthropic's models and Converse for all others"
	}
	format := p.Speaks[0].Format
	if c.API == config.APIResponses {
		format = providers.Responses
	}
	if c.Official {
		return c.Type + "'s own address, " + apis[format]
	}
	return "a base_url of its own, " + apis[format]
}

// where is what belongs to the address and is not the same for all channels of a type.
func where(c *config.Channel) (parts []string) {
	if c.Project != "" {
		parts = append(parts, "project "+c.Project)
	}
	if c.Location != "" && c.Form != providers.VertexExpress {
		parts = append(parts, "location "+c.Location)
	}
	if c.Region != "" {
		parts = append(parts, "region "+c.Region)
	}
	switch version := config.VersionOf(c.BaseURL); {
	case c.APIVersion != "":
		parts = append(parts, "api-version "+c.APIVersion)
	case c.Region != "":
	case version == "":
		parts = append(parts, "no version in its path")
	default:
		parts = append(parts, "version "+version)
	}
	return parts
}

// whoAsks is what the upstream is shown.
func whoAsks(c *config.Channel) string {
	signed := func(key string) bool { return c.Region != "" && strings.Contains(key, ":") }
	switch {
	case c.Credential.Entra != config.Entra{}:
		return "with tokens of an Entra application"
	case c.Credential.AWS != config.AWS{}:
		return "signed with the credentials that this machine has for AWS"
	case c.Credential.Google.JSON != "":
		return "with tokens of a credentials file (" + c.Credential.Google.Kind + ")"
	case c.Credential.Google != config.Google{}:
		return "with tokens of this machine's metadata server"
	case len(c.Keys) == 0:
		return "without a key"
	case len(c.Keys) == 1 && signed(c.Keys[0]):
		return "signed with an access key"
	case len(c.Keys) == 1:
		return "with a key"
	}
	return "with " + strconv.Itoa(len(c.Keys)) + " keys in turn"
}
