package lane_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/lane"
	"one-api/relay/llm"
)

const document = "../../docs/formats.md"

// TestTheDocumentSaysWhatTheFormatsDo holds docs/formats.md to the columns of the formats. UPDATE_DOCS=1 writes it.
func TestTheDocumentSaysWhatTheFormatsDo(t *testing.T) {
	want := documented(lane.Formats())
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o644))
	}
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run UPDATE_DOCS=1 go test ./relay/lane")
}

func documented(all []*format.Format) string {
	var b strings.Builder
	b.WriteString(`# Formats

What becomes of a request that is said in another format than its client's. This page is made from the table in the code
([relay/format](../relay/format), ` + "`Column`" + `), and so are the refusals; a test holds it to that. Where client and provider speak one format nothing
of this happens: the bytes go through as they are, but for the model's name. Two things are done once an upstream has refused a request for them: the
usage of streams is not asked for any more, and a blank stands where a client has left out the reasoning of earlier turns (reasoning_content), which
DeepSeek, Kimi and GLM want back and OpenAI's SDKs do not keep.

- **carried**: it is said as it is.
- **adapted**: it is said in another way.
- **left out**: the answer is still what was asked for.
- **left out, and counted**: that costs money or changes the answer. ` + "`relay.formats.dropped`" + ` counts such requests by ` + "`from`, `to` and `feature`" + `.
- **refused**: the client gets a 400 that names the member.

What is refused only where it is read (a part of an unknown kind, a value of the wrong type) is refused with its place in the request.
`)
	for _, f := range all {
		if f.Server == nil {
			continue
		}
		fmt.Fprintf(&b, "\n## To %s\n\n| | `feature` | | |\n| --- | --- | --- | --- |\n", f.Name)
		for feature := range llm.Features {
			rule := f.Column[feature]
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", feature.What(), feature, rule.Fate, rule.Why)
		}
	}
	b.WriteString(`
## Numbers of tokens

` + "`/v1/messages/count_tokens`, `…:countTokens` and `/v1/responses/input_tokens`" + ` are asked of the provider in its own words where it has such a question:
Anthropic and Gemini, at home and on Vertex AI; Anthropic's models on Bedrock, by the model's own id, whatever profile they are called by; and who
speaks Responses. Everywhere else, for models that a provider does not count (Bedrock's newest, and those of other makers), and while nobody can
be asked, the answer is an estimate: four bytes of UTF-8 a token for texts, names, arguments and schemas; 4 for each turn, 3 for the answer's
beginning, 8 for a tool, a call or a result; a thousand for an image or a file. The header ` + "`X-Oneapi-Estimated: true`" + ` says so. An estimate asks no upstream and costs nothing.

## Vectors

` + "`…:embedContent` and `…:batchEmbedContents` are converted to `/v1/embeddings` and back, `/v1/embeddings` to `…:batchEmbedContents`" + `: texts, dimensions, and
vectors as numbers or in base64. A task type and a title are left out, and counted; tokens instead of texts are refused.
`)
	b.WriteString("\n## Without conversion\n\n")
	listed := map[string]bool{} // one may be at several endpoints
	for _, f := range all {
		if f.Client == nil && f.Counts == nil && !strings.Contains(f.Name, "mbed") && !listed[f.Name] {
			listed[f.Name] = true
			fmt.Fprintf(&b, "- %s\n", f.Name)
		}
	}
	return b.String()
}

// TestEveryFeatureHasANameOfItsOwn since telemetry tells them apart by it.
func TestEveryFeatureHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for feature := range llm.Features {
		require.NotEmpty(t, feature.String())
		require.NotEmpty(t, feature.What())
		require.False(t, seen[feature.String()], feature)
		seen[feature.String()] = true
	}
}

// TestARuleThatIsNotToCarrySaysWhy since its reason is what clients and the documentation are told.
func TestARuleThatIsNotToCarrySaysWhy(t *testing.T) {
	for _, f := range lane.Formats() {
		for feature, rule := range f.Column {
			require.NotEmpty(t, rule.Why, "%s in %s", feature, f.Name)
		}
	}
}
