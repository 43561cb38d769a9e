package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fallbackChannels = "channels: [{name: a, type: openai, keys: [k], models: [small, big, huge, 'glob-*'], model_mapping: {alias: big}}]\n"

func TestALargerModelIsOneThatSomebodyServes(t *testing.T) {
	c, err := Load(withFile(fallbackChannels+"context_fallback:\n  small: big\n  big: huge\n  alias: glob-1\n  glob-2: alias\n", nil), Settings{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"small": "big", "big": "huge", "alias": "glob-1", "glob-2": "alias"}, c.ContextFallback)
	assert.Empty(t, c.Warnings)

	c, err = Load(withFile(fallbackChannels+"context_fallback:\n  gone: big\n", nil), Settings{})
	require.NoError(t, err)
	require.Len(t, c.Warnings, 1)
	assert.Equal(t, "channels.yaml:3: context_fallback.gone: no channel serves this model, so that nothing falls back from it", c.Warnings[0])

	c, err = Load(withFile(fallbackChannels+"context_fallback: {}\n", nil), Settings{})
	require.NoError(t, err)
	assert.Nil(t, c.ContextFallback)
}

func TestAFallbackThatLeadsNowhereIsAnError(t *testing.T) {
	for file, want := range map[string]string{
		"context_fallback:\n  small: bigger\n":                           "channels.yaml:3: context_fallback.small: no channel serves this model (got bigger)",
		"context_fallback:\n  small: small\n":                            "channels.yaml:3: context_fallback.small: leads back to itself",
		"context_fallback:\n  huge: small\n  small: big\n  big: small\n": "channels.yaml:4: context_fallback.small: leads back to itself",
		"context_fallback:\n  small: glob-*\n":                           "channels.yaml:3: context_fallback.small: must not be a glob (got glob-*)",
		"context_fallback:\n  \"glob-*\": big\n":                         `channels.yaml:3: context_fallback["glob-*"]: the model's name must not be a glob, which does not say which model is larger than which`,
		"context_fallback:\n  small: [big]\n":                            "channels.yaml:3: context_fallback.small: must be a single value (got a list)",
		"context_fallback: big\n":                                        "channels.yaml:2: context_fallback: must be a mapping (got a single value)",
	} {
		_, err := Load(withFile(fallbackChannels+file, nil), Settings{})
		require.Error(t, err, file)
		assert.Contains(t, err.Error(), want)
	}
}
