package config

import (
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
