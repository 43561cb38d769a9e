package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMoneyIsReadToTheLastDigitOrRefused(t *testing.T) {
	c, err := Load(options(nil, map[string]string{"channels.yaml": `
channels:
  - {name: a, type: openai, keys: [k], discount: 0.85}
tokens:
  - {name: t, key: 0123456789abcdef, limits: {rpm: 5, concurrent: 2}, budget: {usd: 0.25, per: week}, unpriced: allow, show_cost: true, owner: Ann}
  - {name: u, key: 0123456789abcdeg, budget: {}}
limits: {tpm: 7}
budget: {usd: 1000000000}
groups:
  default: {markup: 1.2, budget: {usd: 5}}
owners:
  Ann: {budget: {usd: 3, per: total}, limits: {rpm: 9}}
  张三: {}
prices:
  - {model: "my-*", input: 0.15, cached: 0.000001, output: 1e1, second: 0.0001}
`}), Settings{})
	require.NoError(t, err)
	assert.Equal(t, int64(850_000), c.Channels[0].Share())
	assert.Equal(t, Limits{RPM: 5, Concurrent: 2}, c.Tokens[0].Limits)
	assert.Equal(t, Budget{Nano: 250_000_000, Per: PerWeek}, c.Tokens[0].Budget)
	assert.Equal(t, UnpricedAllow, c.Tokens[0].Unpriced)
	assert.True(t, c.Tokens[0].ShowCost)
	assert.Equal(t, "Ann", c.Tokens[0].Owner)
	assert.Equal(t, Budget{}, c.Tokens[1].Budget)
	assert.Equal(t, Limits{TPM: 7}, c.Limits)
	assert.Equal(t, Budget{Nano: 1_000_000_000_000_000_000, Per: PerMonth}, c.Budget)
	assert.Equal(t, int64(1_200_000), *c.Groups["default"].Markup)
	assert.Equal(t, Budget{Nano: 5_000_000_000, Per: PerMonth}, c.Groups["default"].Budget)
	assert.Equal(t, map[string]Owner{
		"Ann": {Limits: Limits{RPM: 9}, Budget: Budget{Nano: 3_000_000_000, Per: PerTotal}}, "张三": {},
	}, c.Owners)
	p := c.Prices[0]
	assert.Equal(t, []int64{150_000, 1, 10_000_000, 100_000_000}, []int64{*p.Input, *p.Cached, *p.Output, *p.Second})
	assert.Nil(t, p.Reasoning)

	for name, file := range map[string]string{
		"too fine":         "prices: [{model: a, input: 0.0000001}]",
		"no amount":        "prices: [{model: a}]",
		"no model":         "prices: [{input: 1}]",
		"a fraction":       "prices: [{model: a, input: 1/3}]",
		"text":             "prices: [{model: a, input: '1'}]",
		"negative":         "budget: {usd: -1}",
		"too much":         "budget: {usd: 1e10}",
		"hexadecimal":      "budget: {usd: 0x10}",
		"a thin discount":  "channels: [{name: a, type: openai, keys: [k], discount: 0.0000001}]",
		"a bad owner":      "owners: {\"a\\nb\": {}}",
		"an owner of none": "owners: {Ann: 5}",
		"a bad group":      "groups: {'a b': {}}",
		"a group of none":  "groups: {default: 5}",
	} {
		if name != "a thin discount" {
			file = "channels: [{name: a, type: openai, keys: [k]}]\n" + file
		}
		assert.Error(t, loaded(file), name)
	}
}
