package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/provider"
)

func TestALocationIsAtItsOwnHost(t *testing.T) {
	files := map[string]string{"sa.json": serviceAccountFile}
	for channel, want := range map[string]string{
		"type: vertex, project: p-1, credentials_file: sa.json":                                                "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global",
		"type: vertex, credentials_file: sa.json, location: us":                                                "https://aiplatform.us.rep.googleapis.com/v1/projects/acme-project/locations/us",
		"type: vertex, credentials_file: sa.json, location: eu":                                                "https://aiplatform.eu.rep.googleapis.com/v1/projects/acme-project/locations/eu",
		"type: vertex, credentials_file: sa.json, location: europe-west4":                                      "https://europe-west4-aiplatform.googleapis.com/v1/projects/acme-project/locations/europe-west4",
		"type: vertex, project: p-1":                                                                           "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global",
		"type: vertex, project: p-1, base_url: 'http://127.0.0.1:1'":                                           "http://127.0.0.1:1/v1/projects/p-1/locations/global",
		"type: vertex, project: p-1, base_url: 'https://proxy.example/google/v1beta1/', location: asia-south1": "https://proxy.example/google/v1beta1/projects/p-1/locations/asia-south1",
		"type: vertex, keys: [AIza0123456789abcdef]":                                                           "https://aiplatform.googleapis.com/v1",
	} {
		got, _, err := loadChannel(t, channel, nil, files)
		require.NoError(t, err, channel)
		assert.Equal(t, want, got.BaseURL.String())
		assert.True(t, got.Official)
		assert.NotEmpty(t, got.Models)
		if len(got.Keys) > 0 {
			assert.Equal(t, provider.VertexExpress, got.Form)
			assert.True(t, got.Credential.IsNone())
		} else {
			assert.False(t, got.Credential.IsNone())
		}
	}
}

func TestAWrongVertexChannelIsToldWhatToChange(t *testing.T) {
	files := map[string]string{
		"sa.json": serviceAccountFile, "oauth.json": `{"installed":{"client_id":"x"}}`, "user.json": `{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c"}`,
		"key.txt": "AIza0123456789", "external.json": `{"type":"external_account","token_url":"https://evil.example"}`, "odd.json": `{"type":"gdch_service_account"}`, "half.json": `{"type":"service_account","project_id":"p-1"}`,
		"broken.json": `{"type":"service_account","project_id":"p-1","client_email":"a","private_key":"abc"}`,
	}
	for channel, says := range map[string]string{
		"type: vertex": "project: missing: the id of the project whose Vertex AI is asked",
		"type: vertex, project: p-1, location: us-central1-a":                                                     "location: is a zone: the region is us-central1",
		"type: vertex, project: p-1, location: Frankfurt":                                                         "location: must be global, us, eu or a region such as europe-west4",
		"type: vertex, project: My Project":                                                                       "project: must be the id of a project",
		"type: vertex, project: projects/p-1":                                                                     "project: must be the id of a project",
		"type: vertex, credentials_file: missing.json":                                                            "credentials_file: cannot read the file: it does not exist",
		"type: vertex, credentials_file: oauth.json":                                                              "names the file of an OAuth client, which is no account",
		"type: vertex, project: p-1, credentials_file: user.json":                                                 "if you know where it is from, say credentials_type: authorized_user",
		"type: vertex, project: p-1, credentials_file: external.json":                                             "Such a file may have secrets sent to any address that it names",
		"type: vertex, project: p-1, credentials_file: odd.json":                                                  "names a file of a type that is not supported here",
		"type: vertex, credentials_file: key.txt":                                                                 "names a file that is no JSON",
		"type: vertex, credentials_file: half.json":                                                               "without client_email or private_key",
		"type: vertex, credentials_file: broken.json":                                                             "whose private_key is none",
		"type: vertex, credentials_file: '{\"type\":\"service_account\"}'":                                        "is the path of a file, and this is what stands in one",
		"type: vertex, project: p-1, credentials_type: external_account":                                          "credentials_file: missing: credentials_type is what it may be",
		"type: vertex, project: p-1, keys: [AIza0123456789abcdef]":                                                "is for express mode, in which there is neither project nor credentials_file",
		"type: vertex, project: p-1, base_url: 'https://x.example/v1/projects/p/locations/l'":                     "names a project and a location: give those as project and location",
		"type: vertex, project: p-1, base_url: 'https://x.example/v1/publishers/google/models/x:generateContent'": "is the address of a model: leave out what follows the host",
		"type: gemini, keys: [AIza0123456789abcdef], project: p-1":                                                "project: is for channels of the type vertex (this one is of the type gemini)",
		"type: vertexai, project: p-1":                                                                            "did you mean vertex?",
		"type: vertex, project: p-1, api_version: 2024-10-21":                                                     "api_version: is for channels of the type azure",
	} {
		_, _, err := loadChannel(t, channel, nil, files)
		require.ErrorContains(t, err, says, channel)
		assert.NotContains(t, err.Error(), "BEGIN PRIVATE")
	}
	got, _, err := loadChannel(t, "type: vertex, project: p-1, credentials_file: external.json, credentials_type: external_account", nil, files)
	require.NoError(t, err)
	assert.Equal(t, "external_account", got.Credential.Google.Kind)
}
