package provider

import (
	"net/url"
	"slices"
	"strings"

	"one-api/relay/wire"
)

// ofAzure is what Azure's resources have of OpenAI's format.
var ofAzure = slices.DeleteFunc(slices.Clone(ofOpenAI), func(e wire.Endpoint) bool {
	return e == wire.Moderate || e == wire.ImagesVary
})

// azure is OpenAI's models, and others, in a resource of Azure's, by its v1 API
// (https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle). What its models are called there are deployments.
var azure = Provider{
	Type: "azure", Also: []string{"azure-openai", "azure_openai", "azureopenai", "azure.openai", "aoai", "azure-ai", "azure_ai", "foundry", "microsoft"}, Name: "azure.ai.openai",
	Cloud: Azure, Speaks: []Dialect{{Format: Chat, Endpoints: ofAzure}, {Format: Responses}, {Format: Realtime}},
	List: listOfModels, ListsMore: true, Auth: Auth{Header: "Api-Key"}, Models: []string{"*"},
	Account: []AccountVariable{
		{"AZURE_OPENAI_ENDPOINT", "a URL", "without a file: makes a channel of type azure, with AZURE_OPENAI_API_KEY or an application"},
		{"AZURE_OPENAI_API_KEY", "a key", "the key to it"},
		{"AZURE_OPENAI_API_VERSION", "a date", "its api_version; unset: OPENAI_API_VERSION, or the v1 API"},
		{"OPENAI_API_VERSION", "a date", "the same, for AZURE_OPENAI_ENDPOINT only"},
		{"AZURE_OPENAI_DEPLOYMENT", "a name", "the one deployment that it serves; unset: all, by their names"},
		{"AZURE_TENANT_ID", "a tenant", "with AZURE_CLIENT_ID and AZURE_CLIENT_SECRET: the application that asks, if there is no key"},
		{"AZURE_CLIENT_ID", "an id", "the application"},
		{"AZURE_CLIENT_SECRET", "a secret", "its secret"},
		{"AZURE_AUTHORITY_HOST", "a URL", "where its tokens come from, if not from Microsoft's for the endpoint"},
	},
	HidesReasoning: openAI.HidesReasoning, Quirks: openAI.Quirks,
}

// Forms are what channels of a type are if their address says so: other APIs of the same house. None is a type.
func Forms() []Provider {
	classic := azure
	classic.Type = AzureClassic
	classic.Speaks = []Dialect{
		{Format: Chat, Endpoints: ofAzure, Path: deployed}, {Format: Responses},
		{Format: Realtime, Query: func(raw, model string) string { return deployedQuery(raw, model) }},
	}
	claude := Provider{
		Type: AzureAnthropic, Name: "azure.ai.inference", Cloud: Azure, Speaks: []Dialect{{Format: Messages}}, Auth: XAPIKey, Models: []string{"*"},
		Continues: anthropic.Continues, WellKnown: anthropic.WellKnown, ListsMore: true,
	}
	return []Provider{classic, claude, vertexExpress()}
}

// The forms of azure.
const (
	AzureClassic   = "azure-classic"   // with deployments in the path and a date for a version
	AzureAnthropic = "azure-anthropic" // Claude on Foundry, by Anthropic's own API
)

// deployed is the path of an endpoint in the classic API, whose model is a deployment, and not what the body says
// (https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference).
func deployed(own, model string, _ bool) string {
	return "/deployments/" + url.PathEscape(model) + strings.TrimPrefix(own, "/v1")
}

// deployedQuery is that of a session.
func deployedQuery(raw, model string) string {
	query, _ := url.ParseQuery(raw) // it is the relay's own
	query.Del("model")
	query.Set("deployment", model)
	return query.Encode()
}
