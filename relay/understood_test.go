package relay

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

// TestHowAnAddressWasUnderstoodIsALineThatAnOperatorCanCheck: whose API, what belongs to the address, who asks, and where a call goes.
func TestHowAnAddressWasUnderstoodIsALineThatAnOperatorCanCheck(t *testing.T) {
	const key = ", keys: [k-7f1c02d94be8a3]"
	const account = `{"type":"service_account","project_id":"acme-project","client_email":"a@b.c","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}`
	for channel, want := range map[string]string{
		"type: openai, keys: [k-7f1c02d94be8a3, k-7f1c02d94be8a4]":                        "openai's own address, OpenAI's API, version v1, with 2 keys in turn: POST https://api.openai.com/v1/chat/completions",
		"type: openai, base_url: 'http://gw:8000/api', models: [m]":                       "a base_url of its own, OpenAI's API, version v1, without a key: POST http://gw:8000/api/v1/chat/completions",
		"type: openai, base_url: 'https://h.example/api/v3/', models: [m]" + key:          "a base_url of its own, OpenAI's API, version v3, with a key: POST https://h.example/api/v3/chat/completions",
		"type: openai, base_url: 'https://models.github.ai/inference', version: ''" + key: "a base_url of its own, OpenAI's API, no version in its path, with a key: POST https://models.github.ai/inference/chat/completions",
		"type: openai, api: responses, models: [gpt-5-pro]" + key:                         "openai's own address, OpenAI's Responses API, version v1, with a key: POST https://api.openai.com/v1/responses",
		"type: anthropic" + key: "anthropic's own address, Anthropic's Messages API, version v1, with a key: POST https://api.anthropic.com/v1/messages",
		"type: anthropic, base_url: 'https://api.deepseek.com/anthropic', models: [m]" + key: "a base_url of its own, Anthropic's Messages API, version v1, with a key: POST https://api.deepseek.com/anthropic/v1/messages",
		"type: gemini" + key: "gemini's own address, the Gemini API, version v1beta, with a key: POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-preview:generateContent",
		"type: zhipu, base_url: 'https://open.bigmodel.cn/api/coding'" + key: "zhipu's own address, OpenAI's API, version v4, with a key: POST https://open.bigmodel.cn/api/coding/paas/v4/chat/completions",
		"type: moonshot, base_url: 'https://api.kimi.com/coding'" + key:      "moonshot's own address, OpenAI's API, version v1, with a key: POST https://api.kimi.com/coding/v1/chat/completions",
		"type: perplexity" + key:                                     "perplexity's own address, OpenAI's API, no version in its path, with a key: POST https://api.perplexity.ai/chat/completions",
		"type: jina" + key:                                           "jina's own address, OpenAI's API, version v1, with a key: POST https://api.jina.ai/v1/embeddings",
		"type: cohere, disabled: true" + key:                         "cohere's own address, Cohere's rerank API, version v2, with a key: POST https://api.cohere.com/v2/rerank (disabled)",
		"type: azure, base_url: 'https://n.openai.azure.com/'" + key: "Azure OpenAI, the v1 API whose models are deployments, version v1, with a key: POST https://n.openai.azure.com/openai/v1/chat/completions",
		"type: azure, base_url: 'https://n.openai.azure.com', api_version: 2024-10-21" + key:                                                                                         "Azure OpenAI, the classic API with a deployment for each model, api-version 2024-10-21, with a key: POST https://n.openai.azure.com/openai/deployments/MODEL/chat/completions?api-version=2024-10-21",
		"type: azure, base_url: 'https://n.openai.azure.com', api_version: 2024-10-21, models: [gpt-4o], model_mapping: {gpt-4o: prod}" + key:                                        "Azure OpenAI, the classic API with a deployment for each model, api-version 2024-10-21, with a key: POST https://n.openai.azure.com/openai/deployments/prod/chat/completions?api-version=2024-10-21",
		"type: azure, base_url: 'https://n.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-10-21'" + key:                                                    "Azure OpenAI, the classic API with a deployment for each model, api-version 2024-10-21, with a key: POST https://n.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-10-21",
		"type: azure, base_url: 'https://n.services.ai.azure.com/anthropic', entra: {tenant: contoso.com, client_id: app, client_secret: 7f1c02d94be8a3}":                            "Claude on Azure's Foundry, by Anthropic's Messages API, version v1, with tokens of an Entra application: POST https://n.services.ai.azure.com/anthropic/v1/messages",
		"type: vertex, credentials_file: sa.json, location: europe-west4, models: [claude-sonnet-4-5@20250929]":                                                                      "Vertex AI, project acme-project, location europe-west4, version v1, with tokens of a credentials file (service_account): POST https://europe-west4-aiplatform.googleapis.com/v1/projects/acme-project/locations/europe-west4/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
		"type: vertex, project: p-1, models: [gemini-2.5-flash]":                                                                                                                     "Vertex AI, project p-1, location global, version v1, with tokens of this machine's metadata server: POST https://aiplatform.googleapis.com/v1/projects/p-1/locations/global/publishers/google/models/gemini-2.5-flash:generateContent",
		"type: vertex, models: [gemini-2.5-flash]" + key:                                                                                                                             "Vertex AI in express mode, Google's models alone, version v1, with a key: POST https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent",
		"type: bedrock, region: eu-west-1, keys: ['AKIA7F1C02D94BE8A300:7f1c02d94be8a3'], models: [claude], model_mapping: {claude: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'}": "Amazon Bedrock, InvokeModel for Anthropic's models and Converse for all others, region eu-west-1, signed with an access key: POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
		"type: bedrock, region: us-gov-west-1, models: ['amazon.nova-pro-v1:0']":                                                                                                     "Amazon Bedrock, InvokeModel for Anthropic's models and Converse for all others, region us-gov-west-1, signed with the credentials that this machine has for AWS: POST https://bedrock-runtime.us-gov-west-1.amazonaws.com/model/amazon.nova-pro-v1%3A0/converse",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "channels.yaml")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sa.json"), []byte(account), 0o600))
		require.NoError(t, os.WriteFile(file, []byte("channels:\n  - {name: a, "+channel+"}\n"), 0o600))
		source := config.Source{File: file, Providers: ConfigProviders(), Env: func(string) (string, bool) { return "", false }}
		settings, err := config.LoadSettings(source)
		require.NoError(t, err)
		c, err := config.Load(source, settings)
		require.NoError(t, err, channel)
		var out bytes.Buffer
		Understood(c, &out)
		require.Equal(t, "channel a: "+want+"\n", out.String(), channel)
	}
	var out bytes.Buffer
	Understood(&config.Config{Channels: []config.Channel{{Name: "demo", Type: "openai", Demo: true}}}, &out)
	require.Empty(t, out.String())
}
