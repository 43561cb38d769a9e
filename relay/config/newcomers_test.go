package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatNewcomersWriteIsToldWhatWasUnderstoodAndWhatToChange at load, by its line and key, and without what they have written, which
// may be a secret.
func TestWhatNewcomersWriteIsToldWhatWasUnderstoodAndWhatToChange(t *testing.T) {
	const key = ", keys: [k-7f1c02d94be8a3]"
	files := map[string]string{
		"note.txt": "7f1c02d94be8a3", "client.json": `{"installed":{"client_id":"7f1c02d94be8a3"}}`,
		"user.json": `{"type":"authorized_user","client_id":"a","client_secret":"7f1c02d94be8a3","refresh_token":"c"}`,
	}
	for name, c := range map[string]struct{ channel, says string }{
		"an endpoint of OpenAI's pasted":     {"type: openai, base_url: 'https://secret.example/v1/chat/completions'" + key, "base_url: is the address of an endpoint: leave /chat/completions out, the relay adds it itself"},
		"an endpoint of Anthropic's pasted":  {"type: anthropic, base_url: 'https://secret.example/v1/messages/'" + key, "base_url: is the address of an endpoint: leave /messages out"},
		"an endpoint for pictures pasted":    {"type: openai, base_url: 'https://secret.example/v1/images/edits'" + key, "base_url: is the address of an endpoint: leave /images/edits out"},
		"a model of Google's pasted":         {"type: gemini, base_url: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent'" + key, "base_url: is the address of a model: leave out what begins with /model"},
		"a model of Bedrock's pasted":        {"type: bedrock, base_url: 'https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1:0/converse'" + key, "base_url: is the address of a model: leave out what begins with /model"},
		"the version twice":                  {"type: openai, base_url: 'https://secret.example/v1/v1'" + key, "base_url: has /v1 in its path twice: once is enough"},
		"no scheme":                          {"type: openai, base_url: secret.example/v1" + key, "base_url: must be an http or https URL such as https://api.example.com/v1: this one does not begin with http:// or https://, so write that in front of it"},
		"a blank behind the address":         {"type: openai, base_url: 'https://secret.example/v1 '" + key, "base_url: must not contain a blank, a line break or an invisible character"},
		"a blank behind the key":             {"type: openai, keys: ['k-7f1c02d94be8a3 ']", "keys[0]: must not contain spaces"},
		"the name of an Azure resource":      {"type: azure, base_url: my-resource" + key, "base_url: was understood as the name of a resource, or a key, and must be an http or https URL: the resource's endpoint is https://NAME.openai.azure.com (in the portal: Keys and Endpoint)"},
		"an Azure key in the address":        {"type: azure, base_url: 7f1c02d94be8a37f1c02d94be8a3" + key, "base_url: was understood as the name of a resource, or a key"},
		"Azure's portal":                     {"type: azure, base_url: 'https://portal.azure.com/'" + key, "base_url: is a page of Azure's portal"},
		"Azure as OpenAI":                    {"type: openai, base_url: 'https://secret.openai.azure.com'" + key, "base_url: was understood as a resource of Azure's, whose channels are of the type azure"},
		"an Azure deployment as OpenAI":      {"type: openai, base_url: 'https://secret.openai.azure.com/openai/deployments/gpt-4o'" + key, "base_url: was understood as a resource of Azure's"},
		"Vertex AI as OpenAI":                {"type: openai, base_url: 'https://us-central1-aiplatform.googleapis.com/v1'" + key, "base_url: was understood as Vertex AI, whose channels are of the type vertex"},
		"Gemini as OpenAI":                   {"type: openai, base_url: 'https://generativelanguage.googleapis.com'" + key, "base_url: was understood as the Gemini API, whose channels are of the type gemini"},
		"Bedrock as OpenAI":                  {"type: openai, base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com'" + key, "base_url: was understood as Amazon Bedrock, whose channels are of the type bedrock"},
		"OpenAI as Anthropic":                {"type: anthropic, base_url: 'https://api.openai.com/v1'" + key, "base_url: was understood as OpenAI's own address, whose channels are of the type openai"},
		"Anthropic as Gemini":                {"type: gemini, base_url: 'https://api.anthropic.com'" + key, "base_url: was understood as Anthropic's own address"},
		"a zone of AWS's":                    {"type: bedrock, region: us-east-1a" + key, "region: is an availability zone: the region is us-east-1"},
		"a region of Google's for AWS":       {"type: bedrock, region: us-east1" + key, "region: must be a region of AWS's, such as us-east-1: this is how Google writes its own (got us-east1)"},
		"a region in words":                  {"type: bedrock, region: Frankfurt" + key, "region: must be a region of AWS's, such as us-east-1 (got Frankfurt)"},
		"two regions":                        {"type: bedrock, region: us-east-1, base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com'" + key, "base_url: is that of the region eu-west-1, and region says us-east-1, which requests would be signed for: leave one of them out"},
		"no region":                          {"type: bedrock" + key, "region: missing: it says which region is asked, such as us-east-1 (and AWS_REGION is not set)"},
		"an access key without its secret":   {"type: bedrock, region: us-east-1, keys: [AKIA7F1C02D94BE8A300]", "keys[0]: is an access key without all that belongs to it: AKID:SECRET"},
		"a session without its token":        {"type: bedrock, region: us-east-1, keys: ['ASIA7F1C02D94BE8A300:7f1c02d94be8a3']", "keys[0]: is an access key without all that belongs to it: AKID:SECRET, or AKID:SECRET:SESSION_TOKEN if it is temporary"},
		"a secret whose variable is not set": {"type: bedrock, region: us-east-1, keys: ['AKIA7F1C02D94BE8A300:${AWS_SECRET_ACCESS_KEY}']", "keys[0]: ${AWS_SECRET_ACCESS_KEY} is not set"},
		"a secret in front":                  {"type: bedrock, region: us-east-1, keys: ['7f1c02d94be8a3:AKIA7F1C02D94BE8A300']", "keys[0]: has the secret in front: it must be AKID:SECRET"},
		"a region of AWS's for Google":       {"type: vertex, project: p-1, location: us-east-1", "location: must be global, us, eu or a region such as europe-west4: this is how AWS writes its own (got us-east-1)"},
		"a zone of Google's":                 {"type: vertex, project: p-1, location: us-central1-a", "location: is a zone: the region is us-central1"},
		"no project":                         {"type: vertex", "project: missing: the id of the project whose Vertex AI is asked"},
		"a title for a project":              {"type: vertex, project: My First Project", "project: must be the id of a project"},
		"a file that is not there":           {"type: vertex, credentials_file: secret.json", "credentials_file: cannot read the file: it does not exist"},
		"a file that is no JSON":             {"type: vertex, credentials_file: note.txt", "credentials_file: names a file that is no JSON"},
		"a file of an OAuth client":          {"type: vertex, credentials_file: client.json", "credentials_file: names the file of an OAuth client, which is no account"},
		"a file of a user's":                 {"type: vertex, project: p-1, credentials_file: user.json", "credentials_file: names a file of the type authorized_user, which is not what credentials_type allows (service_account)"},
		"another vendor's key":               {"type: openai, keys: [sk-ant-api03-7f1c02d94be8a3]", "keys[0]: begins as keys of Anthropic do (sk-ant-…), and the channel is of the type openai: it would be refused there, so put a key of its own in its place, or make it the type of the key"},
		"no key":                             {"type: openai", "keys: missing"},
		"the name of a variable":             {"type: openai, keys: [$OPENAI_API_KEY]", "keys[0]: is the name of a variable, and not its value: write ${…} around the name"},
		"a credentials file for a key":       {`type: vertex, keys: ['{"type":"service_account","private_key":"7f1c02d94be8a3"}']`, "keys[0]: is what stands in a credentials file, and no key: write it to a file that only the relay can read, and give its path to a channel of the type vertex as credentials_file"},
		"a credentials file in its place":    {`type: vertex, project: p-1, credentials_file: '{"type":"service_account","private_key":"7f1c02d94be8a3"}'`, "credentials_file: is the path of a file, and this is what stands in one"},
		"the name of a file for a key":       {"type: gemini, keys: [/run/secrets/7f1c02d94be8a3.json]", "keys[0]: is the name of a file, and no key"},
		"a key for the name of a file":       {"type: vertex, project: p-1, credentials_file: AIzaSy7f1c02d94be8a3", "credentials_file: is the path of a file, and this is an API key: those are given as keys"},
		"an address for a key":               {"type: openai, keys: ['https://secret.example/v1']", "keys[0]: is an address, and no key: addresses are given as base_url"},
		"a token of Entra's for a key":       {"type: azure, base_url: 'https://secret.openai.azure.com', keys: [eyJ7f1c02d94be8a3.7f1c02d94be8a3.7f1c02d94be8a3]", "keys[0]: begins as tokens of Entra do (eyJ…), which lives for an hour: give one of the resource's keys, or entra"},
		"a token of Google's for a key":      {"type: gemini, keys: [ya29.7f1c02d94be8a3]", "keys[0]: begins as access tokens of Google's do (ya29.…), which lives for an hour"},
		"a secret of AWS's without its id":   {"type: bedrock, region: us-east-1, keys: [7f1c02d94be8a37f1c02d94be8a37f1c02d94b/K]", "keys[0]: looks like a secret access key by itself: it must be AKID:SECRET"},
		"Azure without encryption":           {"type: azure, base_url: 'http://secret.openai.azure.com'" + key, "base_url: begins with http://, so that keys would go there unencrypted: write https:// in its place"},
		"OpenAI without encryption":          {"type: openai, base_url: 'http://api.openai.com/v1'" + key, "base_url: begins with http://"},
		"Bedrock without encryption":         {"type: bedrock, region: us-east-1, base_url: 'http://bedrock-runtime.us-east-1.amazonaws.com'" + key, "base_url: begins with http://"},
		"Gemini without encryption":          {"type: gemini, base_url: 'http://generativelanguage.googleapis.com'" + key, "base_url: begins with http://"},
		"Vertex AI without encryption":       {"type: vertex, project: p-1, base_url: 'http://aiplatform.googleapis.com'", "base_url: begins with http://"},
		"DeepSeek without encryption":        {"type: openai, base_url: 'http://api.deepseek.com/v1'" + key, "base_url: begins with http://"},
		"a Messages API as OpenAI":           {"type: openai, base_url: 'https://api.deepseek.com/anthropic'" + key, "base_url: was understood as the address of a Messages API, whose channels are of the type anthropic"},
		"DeepSeek's other API as Anthropic":  {"type: anthropic, base_url: 'https://api.deepseek.com'" + key, "base_url: was understood as the address of OpenAI's format there; the Messages API of this provider is at …/anthropic"},
		"a key by another name":              {"type: openai, keys: [k-7f1c02d94be8a3], api_key: k-7f1c02d94be8a3", "api_key: unknown key (did you mean keys, a list?)"},
		"an address by another name":         {"type: openai, endpoint: 'https://secret.example/v1'" + key, "endpoint: unknown key (did you mean base_url?)"},
		"a deployment as a key":              {"type: azure, deployment: gpt-4o, base_url: 'https://secret.openai.azure.com'" + key, "deployment: unknown key (a deployment is named in models, or in model_mapping behind what clients call it)"},
		"half an access key as a key":        {"type: bedrock, region: us-east-1, secret_access_key: 7f1c02d94be8a3", "secret_access_key: unknown key (an access key of AWS's is one of keys, AKID:SECRET or AKID:SECRET:SESSION_TOKEN)"},
		"a file by another name":             {"type: vertex, project: p-1, service_account_file: 7f1c02d94be8a3", "service_account_file: unknown key (did you mean credentials_file, the path of the file?)"},
		"a project by another name":          {"type: vertex, project: p-1, project_id: p-1", "project_id: unknown key (did you mean project?)"},
		"a region for Vertex AI":             {"type: vertex, project: p-1, region: us-east-1", "region: is for channels of the type bedrock (this one is of the type vertex, which has location)"},
		"a location for Bedrock":             {"type: bedrock, region: us-east-1, location: us", "location: is for channels of the type vertex (this one is of the type bedrock, which has region)"},
		"a day that there is not":            {"type: azure, base_url: 'https://secret.openai.azure.com', api_version: '2024-13-99'" + key, "api_version: must be a date such as 2024-10-21"},
		"OpenAI's format as Gemini":          {"type: gemini, base_url: 'https://generativelanguage.googleapis.com/v1beta/openai/'" + key, "base_url: was understood as the address of OpenAI's format there, whose channels are of the type openai"},
		"half an endpoint pasted":            {"type: openai, base_url: 'https://secret.example/v1/chat'" + key, "base_url: ends in a part of the address of an endpoint: leave /chat out"},
		"a page of OpenAI's":                 {"type: openai, base_url: 'https://platform.openai.com/api-keys'" + key, "base_url: is a page for people, and not where the API is"},
		"where Bedrock is managed":           {"type: bedrock, base_url: 'https://bedrock.us-east-1.amazonaws.com'" + key, "base_url: is where Bedrock is managed, and models are asked elsewhere"},
		"a key in the address":               {"type: gemini, base_url: 'https://generativelanguage.googleapis.com/v1beta?key=7f1c02d94be8a3'" + key, "base_url: has a key in its query: give that as keys, and leave out the ? and what follows"},
		"a console of AWS's":                 {"type: bedrock, region: us-east-1, base_url: 'https://us-east-1.console.aws.amazon.com/bedrock/home?region=us-east-1'" + key, "base_url: is a page for people, and not where the API is"},
		"Foundry's portal":                   {"type: azure, base_url: 'https://ai.azure.com/resource/overview?wsid=7f1c02d94be8a3'" + key, "base_url: is a page of Foundry's portal"},
		"OpenAI's site":                      {"type: openai, base_url: 'https://openai.com/api/'" + key, "base_url: is a page for people, and not where the API is"},
		"an ARN for an address":              {"type: bedrock, region: us-east-1, base_url: 'arn:aws:bedrock:us-east-1:7102:inference-profile/x'" + key, "base_url: is an ARN, which names a model and no address: give it in models, or behind a name of your own in model_mapping"},
		"a role by its name":                 {"type: bedrock, region: us-east-1, role_arn: 'arn:aws:iam::7102:role/x'", "role_arn: unknown key (roles and profiles are the machine's: leave keys out, and set AWS_PROFILE, or AWS_ROLE_ARN with its web identity, in the environment)"},
		"Cloudflare's gateway to nobody":     {"type: openai, base_url: 'https://gateway.ai.cloudflare.com/v1/ACC/GW'" + key, "base_url: names no provider behind Cloudflare's gateway: it must be …/v1/ACCOUNT/GATEWAY/openai"},
		"Workers AI without its version":     {"type: openai, base_url: 'https://api.cloudflare.com/client/v4/accounts/ID/ai'" + key, "base_url: was understood as Workers AI, whose models are asked in OpenAI's format at …/accounts/ACCOUNT/ai/v1"},
		"a model of Workers AI's":            {"type: openai, base_url: 'https://api.cloudflare.com/client/v4/accounts/ID/ai/run/@cf/meta/llama'" + key, "base_url: was understood as Workers AI"},
		"DashScope's own format":             {"type: openai, base_url: 'https://dashscope.aliyuncs.com/api/v1'" + key, "base_url: was understood as DashScope's own format; OpenAI's is at …/compatible-mode/v1 there"},
		"an endpoint of Ollama's own":        {"type: ollama, base_url: 'http://localhost:11434/api/chat'", "base_url: is Ollama's own API: leave /api/chat out, OpenAI's format is below the host"},
		"Ollama's own API as OpenAI":         {"type: openai, base_url: 'http://box:11434/api'", "base_url: is Ollama's own API: leave /api out"},
		"two locations":                      {"type: vertex, project: p-1, location: us-central1, base_url: 'https://europe-west4-aiplatform.googleapis.com'", "base_url: is that of the location europe-west4, and location says us-central1: leave one of them out"},
		"a shell's home":                     {"type: vertex, project: p-1, credentials_file: ~/7f1c02d94be8a3.json", "credentials_file: cannot read the file: ~ and $NAME are a shell's, so write the whole path, or ${NAME}"},
		"a mapping as JSON in quotes":        {"type: openai, model_mapping: '{\"a\": \"b\"}'" + key, "model_mapping: must be a mapping (got a single value): leave out the quotes around it"},
		"a tenant by another name":           {"type: azure, base_url: 'https://secret.openai.azure.com', entra: {tenant_id: a, tenant: a, client_id: b, client_secret: 7f1c02d94be8a3}", "entra.tenant_id: unknown key (did you mean tenant?)"},
		"several keys in lines":              {"type: openai, keys: [\"k-7f1c02d94be8a3\\nk-7f1c02d94be8a4\"]", "keys[0]: holds several lines: each key is an item of the list, or there is one too many"},
		"a subscription's token":             {"type: anthropic, keys: [sk-ant-oat01-7f1c02d94be8a3]", "keys[0]: begins as tokens of a Claude subscription do (sk-ant-oat…), which the API does not take for a key: make one in Anthropic's console"},
		"a key for administration":           {"type: openai, keys: [sk-admin-7f1c02d94be8a3]", "keys[0]: begins as keys for administration do (sk-ant-admin…, sk-admin-…), with which no model can be asked"},
		"a cloud's type by another name":     {"type: aws, region: us-east-1", "type: unknown type (got aws); did you mean bedrock?"},
		"another's name for a type":          {"type: claude" + key, "type: unknown type (got claude); did you mean anthropic?"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := loadChannel(t, c.channel, nil, files)
			require.ErrorContains(t, err, "channels.yaml:2: channels[0]"+"."+c.says)
			assert.Len(t, err, 1, "one problem, and no noise: %v", err)
			for _, secret := range []string{"7f1c02d94be8a3", "7F1C02D94BE8A3", "secret.example", "secret.openai"} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

// TestARegionThatNobodyKnewIsAskedAndWarnedOf since regions are added.
func TestARegionThatNobodyKnewIsAskedAndWarnedOf(t *testing.T) {
	c, warnings, err := loadChannel(t, "type: bedrock, region: us-est-1", nil, nil)
	require.NoError(t, err)
	assert.Equal(t, "https://bedrock-runtime.us-est-1.amazonaws.com", c.BaseURL.String())
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "channels[0].region: is no region that was known in November 2026 (got us-est-1; did you mean us-east-1?)")
	_, warnings, err = loadChannel(t, "type: bedrock, region: eu-west-3", nil, nil)
	require.NoError(t, err)
	assert.Empty(t, warnings)
}

// TestWhatMayBeMeantIsWarnedOfWithWhatToChange since somebody's gateway may have it so.
func TestWhatMayBeMeantIsWarnedOfWithWhatToChange(t *testing.T) {
	const key = ", keys: [k-7f1c02d94be8a3]"
	for channel, says := range map[string]string{
		"type: openai, base_url: 'https://api.groq.com/v1'" + key:                                                                                         "base_url: leads to /v1 there, and the API of groq is at https://api.groq.com/openai/v1: write that, or leave base_url out with the type groq",
		"type: openai, base_url: 'https://api.groq.com'" + key:                                                                                            "base_url: leads to /v1 there, and the API of groq is at https://api.groq.com/openai/v1",
		"type: openai, base_url: 'https://openrouter.ai'" + key:                                                                                           "base_url: leads to /v1 there, and the API of openrouter is at https://openrouter.ai/api/v1",
		"type: openai, base_url: 'https://open.bigmodel.cn/v1'" + key:                                                                                     "and the API of zhipu is at https://open.bigmodel.cn/api/paas/v4",
		"type: openai, base_url: 'https://dashscope.aliyuncs.com'" + key:                                                                                  "and the API of dashscope is at https://dashscope.aliyuncs.com/compatible-mode/v1",
		"type: openai, base_url: 'https://models.github.ai/inference'" + key:                                                                              "base_url: has no version in its path there, and /v1 is added to what has none: write version: '' beside it",
		"type: openai, base_url: 'https://x.cloud.databricks.com/serving-endpoints'" + key:                                                                "write version: '' beside it",
		"type: openai, models: 'gpt-4o,gpt-4o-mini'" + key:                                                                                                "models: holds a comma or a blank, which no model has in its name: several stand in a list, each by itself: [one, two]",
		"type: openai, keys: 'sk-7f1c02d94be8a3,sk-7f1c02d94be8a4'":                                                                                       "keys: holds a comma, which hardly any key does: several keys stand in a list, each by itself: [one, two]",
		"type: openai, keys: [sk-test-0123456789abcdef]":                                                                                                  "tokens[0].key: is a key of the channel a as well, and whoever asks the relay with it can ask its provider: make another one",
		"type: azure, base_url: 'https://secret.openai.azure.com', entra: {tenant: a, client_id: b, client_secret: 11111111-2222-3333-4444-7f1c02d94be8}": "entra.client_secret: looks like the id of a secret: its value is meant, which the portal shows only once",
	} {
		_, warnings, err := loadChannel(t, channel, nil, nil)
		require.NoError(t, err, channel)
		require.Len(t, warnings, 1, channel)
		assert.Contains(t, warnings[0], says, channel)
		assert.NotContains(t, warnings[0], "7f1c02d94be8")
	}
	for _, channel := range []string{
		"type: groq, base_url: 'https://api.groq.com'" + key, "type: openai, base_url: 'https://api.groq.com/openai'" + key,
		"type: openai, base_url: 'https://openrouter.ai/api'" + key, "type: openai, base_url: 'https://open.bigmodel.cn/api/coding/paas/v4'" + key,
		"type: openai, base_url: 'https://api.deepseek.com/beta'" + key, "type: openai, base_url: 'https://models.github.ai/inference', version: ''" + key,
		"type: anthropic, base_url: 'https://api.moonshot.cn/anthropic'" + key, "type: openai, base_url: 'https://gateway.ai.cloudflare.com/v1/A/G/compat'" + key,
		"type: openai, base_url: 'https://api.cloudflare.com/client/v4/accounts/ID/ai/v1'" + key, "type: ollama, base_url: 'http://localhost:11434'",
		"type: openai, base_url: 'https://gateway.example/api'" + key, "type: openai, base_url: 'https://dashscope.aliyuncs.com/compatible-mode/v1'" + key,
		"type: openai, base_url: 'https://api.perplexity.ai'" + key, "type: openai, models: ['arn:aws:x y', 'Qwen/Qwen3-8B:free']" + key,
	} {
		_, warnings, err := loadChannel(t, channel, nil, nil)
		require.NoError(t, err, channel)
		assert.Empty(t, warnings, channel)
	}
}

// TestAVertexAddressOfALocationIsThatLocations unless something else is said.
func TestAVertexAddressOfALocationIsThatLocations(t *testing.T) {
	for base, location := range map[string]string{
		"https://europe-west4-aiplatform.googleapis.com": "europe-west4", "https://aiplatform.eu.rep.googleapis.com": "eu",
		"https://aiplatform.googleapis.com": "global", "https://vertex.example": "global",
	} {
		c, _, err := loadChannel(t, "type: vertex, project: p-1, base_url: '"+base+"'", nil, nil)
		require.NoError(t, err)
		assert.Equal(t, location, c.Location)
		assert.Equal(t, base+"/v1/projects/p-1/locations/"+location, c.BaseURL.String())
	}
}

// TestAFileThatIsSomethingElseIsToldWhatItLooksLike.
func TestAFileThatIsSomethingElseIsToldWhatItLooksLike(t *testing.T) {
	for file, says := range map[string]string{
		"OPENAI_API_KEY=sk-SECRET\n":                       "must be a mapping with the keys channels and tokens (got a single value): lines NAME=value are for the environment, or for the file that env_file names",
		"export OPENAI_API_KEY=sk-SECRET\n":                "lines NAME=value are for the environment",
		"<!DOCTYPE html>\n<html></html>\n":                 "this is a web page",
		"model_list:\n  - model_name: a\n":                 "model_list: unknown key (it is LiteLLM's: here each upstream is one of channels, with name, type, keys and models)",
		"providers: [{name: a}]\n":                         "providers: unknown key (did you mean channels?)",
		"port: 3000\n":                                     "port: unknown key (it is a variable of the environment: PORT)",
		"api_keys: [sk-SECRET]\n":                          "api_keys: unknown key (clients' keys are tokens, and a provider's are keys of its channel)",
		"{\n// mine\n\"channels\": [{\"name\": \"a\"}]}\n": "channels.yaml:2: not valid YAML: a comment begins with #, and not with a slash",
		"channels: {openai: {type: openai}}\n":             "channels: must be a list (got a mapping): begin each of its items with a - and a blank",
	} {
		problems := strings.Join(problemsOf(t, file, nil), "\n")
		assert.Contains(t, problems, says, file)
		assert.NotContains(t, problems, "SECRET")
	}
}
