package config

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/provider"
)

// knownProviders is what the relay knows.
func knownProviders() map[string]Provider {
	known := map[string]Provider{}
	for _, p := range provider.All() {
		known[p.Type] = p
	}
	return known
}

// loadChannel is a channel as a file has it, of the relay's own providers; problems is what is wrong with it.
func loadChannel(t *testing.T, channel string, variables, files map[string]string) (c Channel, warnings []string, problems error) {
	t.Helper()
	all := map[string]string{"channels.yaml": "channels:\n  - {name: a, " + channel + "}\ntokens: [{name: t, key: sk-test-0123456789abcdef}]\n"}
	for name, content := range files {
		all[name] = content
	}
	source := options(variables, all)
	source.Providers = knownProviders()
	settings, err := LoadSettings(source)
	require.NoError(t, err)
	config, problems := Load(source, settings)
	if problems != nil {
		return Channel{}, nil, problems
	}
	return config.Channels[0], config.Warnings, nil
}

// TestEveryFormOfAnAzureAddressIsUnderstood that people paste.
func TestEveryFormOfAnAzureAddressIsUnderstood(t *testing.T) {
	const v1, classic, claude = "", provider.AzureClassic, provider.AzureAnthropic
	const host = "https://name.openai.azure.com"
	for text, c := range map[string]struct {
		version string
		base    string
		form    string
		models  string
	}{
		host:                             {"", host + "/openai/v1", v1, "[*]"},
		host + "/":                       {"", host + "/openai/v1", v1, "[*]"},
		host + "/openai":                 {"", host + "/openai/v1", v1, "[*]"},
		host + "/openai/":                {"", host + "/openai/v1", v1, "[*]"},
		host + "/openai/v1":              {"", host + "/openai/v1", v1, "[*]"},
		host + "/openai/v1/":             {"", host + "/openai/v1", v1, "[*]"},
		host + "/openai/v1/responses":    {"", host + "/openai/v1", v1, "[*]"},
		host + "/openai/V1/?":            {"", host + "/openai/v1", v1, "[*]"},
		host + "?api-version=v1":         {"", host + "/openai/v1", v1, "[*]"},
		host + "?api-version=preview":    {"", host + "/openai/v1?api-version=preview", v1, "[*]"},
		host + "//":                      {"2025-04-01-preview", host + "/openai?api-version=2025-04-01-preview", classic, "[*]"},
		host + "/openai//":               {"2024-10-21", host + "/openai?api-version=2024-10-21", classic, "[*]"},
		host + "?api-version=2024-10-21": {"", host + "/openai?api-version=2024-10-21", classic, "[*]"},
		host + "/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01-preview":               {"", host + "/openai?api-version=2025-01-01-preview", classic, "[gpt-4o]"},
		host + "/openai/deployments/my%20gpt":                                                             {"2024-10-21", host + "/openai?api-version=2024-10-21", classic, "[my gpt]"},
		host + "/openai/responses?api-version=2025-04-01-preview":                                         {"2025-04-01-preview", host + "/openai?api-version=2025-04-01-preview", classic, "[*]"},
		"https://westeurope.api.cognitive.microsoft.com/":                                                 {"", "https://westeurope.api.cognitive.microsoft.com/openai/v1", v1, "[*]"},
		"https://name.cognitiveservices.azure.com/openai/deployments/d/embeddings?api-version=2024-10-21": {"", "https://name.cognitiveservices.azure.com/openai?api-version=2024-10-21", classic, "[d]"},
		"https://name.services.ai.azure.com":                                                              {"", "https://name.services.ai.azure.com/openai/v1", v1, "[*]"},
		"https://name.services.ai.azure.com/openai/v1/":                                                   {"", "https://name.services.ai.azure.com/openai/v1", v1, "[*]"},
		"https://name.openai.azure.us":                                                                    {"", "https://name.openai.azure.us/openai/v1", v1, "[*]"},
		"https://name.openai.azure.cn":                                                                    {"2024-10-21", "https://name.openai.azure.cn/openai?api-version=2024-10-21", classic, "[*]"},
		"https://name.services.ai.azure.com/anthropic":                                                    {"", "https://name.services.ai.azure.com/anthropic/v1", claude, "[*]"},
		"https://name.services.ai.azure.com/anthropic/v1/messages":                                        {"", "https://name.services.ai.azure.com/anthropic/v1", claude, "[*]"},
		"http://127.0.0.1:8080":                                                                           {"", "http://127.0.0.1:8080/openai/v1", v1, "[*]"},
		"http://127.0.0.1:8081":                                                                           {"2024-10-21", "http://127.0.0.1:8081/openai?api-version=2024-10-21", classic, "[*]"},
		"https://apim.example.net/team/openai":                                                            {"2024-10-21", "https://apim.example.net/team/openai?api-version=2024-10-21", classic, "[*]"},
		"https://gateway.example.net/azure/v1":                                                            {"", "https://gateway.example.net/azure/v1", v1, "[*]"},
	} {
		t.Run(text+" "+c.version, func(t *testing.T) {
			version := ""
			if c.version != "" {
				version = ", api_version: " + c.version // a date, unquoted
			}
			got, _, err := loadChannel(t, fmt.Sprintf("type: azure, base_url: %q, keys: [k-0123456789abcdef]%s", text, version), nil, nil)
			require.NoError(t, err)
			assert.Equal(t, c.base, got.BaseURL.String())
			assert.Equal(t, c.form, got.Form)
			assert.Equal(t, c.models, fmt.Sprint(got.Models))
			assert.True(t, got.Official)
		})
	}
}

// TestAWrongAzureChannelIsToldWhatWasUnderstood and what to change, for what newcomers write.
func TestAWrongAzureChannelIsToldWhatWasUnderstood(t *testing.T) {
	const host, key = "https://name.openai.azure.com", ", keys: [k-0123456789abcdef]"
	const entra = ", entra: {tenant: contoso.com, client_id: app, client_secret: s3cr3t}"
	for _, c := range []struct{ channel, says string }{
		{"type: azure" + key, "base_url: missing: the resource's endpoint is https://NAME.openai.azure.com (in the portal: Keys and Endpoint)"},
		{"type: azure, base_url: '" + host + "'", "keys: missing: one of the resource's keys, or entra with tenant, client_id and client_secret in its place"},
		{"type: azure, base_url: '" + host + "'" + key + entra, "entra.tenant: is there beside keys (or a header that shows one): Azure refuses both at once, so keep one of them"},
		{"type: azure, base_url: '" + host + "', entra: {tenant: contoso.com}", "entra.client_id: missing"},
		{"type: azure, base_url: '" + host + "', entra: {tenant: common, client_id: app, client_secret: s3cr3t}", "entra.tenant: must be the tenant of the application"},
		{"type: azure, base_url: 'https://portal.azure.com/#@contoso'" + key, "must not have a query or a fragment"},
		{"type: azure, base_url: 'https://portal.azure.com/'" + key, "is a page of Azure's portal; the resource's endpoint is"},
		{"type: azure, base_url: 'https://ai.azure.com/resource'" + key, "is a page of Foundry's portal"},
		{"type: azure, base_url: '" + host + "/openai/deployments/gpt-4o/chat/completions'" + key, "names a deployment, which is the classic API's way: give api_version"},
		{"type: azure, base_url: '" + host + "/openai/deployments'" + key + ", api_version: '2024-10-21'", "its deployment is missing"},
		{"type: azure, base_url: '" + host + "/openai/v1'" + key + ", api_version: '2024-10-21'", "was understood as the v1 API, which has no api-version with a date: leave out either that or the /v1"},
		{"type: azure, base_url: '" + host + "?api-version=2024-06-01'" + key + ", api_version: '2024-10-21'", "names another api-version than the key api_version"},
		{"type: azure, base_url: '" + host + "?api-key=k-0123456789'" + key, "has a query of which only api-version is understood"},
		{"type: azure, base_url: '" + host + "/v1'" + key, "was understood as the v1 API, whose path is /openai/v1: leave out what follows the host"},
		{"type: azure, base_url: '" + host + "/deployments/gpt-4o'" + key, "was understood as a deployment's address without its /openai"},
		{"type: azure, base_url: '" + host + "/openai/nonsense'" + key + ", api_version: '2024-10-21'", "was understood as the classic API, and what follows in its path as none of its endpoints"},
		{"type: azure, base_url: 'https://name.services.ai.azure.com/api/projects/p'" + key, "was understood as the endpoint of a Foundry project"},
		{"type: azure, base_url: 'https://name.services.ai.azure.com/models'" + key, "was understood as the model inference API"},
		{"type: azure, base_url: 'https://name.services.ai.azure.com/anthropic'" + key + ", api_version: '2024-10-21'", "was understood as Claude on Foundry, which has no api-version"},
		{"type: azure, base_url: '" + host + "'" + key + ", api_version: v1", "api_version: is left out for the v1 API"},
		{"type: azure, base_url: '" + host + "'" + key + ", api_version: 2024", "api_version: must be a date such as 2024-10-21 or 2025-04-01-preview, and left out for the v1 API (got 2024)"},
		{"type: azure, base_url: '" + host + "'" + key + ", version: v1", "version: is not for Azure"},
		{"type: azure, base_url: 'name.openai.azure.com'" + key, "this one does not begin with http:// or https://"},
		{"type: azure, base_url: '" + host + "'" + key + ", project: my-project", "project: is for channels of the type vertex (this one is of the type azure)"},
		{"type: openai, api_version: '2024-10-21', keys: [sk-0123456789abcdef]", "api_version: is for channels of the type azure (this one is of the type openai)"},
		{"type: aoai, base_url: '" + host + "'" + key, "did you mean azure?"},
		{"type: azure, base_url: '" + host + "', entra: {tenant: contoso.com, client_id: app, client_secret: s3cr3t, authority: login}", "entra.authority: must be an http or https URL"},
	} {
		t.Run(c.channel, func(t *testing.T) {
			_, _, err := loadChannel(t, c.channel, nil, nil)
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "0123456789abcdef")
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestAnApplicationsTokensAreFromTheCloudOfItsResource(t *testing.T) {
	const entra = ", entra: {tenant: contoso.com, client_id: app, client_secret: s3cr3t%s}"
	for _, c := range []struct{ host, more, authority, scope string }{
		{"https://n.openai.azure.com", "", "https://login.microsoftonline.com", "https://cognitiveservices.azure.com/.default"},
		{"https://n.openai.azure.us", "", "https://login.microsoftonline.us", "https://cognitiveservices.azure.us/.default"},
		{"https://n.openai.azure.cn", "", "https://login.partner.microsoftonline.cn", "https://cognitiveservices.azure.cn/.default"},
		{"https://n.services.ai.azure.com/anthropic", "", "https://login.microsoftonline.com", "https://ai.azure.com/.default"},
		{"http://127.0.0.1:9", ", authority: 'http://127.0.0.1:10/', scope: 'api://x/.default'", "http://127.0.0.1:10", "api://x/.default"},
	} {
		got, warnings, err := loadChannel(t, fmt.Sprintf("type: azure, base_url: %q"+entra, c.host, c.more), nil, nil)
		require.NoError(t, err)
		assert.Equal(t, Entra{Tenant: "contoso.com", ClientID: "app", ClientSecret: "s3cr3t", Authority: c.authority, Scope: c.scope}, got.Credential.Entra)
		assert.Empty(t, warnings)
	}
	_, warnings, err := loadChannel(t, fmt.Sprintf("type: azure, base_url: https://n.openai.azure.com"+entra, ", authority: 'http://login.example.net'"), nil, nil)
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(warnings), "the application's secret goes there unencrypted")
}

func TestADeploymentThatTheAddressNamesAndNobodyAsksForIsWarnedOf(t *testing.T) {
	const at = "type: azure, keys: [k-0123456789abcdef], base_url: 'https://n.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-10-21'"
	_, warnings, err := loadChannel(t, at+", models: [gpt-4o]", nil, nil)
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(warnings), "names a deployment that neither models nor model_mapping does")
	_, warnings, err = loadChannel(t, at+", models: [gpt-4o], model_mapping: {gpt-4o: d1}", nil, nil)
	require.NoError(t, err)
	assert.Empty(t, warnings)
}

// TestServersWithoutAVersionAndGatewaysAreExpressible as docs/providers.md has them.
func TestServersWithoutAVersionAndGatewaysAreExpressible(t *testing.T) {
	for channel, want := range map[string]string{
		"type: openai, base_url: 'https://models.github.ai/inference', version: ''":                             "https://models.github.ai/inference",
		"type: openai, base_url: 'https://x.cloud.databricks.com/serving-endpoints/', version: ''":              "https://x.cloud.databricks.com/serving-endpoints",
		"type: perplexity, keys: [pplx-0123456789abcdef]":                                                       "https://api.perplexity.ai",
		"type: openai, base_url: 'https://gateway.ai.cloudflare.com/v1/acc/gw/openai'":                          "https://gateway.ai.cloudflare.com/v1/acc/gw/openai",
		"type: openai, base_url: 'https://generativelanguage.googleapis.com/v1beta/openai/', keys: [AIza01234]": "https://generativelanguage.googleapis.com/v1beta/openai",
	} {
		got, _, err := loadChannel(t, channel, nil, nil)
		require.NoError(t, err, channel)
		assert.Equal(t, want, got.BaseURL.String())
	}
}
