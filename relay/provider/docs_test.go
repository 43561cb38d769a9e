package provider

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

const document = "../../docs/providers.md"

// TestTheDocumentSaysWhatTheTableDoes holds docs/providers.md to the data. UPDATE_DOCS=1 writes it.
func TestTheDocumentSaysWhatTheTableDoes(t *testing.T) {
	want := documented(All())
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o644))
	}
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run UPDATE_DOCS=1 go test ./relay/provider")
}

func documented(all []Provider) string {
	var b strings.Builder
	b.WriteString(`# Providers

What a channel's ` + "`type`" + ` may be. This page is made from the table in [relay/provider](../relay/provider), and a test holds it to that.

A ` + "`type`" + ` knows its provider's address, models, ways and limits. Any other server that speaks OpenAI's format is ` + "`type: openai`" + ` with its
` + "`base_url`" + `, any that speaks Anthropic's ` + "`type: anthropic`" + `. Where there is no configuration file, each variable that is set makes a channel
of the type's name, for the models in the table.

| type | its own address | variable | what it serves itself | models without a list of your own |
| --- | --- | --- | --- | --- |
`)
	for i := range all {
		p := &all[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", p.Type, address(p), each(variablesOf(p)), serves(p), each(p.Models))
	}
	b.WriteString(`
Clients of every endpoint that can be converted are served as well: ` + "`/v1/messages`" + ` by all that have ` + "`/v1/chat/completions`" + `, and the other way round. With
a ` + "`base_url`" + ` of your own that is not one of the provider's, all endpoints of its format are tried, and ` + "`models`" + ` is ` + "`\"*\"`" + ` where you list none.

## Addresses

` + "`base_url`" + ` may end in ` + "`/v1`" + ` or not: it is added where the path has no version in it (` + "`/v1`, `/v4`, `/api/v3`" + ` are kept). ` + "`version: v2`" + ` adds that instead,
` + "`version: ''`" + ` none, for a server without. Of a provider's own hosts the path need not be given: they are

`)
	for i := range all {
		if p := &all[i]; len(p.Elsewhere) > 0 {
			fmt.Fprintf(&b, "- `%s`: %s\n", p.Type, each(append([]string{p.BaseURL}, p.Elsewhere...)))
		}
	}
	b.WriteString(`
## What is different

| type | |
| --- | --- |
`)
	for i := range all {
		if what := quirks(&all[i]); what != "" {
			fmt.Fprintf(&b, "| `%s` | %s |\n", all[i].Type, what)
		}
	}
	b.WriteString(cloudRecipes)
	b.WriteString(recipes)
	return b.String()
}

// variablesOf is those that make a channel, alone or together.
func variablesOf(p *Provider) []string {
	names := p.KeyVariables
	for _, v := range p.Account {
		names = append(names[:len(names):len(names)], v.Name)
	}
	return names
}

func address(p *Provider) string {
	if p.Cloud == AWS {
		return "that of its `region`"
	}
	if p.Cloud == Vertex {
		return "that of its `location`"
	}
	if p.BaseURL == "" {
		return "`base_url` has to be given"
	}
	return "`" + p.BaseURL + "`"
}

func each(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

func serves(p *Provider) string {
	var paths []string
	for _, d := range p.Speaks {
		endpoints := d.Endpoints
		if endpoints == nil {
			endpoints = map[Format][]wire.Endpoint{Chat: {wire.ChatCompletions, wire.Completions, wire.Embeddings}, Messages: {wire.Messages}, Responses: {wire.ResponsesCreate}, Invoke: {wire.Messages}, Converse: nil, Gemini: {wire.GeminiGenerate, wire.GeminiStream}}[d.Format]
		}
		for _, e := range endpoints {
			paths = append(paths, strings.TrimPrefix(e.Path(), "/v1/"))
		}
	}
	return strings.Join(paths, ", ")
}

func quirks(p *Provider) string {
	var what []string
	say := func(is bool, words string) {
		if is {
			what = append(what, words)
		}
	}
	say(p.Keyless, "needs no key at its own address")
	say(p.List == "", "has no list of models: some that are well known are listed")
	say(p.Unversioned, "has no version in its address")
	say(p.Quirks.UsageUnasked, "is not asked for the usage of streams: it sends it unasked")
	say(p.Quirks.Reasoning == BackAlways, "wants the reasoning of earlier turns back")
	say(p.Quirks.Reasoning == BackNever, "refuses the reasoning of earlier turns")
	say(p.Quirks.ShortIDs, "takes ids of tool calls of nine letters and digits only")
	say(p.Quirks.LongestID > 0, fmt.Sprintf("takes ids of tool calls of %d characters at the most", p.Quirks.LongestID))
	say(p.Quirks.NoSchemas, "knows no JSON schema")
	say(p.Quirks.NoToolChoice, "knows no `tool_choice`")
	say(p.Quirks.NoEffort, "knows no `reasoning_effort`")
	say(p.Quirks.NoUser, "knows no `user`")
	say(p.Quirks.CacheHints, "takes `cache_control`")
	say(p.Quirks.Films, "takes films (`video_url`)")
	say(p.Quirks.Thinking == SwitchType, "is told to think by `thinking`")
	say(p.Quirks.Thinking == SwitchEnable, "is told to think by `enable_thinking`")
	say(p.Quirks.MostStops > 0, fmt.Sprintf("takes %d stop sequence%s at the most", p.Quirks.MostStops, map[bool]string{false: "s"}[p.Quirks.MostStops == 1]))
	say(p.Quirks.MaxCompletionTokens, "is sent `max_completion_tokens` where a call is converted")
	say(len(p.Says) > 0, "has words of its own for refusals")
	return strings.Join(what, "; ")
}
