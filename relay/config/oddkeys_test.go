package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPlaceholderIsNoKey(t *testing.T) {
	for _, key := range []string{
		"your-api-key-here", "YOUR_API_KEY", "your_openai_api_key", "<API_KEY>", "sk-xxx", "sk-xxxxxxxxxxxx", "sk-XXXX", "sk-...", "sk-ant-xxx", "sk-ant-...", "sk-proj-xxxx", "sk-proj-...",
		"sk-your-key", "sk-your-api-key", "sk-your-openai-key-here", "insert-your-key-here", "changeme", "change-me", "CHANGE_ME", "replace_me", "replace-me", "TODO", "placeholder", "xxx", "xxxxxxxx", "***", "sk-***",
		"api-key", "sk-1234567890", "sk-123456789", "key-goes-here", "gsk_xxxx", "xai-xxx", "sk-ant-api03-xxxxxxxx",
	} {
		c := loadAll(t, withFile(fmt.Sprintf("channels: [{name: a, type: openai, base_url: 'http://h/v1', keys: ['sk-7f1c02d94be8', '%s']}]", key), nil))
		require.Len(t, c.Warnings, 1, key)
		require.Contains(t, c.Warnings[0], "channels[0].keys[1]: is a placeholder out of an example")
		require.NotContains(t, c.Warnings[0], "'"+key)
	}
	for _, key := range []string{
		"sk-7f1c02d94be8a3", "none", "EMPTY", "dummy", "ollama", "token-abc123", "sk-proj-0aYourKeyThing9fQ", "sk-test-primary", "hunter2", "gsk_3kxxq92LmZ", "sk-local-relay-0001", "lm-studio", "secret", "0123456789abcdef",
		"bce-v3/ALTAK-abc/0123", "AKID:SECRET", "Mykey1Theseus", "monkey-key-1", "my-api-key", "the-relays-key", "sk-a7xxxb",
	} {
		c := loadAll(t, withFile(fmt.Sprintf("channels: [{name: a, type: openai, base_url: 'http://h/v1', keys: ['%s']}]", key), nil))
		require.Empty(t, c.Warnings, key)
	}
	source := options(map[string]string{"OPENAI_API_KEY": "your-api-key-here"}, nil)
	source.Providers = realProviders()
	c := loadAll(t, source)
	require.Len(t, c.Warnings, 1)
	require.True(t, strings.HasPrefix(c.Warnings[0], "environment: OPENAI_API_KEY: is a placeholder"), c.Warnings[0])
}

func TestAKeyOfAnotherProvidersIsWarnedOf(t *testing.T) {
	for channel, want := range map[string]string{
		`type: openai, base_url: "http://127.0.0.1:1", keys: [sk-ant-api03-7f1c02d94be8]`:                               "begins as keys of Anthropic do (sk-ant-…), and the channel is of the type openai",
		`type: azure, base_url: "http://127.0.0.1:1", keys: [sk-proj-7f1c02d94be8]`:                                     "begins as keys of OpenAI do (sk-proj-…), and the channel is of the type azure",
		`type: anthropic, keys: [sk-ant-api03-7f1c02d94be8]`:                                                            "",
		`type: openai, base_url: "https://api.anthropic.com/v1", keys: [sk-ant-7f1c02d94be8]`:                           "",
		`type: openai, base_url: "https://gateway.example/v1/a/b/anthropic", keys: [sk-ant-7f1c02d9]`:                   "",
		`type: openai, base_url: "https://generativelanguage.googleapis.com/v1beta/openai", keys: [AIzaSy7f1c02d94be8]`: "",
		`type: openai, base_url: "https://gateway.example/v1", keys: [sk-or-v1-7f1c02d94be8]`:                           "",
		`type: openai, keys: [sk-proj-7f1c02d94be8]`:                                                                    "",
		`type: openai, keys: [sk-7f1c02d94be8]`:                                                                         "",
		`type: groq, keys: [gsk_7f1c02d94be8]`:                                                                          "",
		`type: xai, keys: [xai-7f1c02d94be8]`:                                                                           "",
		`type: deepseek, keys: [sk-7f1c02d94be8]`:                                                                       "",
		`type: vertex, keys: [AIzaSy7f1c02d94be8]`:                                                                      "",
	} {
		source := withFile("channels: [{name: a, "+channel+"}]", nil)
		source.Providers = realProviders()
		c := loadAll(t, source)
		if want == "" {
			require.Empty(t, c.Warnings, channel)
			continue
		}
		require.Len(t, c.Warnings, 1, channel)
		require.Contains(t, c.Warnings[0], want)
		require.NotContains(t, c.Warnings[0], "7f1c")
	}
}

// TestAKeyThatItsProviderWillSurelyRefuseIsAnError in a file. A variable may be meant for another program, with another address.
func TestAKeyThatItsProviderWillSurelyRefuseIsAnError(t *testing.T) {
	for channel, want := range map[string]string{
		`type: openai, keys: [sk-ant-api03-7f1c02d94be8]`:                                                "begins as keys of Anthropic do (sk-ant-…), and the channel is of the type openai: it would be refused there",
		`type: anthropic, keys: [sk-proj-7f1c02d94be8]`:                                                  "begins as keys of OpenAI do",
		`type: openai, keys: [AIzaSy7f1c02d94be8]`:                                                       "begins as keys of Google do",
		`type: openai, keys: [sk-or-v1-7f1c02d94be8]`:                                                    "begins as keys of OpenRouter do",
		`type: groq, keys: [xai-7f1c02d94be8]`:                                                           "begins as keys of xAI do",
		`type: azure, base_url: "https://name.openai.azure.com", keys: [sk-proj-7f1c02d94be8]`:           "begins as keys of OpenAI do",
		`type: vertex, keys: [sk-proj-7f1c02d94be8]`:                                                     "begins as keys of OpenAI do",
		`type: bedrock, region: us-east-1, keys: [sk-ant-api03-7f1c02d94be8]`:                            "begins as keys of Anthropic do",
		`type: openai, keys: [sk-7f1c02d94be8, gsk_7f1c02d94be8], base_url: "https://api.openai.com/v1"`: "channels[0].keys[1]: begins as keys of Groq do",
	} {
		_, _, err := loadChannel(t, channel, nil, nil)
		require.ErrorContains(t, err, want, channel)
		require.NotContains(t, err.Error(), "7f1c")
	}
	source := options(map[string]string{"OPENAI_API_KEY": "sk-or-v1-7f1c02d94be8"}, nil)
	source.Providers = realProviders()
	c := loadAll(t, source)
	require.Len(t, c.Warnings, 1)
	require.Contains(t, c.Warnings[0], "environment: OPENAI_API_KEY: begins as keys of OpenRouter do")
}
