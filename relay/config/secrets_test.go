package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/provider"
)

// cloudProviders are the providers of the tests, and clouds with accounts of their own.
var cloudProviders = func() map[string]Provider {
	all := map[string]Provider{}
	for _, p := range append(provider.All(), provider.Forms()...) {
		all[p.Type] = p
	}
	return all
}()

func secretsOf(t *testing.T, yaml string, variables map[string]string) *Config {
	t.Helper()
	source := withFile(yaml, variables)
	source.Providers = cloudProviders
	return loadAll(t, source)
}

const (
	keyless   = "channels:\n  - {name: local, type: openai, base_url: 'http://127.0.0.1:8000'}\n"
	aws       = "channels:\n  - {name: local, type: bedrock, region: us-east-1}\n"
	withToken = "tokens:\n  - {name: t, key: sk-0123456789abcdef0123}\n"
	withKey   = "  - {name: other, type: openai, base_url: 'http://127.0.0.1:8001', keys: [sk-upstream-0123456789]}\n"
)

func TestAChannelWithoutASecretHasOneOfTheInstallations(t *testing.T) {
	static := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY": "hush/hush"}
	session := map[string]string{"AWS_ACCESS_KEY_ID": "ASIAABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY": "hush/hush", "AWS_SESSION_TOKEN": "for an hour"}
	seen := map[string]string{}
	for name, of := range map[string]struct {
		yaml      string
		variables map[string]string
	}{
		"another channel's":             {keyless + withKey + withToken, nil},
		"a token's":                     {keyless + withToken, nil},
		"the operator's":                {keyless, map[string]string{"ADMIN_TOKEN": "an-operator's-long-token"}},
		"of an access key":              {aws + withToken, static},
		"a token's, and no session's":   {aws + withToken, session},
		"an application's":              {"channels:\n  - {name: local, type: azure, base_url: 'https://acme.openai.azure.com', entra: {tenant: acme.onmicrosoft.com, client_id: a-b, client_secret: hush~hush}}\n", nil},
		"another channel's application": {keyless + "  - {name: az, type: azure, base_url: 'https://acme.openai.azure.com', entra: {tenant: acme.onmicrosoft.com, client_id: a-b, client_secret: hush~hush}}\n" + withToken, nil},
	} {
		c := secretsOf(t, of.yaml, of.variables)
		got := c.Channels[0].Secret()
		require.Len(t, got, 64, name)
		require.NotContains(t, got, "hush")
		require.Equal(t, got, secretsOf(t, of.yaml, of.variables).Channels[0].Secret(), "%s: a replica has the same", name)
		require.NotContains(t, c.Warnings, "USER_HASH_KEY", name)
		if before, taken := seen[got]; taken && name != "a token's" && name != "a token's, and no session's" {
			t.Errorf("%s and %s are the same", name, before)
		}
		seen[got] = name
		require.Equal(t, "of-my-own", secretsOf(t, of.yaml, map[string]string{"USER_HASH_KEY": "of-my-own"}).Channels[0].Secret(), name)
	}
}

func TestWhoHasNoSecretAtAllIsTold(t *testing.T) {
	c := secretsOf(t, keyless, nil)
	require.Empty(t, c.Channels[0].Secret())
	require.Len(t, c.Warnings, 1)
	require.Contains(t, c.Warnings[0], "USER_HASH_KEY")
	require.Contains(t, c.Warnings[0], "(channel local)")
	require.NotEmpty(t, c.GeneratedToken, "which is another one at each start, so that nothing follows from it")

	demo := loadAll(t, options(nil, nil))
	require.True(t, demo.Channels[0].Demo)
	require.Empty(t, demo.Warnings, "nobody has to choose anything to try the relay")
}

func TestChannelsToTheSameProviderKnowEachOther(t *testing.T) {
	c := secretsOf(t, `channels:
  - {name: a, type: anthropic, keys: [sk-ant-a-0123456789]}
  - {name: b, type: anthropic, keys: [sk-ant-b-0123456789]}
  - {name: c, type: anthropic, keys: [sk-ant-c-0123456789], base_url: 'https://alike.example.com'}
  - {name: d, type: openai, keys: [sk-a-0123456789]}
  - {name: e, type: openai, keys: [sk-a-0123456789], models: [gpt-5]}
`+withToken, nil).Channels
	require.Len(t, c[0].Kin, 2)
	require.Equal(t, c[0].Kin, c[1].Kin)
	require.Nil(t, c[2].Kin, "another server")
	require.Nil(t, c[3].Kin, "they have the same secret")
	require.Equal(t, c[0].Answers(), c[1].Answers())
	require.NotEqual(t, c[0].Account(), c[1].Account())
	require.NotEqual(t, c[0].Answers(), c[2].Answers())
	require.Equal(t, c[3].Account(), c[4].Account())
}
