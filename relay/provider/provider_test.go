package provider

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryProviderIsWhole(t *testing.T) {
	types, variables, hosts := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, p := range All() {
		require.Regexp(t, `^[a-z]+$`, p.Type)
		require.False(t, types[p.Type], "%s is there twice", p.Type)
		types[p.Type] = true
		assert.Regexp(t, `^[a-z_.]+$`, p.TelemetryName(), p.Type)
		assert.NotEmpty(t, p.Speaks, p.Type)
		assert.NotEmpty(t, p.Models, p.Type)
		assert.NotEmpty(t, p.Auth.Header, p.Type)
		assert.Equal(t, http.CanonicalHeaderKey(p.Auth.Header), p.Auth.Header, p.Type)
		assert.True(t, p.List != "" || len(p.WellKnown) > 0, "%s cannot say what it has", p.Type)
		for _, name := range p.KeyVariables {
			assert.Regexp(t, `^[A-Z]+_API_KEY$|^AWS_BEARER_TOKEN_BEDROCK$`, name)
			assert.Empty(t, variables[name], "%s is of two types", name)
			variables[name] = p.Type
		}
		for _, address := range append([]string{p.BaseURL}, p.Elsewhere...) {
			if address == "" {
				continue
			}
			u, err := url.Parse(address)
			require.NoError(t, err)
			assert.False(t, strings.HasSuffix(address, "/"), address)
			assert.Equal(t, !p.Unversioned, regexp.MustCompile(`/v\d`).MatchString(u.Path), "%s: say Unversioned, or give the version", address)
			assert.True(t, hosts[u.Host] == "" || hosts[u.Host] == p.Type, "%s is of two types", u.Host)
			hosts[u.Host] = p.Type
		}
		for _, said := range p.Says {
			for _, words := range said.Words {
				assert.Equal(t, strings.ToLower(words), words)
			}
		}
	}
	for _, p := range All() {
		for _, name := range p.Also {
			assert.False(t, types[name], "%s is a type, and what people call %s", name, p.Type)
			assert.Equal(t, strings.ToLower(name), name)
		}
	}
}

func TestATypeThatStandsForOthersSaysNothingOfThem(t *testing.T) {
	assert.Equal(t, openAI.Quirks, *openAI.QuirksAt(true))
	assert.Zero(t, *openAI.QuirksAt(false))
	assert.Zero(t, testing.AllocsPerRun(10, func() { openAI.QuirksAt(false) }))
	for _, p := range vendors {
		assert.Equal(t, p.Quirks, *p.QuirksAt(false), "a gateway in front of %s leads to %[1]s", p.Type)
	}
}
