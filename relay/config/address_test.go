package config

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// channelOf loads one channel of a real type; more is further keys of it.
func channelOf(t *testing.T, more string) Channel {
	t.Helper()
	source := withFile("channels: [{name: a, keys: [k], "+more+"}]\n", nil)
	source.Providers = realProviders()
	return loadAll(t, source).Channels[0]
}

func TestAVersionIsAddedToAnAddressThatHasNone(t *testing.T) {
	for keys, want := range map[string]string{
		`type: openai, base_url: "https://x.example"`:                  "https://x.example/v1",
		`type: openai, base_url: "https://x.example/api/"`:             "https://x.example/api/v1",
		`type: openai, base_url: "https://x.example/api/v3"`:           "https://x.example/api/v3",
		`type: openai, base_url: "https://x.example", version: v1`:     "https://x.example/v1",
		`type: openai, base_url: "https://x.example", version: v2`:     "https://x.example/v2",
		`type: openai, base_url: "https://x.example/", version: ''`:    "https://x.example",
		`type: openai, base_url: "https://x.example/api", version: ""`: "https://x.example/api",
		`type: openai, base_url: "https://x.example/v1", version: ''`:  "https://x.example/v1",
		`type: deepseek`: "https://api.deepseek.com/v1",
		`type: deepseek, base_url: "https://api.deepseek.com"`:       "https://api.deepseek.com/v1",
		`type: deepseek, base_url: "https://x.example"`:              "https://x.example/v1",
		`type: deepseek, base_url: "https://x.example", version: ''`: "https://x.example",
		`type: perplexity`: "https://api.perplexity.ai",
		`type: perplexity, base_url: "https://api.perplexity.ai/"`:             "https://api.perplexity.ai",
		`type: perplexity, base_url: "https://x.example"`:                      "https://x.example/v1",
		`type: perplexity, base_url: "https://api.perplexity.ai", version: v1`: "https://api.perplexity.ai/v1",
		`type: groq, base_url: "https://api.groq.com"`:                         "https://api.groq.com/openai/v1",
		`type: openrouter, base_url: "https://openrouter.ai/api"`:              "https://openrouter.ai/api/v1",
		`type: dashscope, base_url: "https://dashscope-intl.aliyuncs.com"`:     "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
		`type: zhipu, base_url: "https://open.bigmodel.cn/api/coding"`:         "https://open.bigmodel.cn/api/coding/paas/v4",
		`type: zhipu, base_url: "https://open.bigmodel.cn"`:                    "https://open.bigmodel.cn/api/paas/v4",
		`type: openai, base_url: "https://open.bigmodel.cn/api/paas/v4"`:       "https://open.bigmodel.cn/api/paas/v4",
		`type: ollama`: "http://localhost:11434/v1",
		`type: vllm, base_url: "http://gpu:8000"`:                                   "http://gpu:8000/v1",
		`type: anthropic, base_url: "https://api.deepseek.com/anthropic"`:           "https://api.deepseek.com/anthropic/v1",
		`type: anthropic, base_url: "https://x.example/anthropic", version: ''`:     "https://x.example/anthropic",
		`type: openai, base_url: "https://x.example/a%2Fb/openai", version: v1beta`: "https://x.example/a%2Fb/openai/v1beta",
	} {
		assert.Equal(t, want, channelOf(t, keys).BaseURL.String(), keys)
	}
}

func TestAProvidersOwnAddressesAreKnown(t *testing.T) {
	for keys, official := range map[string]bool{
		`type: moonshot`: true,
		`type: moonshot, base_url: "https://api.moonshot.cn"`:           true,
		`type: moonshot, base_url: "https://api.moonshot.cn/v1"`:        true,
		`type: moonshot, base_url: "https://api.moonshot.cn/v2"`:        false,
		`type: moonshot, base_url: "https://x.example/v1"`:              false,
		`type: siliconflow, base_url: "https://api.siliconflow.com"`:    true,
		`type: openai, base_url: "https://api.siliconflow.com"`:         false,
		`type: minimax, base_url: "https://api.minimaxi.com/"`:          true,
		`type: vllm, base_url: "http://gpu:8000/v1"`:                    false,
		`type: openai, version: '', base_url: "https://api.openai.com"`: false,
	} {
		assert.Equal(t, official, channelOf(t, keys).Official, keys)
	}
}

func TestAVersionThatIsNoneIsRefused(t *testing.T) {
	for _, version := range []string{"1", "latest", "/v1", "v1/chat", "v", "'v1 '"} {
		problems := problemsOf(t, "channels: [{name: a, type: openai, keys: [k], base_url: \"https://x.example\", version: "+version+"}]\n", nil)
		require.Len(t, problems, 1, version)
		assert.Contains(t, problems[0], "channels[0].version: must be the version segment of the API's path, such as v1, or '' if it has none", version)
	}
}

func TestALocalServerNeedsNoKey(t *testing.T) {
	source := withFile("channels: [{name: a, type: ollama}, {name: b, type: vllm, base_url: 'http://gpu:8000'}]\n", nil)
	source.Providers = realProviders()
	for _, c := range loadAll(t, source).Channels {
		assert.Empty(t, c.Keys)
		assert.Equal(t, []string{"*"}, c.Models)
		assert.Zero(t, c.Timeouts.StreamHeader, "a model may have to be loaded first")
	}
}

// TestEachProvidersVariablesMakeAChannel sets one variable at a time, or those of an account that belong together, and then an example's
// placeholder in the place of each.
func TestEachProvidersVariablesMakeAChannel(t *testing.T) {
	accounts := map[string]map[string]string{
		"azure":   {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com", "AZURE_OPENAI_API_KEY": "k-0123456789abcdef"},
		"vertex":  {"GOOGLE_APPLICATION_CREDENTIALS": "/sa.json"},
		"bedrock": {"AWS_ACCESS_KEY_ID": "AKIA7F1C02D94BE8A300", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG", "AWS_REGION": "eu-west-1"},
	}
	files := map[string]string{"/sa.json": serviceAccountFile}
	load := func(variables map[string]string) *Config {
		source := options(variables, files)
		source.Providers = realProviders()
		return loadAll(t, source)
	}
	for kind, p := range realProviders() {
		if kind == "ollama" || kind == "vllm" { // which have no keys
			require.Empty(t, p.KeyVariables)
			continue
		}
		require.True(t, len(p.KeyVariables) > 0 || accounts[kind] != nil, "%s is made by no variable", kind)
		require.Equal(t, len(p.Account) > 0, accounts[kind] != nil, kind)
		models := p.Models
		if p.Unasked != nil {
			models = p.Unasked
		}
		for _, name := range p.KeyVariables {
			channels := load(map[string]string{name: "k-" + kind, "AWS_REGION": "us-east-1"}).Channels
			require.Len(t, channels, 1, name)
			assert.Equal(t, kind, channels[0].Type)
			assert.Equal(t, kind, channels[0].Name)
			assert.Equal(t, []string{"k-" + kind}, channels[0].Keys)
			assert.Equal(t, models, channels[0].Models)
			assert.True(t, channels[0].Official)
			assert.Equal(t, p.BaseURL, channels[0].BaseURL.String())

			c := load(map[string]string{name: "your-api-key-here", "AWS_REGION": "us-east-1"})
			assert.True(t, c.Channels[0].Demo, "%s: a placeholder makes no channel", name)
			assert.Contains(t, c.Warnings[0], name+": is a placeholder")
		}
		if accounts[kind] == nil {
			continue
		}
		channels := load(accounts[kind]).Channels
		require.Len(t, channels, 1, kind)
		assert.Equal(t, []string{kind, kind}, []string{channels[0].Type, channels[0].Name})
		assert.Equal(t, models, channels[0].Models)
		assert.True(t, channels[0].Official)
		if kind == "vertex" {
			continue // its variable names a file
		}
		for name := range accounts[kind] {
			if strings.HasSuffix(name, "KEY") || strings.HasSuffix(name, "KEY_ID") {
				variables := maps.Clone(accounts[kind])
				variables[name] = "your-key-here"
				c := load(variables)
				assert.True(t, c.Channels[0].Demo, "%s: a placeholder makes no channel", name)
				assert.Contains(t, fmt.Sprint(c.Warnings), "placeholder")
			}
		}
	}
}

func TestTheFirstOfAProvidersVariablesCounts(t *testing.T) {
	c := loadAll(t, options(map[string]string{"XAI_API_KEY": "first", "GROK_API_KEY": "second"}, nil))
	require.Len(t, c.Channels, 1)
	assert.Equal(t, []string{"first"}, c.Channels[0].Keys)
	c = loadAll(t, options(map[string]string{"GROK_API_KEY": "second"}, nil))
	assert.Equal(t, []string{"second"}, c.Channels[0].Keys)
}

func TestWhatPeopleCallAProviderIsNoTypeButAHint(t *testing.T) {
	for kind, want := range map[string]string{
		"kimi": "moonshot", "glm": "zhipu", "qwen": "dashscope", "x-ai": "xai", "custom": "openai", "OpenRouter": "openrouter", "deepseak": "deepseek", "gorq": "groq", "togetherai": "together",
	} {
		source := withFile("channels: [{name: a, keys: [k], type: "+kind+"}]\n", nil)
		source.Providers = realProviders()
		_, err := Load(source, Settings{})
		require.ErrorContains(t, err, "did you mean "+want+"? known: ", kind)
	}
}

func TestWhetherTheUsageOfStreamsIsAskedForIsRead(t *testing.T) {
	for text, want := range map[string]StreamUsage{"": StreamUsageAuto, "stream_usage: auto": StreamUsageAuto, "stream_usage: ask": StreamUsageAsk, "stream_usage: never": StreamUsageNever} {
		assert.Equal(t, want, channelOf(t, "type: openai, "+text).StreamUsage, text)
	}
	problems := problemsOf(t, "channels: [{name: a, type: openai, keys: [k], stream_usage: on}]\n", nil)
	assert.Equal(t, []string{"channels.yaml:1: channels[0].stream_usage: must be auto, ask or never (got on)"}, problems)
}
