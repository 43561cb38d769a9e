package config

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/provider"
)

// fromEnv is what an environment makes, without a file.
func fromEnv(t *testing.T, variables, files map[string]string) (*Config, error) {
	t.Helper()
	source := options(variables, files)
	source.Providers = knownProviders()
	settings, err := LoadSettings(source)
	require.NoError(t, err)
	return Load(source, settings)
}

const serviceAccountFile = `{"type":"service_account","project_id":"acme-project","client_email":"a@b.c","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n","token_uri":"https://oauth2.googleapis.com/token"}`

func TestTheEnvironmentAloneMakesAChannelOfACloud(t *testing.T) {
	const endpoint = "https://name.openai.azure.com"
	for name, c := range map[string]struct {
		variables map[string]string
		check     func(t *testing.T, c Channel)
	}{
		"azure": {map[string]string{"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_API_KEY": "k-0123456789abcdef"}, func(t *testing.T, c Channel) {
			assert.Equal(t, endpoint+"/openai/v1", c.BaseURL.String())
			assert.Equal(t, []string{"k-0123456789abcdef"}, c.Keys)
			assert.Equal(t, []string{"*"}, c.Models)
		}},
		"azure, classic": {map[string]string{"AZURE_OPENAI_ENDPOINT": endpoint + "/", "AZURE_OPENAI_API_KEY": "k-0123456789abcdef", "OPENAI_API_VERSION": "2024-10-21", "AZURE_OPENAI_DEPLOYMENT": "d1"}, func(t *testing.T, c Channel) {
			assert.Equal(t, endpoint+"/openai?api-version=2024-10-21", c.BaseURL.String())
			assert.Equal(t, provider.AzureClassic, c.Form)
			assert.Equal(t, []string{"d1"}, c.Models)
		}},
		"azure, by an application": {map[string]string{"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_TENANT_ID": "contoso.com", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "s3cr3t"}, func(t *testing.T, c Channel) {
			assert.Equal(t, "app", c.Credential.Entra.ClientID)
			assert.Empty(t, c.Keys)
		}},
		"vertex": {map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": "/sa.json", "GOOGLE_CLOUD_PROJECT": "my-project", "GOOGLE_CLOUD_LOCATION": "europe-west4"}, func(t *testing.T, c Channel) {
			assert.Equal(t, "https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4", c.BaseURL.String())
			assert.Equal(t, "service_account", c.Credential.Google.Kind)
		}},
		"vertex, of the account's project": {map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": "/sa.json"}, func(t *testing.T, c Channel) {
			assert.Equal(t, "https://aiplatform.googleapis.com/v1/projects/acme-project/locations/global", c.BaseURL.String())
		}},
		"bedrock": {map[string]string{"AWS_ACCESS_KEY_ID": "AKIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_REGION": "eu-west-1"}, func(t *testing.T, c Channel) {
			assert.Equal(t, "https://bedrock-runtime.eu-west-1.amazonaws.com", c.BaseURL.String())
			assert.Equal(t, []string{"AKIA7F1C02D94BE8A300:s3cr3t"}, c.Keys)
			assert.Equal(t, "eu-west-1", c.Region)
			assert.False(t, Match(c.Models[0], "gpt-4o"), "what others have is not asked for here")
		}},
		"bedrock, of a session, in the default region": {map[string]string{"AWS_ACCESS_KEY_ID": "ASIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_SESSION_TOKEN": "t0k3n==", "AWS_DEFAULT_REGION": "us-gov-west-1"}, func(t *testing.T, c Channel) {
			assert.Equal(t, "https://bedrock-runtime.us-gov-west-1.amazonaws.com", c.BaseURL.String())
			assert.Equal(t, []string{"ASIA7F1C02D94BE8A300:s3cr3t:t0k3n=="}, c.Keys)
		}},
		"bedrock, by its API key, which goes first": {map[string]string{"AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-x", "AWS_ACCESS_KEY_ID": "AKIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_REGION": "eu-west-1"}, func(t *testing.T, c Channel) {
			assert.Equal(t, []string{"bedrock-api-key-x"}, c.Keys)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := fromEnv(t, c.variables, map[string]string{"/sa.json": serviceAccountFile})
			require.NoError(t, err)
			require.Len(t, got.Channels, 1)
			assert.Equal(t, got.Channels[0].Type, got.Channels[0].Name)
			assert.Equal(t, []string{"default"}, got.Channels[0].Groups)
			c.check(t, got.Channels[0])
		})
	}
}

func TestAnEnvironmentThatSaysHalfOfACloudMakesNoChannelAndIsTold(t *testing.T) {
	for _, c := range []struct {
		variables map[string]string
		warning   string
	}{
		{map[string]string{"AZURE_OPENAI_ENDPOINT": "https://n.openai.azure.com"}, "AZURE_OPENAI_ENDPOINT: is there, and neither AZURE_OPENAI_API_KEY"},
		{map[string]string{"AZURE_OPENAI_API_KEY": "k-0123456789abcdef"}, "AZURE_OPENAI_API_KEY: is there, and AZURE_OPENAI_ENDPOINT"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "AKIA7F1C02D94BE8A300"}, "AWS_ACCESS_KEY_ID: is there, and AWS_SECRET_ACCESS_KEY is not: no channel"},
		{map[string]string{"AWS_SECRET_ACCESS_KEY": "s3cr3t"}, "AWS_SECRET_ACCESS_KEY: is there, and AWS_ACCESS_KEY_ID is not"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "AKIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}, "AWS_ACCESS_KEY_ID: is there, and AWS_REGION, which says whose models are asked"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "AKIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_REGION": "us-east-1a"}, "AWS_REGION: is an availability zone: the region is us-east-1: no channel"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "ASIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_REGION": "us-east-1"}, "AWS_ACCESS_KEY_ID: is of a session, and AWS_SESSION_TOKEN is not there"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "minioadmin", "AWS_SECRET_ACCESS_KEY": "minioadmin", "AWS_REGION": "us-east-1"}, "AWS_ACCESS_KEY_ID: is none that AWS gives out"},
	} {
		got, err := fromEnv(t, c.variables, nil)
		require.NoError(t, err)
		assert.True(t, got.Channels[0].Demo)
		assert.Contains(t, fmt.Sprint(got.Warnings), c.warning)
	}
	got, err := fromEnv(t, map[string]string{"GOOGLE_CLOUD_PROJECT": "my-project"}, nil)
	require.NoError(t, err)
	assert.True(t, got.Channels[0].Demo)
	for _, c := range []struct {
		variables map[string]string
		says      string
	}{
		{map[string]string{"AZURE_OPENAI_ENDPOINT": "n.openai.azure.com", "AZURE_OPENAI_API_KEY": "k-0123456789abcdef"}, "environment: AZURE_OPENAI_ENDPOINT: must be an http or https URL"},
		{map[string]string{"AZURE_OPENAI_ENDPOINT": "https://n.openai.azure.com", "AZURE_OPENAI_API_KEY": "k-0123456789abcdef", "OPENAI_API_VERSION": "soon"}, "environment: OPENAI_API_VERSION: must be a date"},
		{map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": "/not.json"}, "environment: GOOGLE_APPLICATION_CREDENTIALS: cannot read the file: it does not exist"},
		{map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": "/sa.json", "CLOUD_ML_REGION": "us-central1-a"}, "environment: CLOUD_ML_REGION: is a zone: the region is us-central1"},
	} {
		_, err := fromEnv(t, c.variables, map[string]string{"/sa.json": serviceAccountFile})
		require.ErrorContains(t, err, c.says)
	}
}
