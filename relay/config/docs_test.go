package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const document = root + "/docs/configuration.md"

// TestTheDocumentSaysWhatTheTablesDo holds docs/configuration.md to the tables. UPDATE_DOCS=1 writes it.
func TestTheDocumentSaysWhatTheTablesDo(t *testing.T) {
	want := documented()
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o644))
	}
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run UPDATE_DOCS=1 go test ./relay/config")
}

func documented() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Every key of the file and every variable of the environment. This page is made from the tables in [relay/config](../relay/config), and a test
holds it to that; so are the decoder, ` + "`one-api --help` and the [schema](../deploy/channels.schema.json)" + `.

One YAML file says it all: the one that ` + "`--config` or `CONFIG_FILE`" + ` names, or ` + "`channels.yaml`" + ` in the working directory. Without a file the
environment makes the channels ([providers](providers.md)), and with no provider's key there either a built-in ` + "`demo`" + ` channel answers.

` + "```yaml" + `
# yaml-language-server: $schema=channels.schema.json
channels:
  - name: openai-main
    type: openai
    keys: ["${OPENAI_API_KEY}", "${OPENAI_API_KEY_2}"]
    models: [gpt-4o, "gpt-4o-*"]
    model_mapping: {gpt-4: gpt-4o}
    priority: 10

  - name: claude
    type: anthropic
    keys: ["${ANTHROPIC_API_KEY}"]
    timeouts: {first_token: 20s}

  - name: local
    type: openai
    base_url: http://localhost:8080
    models: ["*"]
    groups: [lab]
    max_concurrent: 4

tokens:
  - name: phone-app
    key: "${PHONE_APP_KEY}"
  - name: lab
    key_sha256: 3042d7915e08ecc4325192b953fd9211e52cafc721f726bd5f94e600397622d0 # printf %s sk-lab-0123456789abcdef | sha256sum
    groups: [default, lab]
    models: ["claude-*", "llama*"]
` + "```" + `

- **Variables.** ` + "`${NAME}` and `${NAME:-default}`" + ` come from the environment; if ` + "`NAME`" + ` is unset, from the file that ` + "`NAME_FILE`" + ` names (a Docker
  secret); and then from the ` + "`env_file`" + `. ` + "`$${`" + ` is a literal ` + "`${`" + `. Inside ` + "`[ ]` and `{ }`" + ` YAML wants quotes around them.
- **Checking.** ` + "`one-api --check-config`" + ` reports everything that is wrong at once, by file, line and key, and warns of what is odd: a misspelt
  variable, a placeholder for a key, a key of another provider's, a group that nobody has. Errors and warnings stand in one list, by lines. The log says
  the same at the start. Of each channel it says in a line how its address was understood, and where a call goes. ` + "`--probe`" + ` asks there, and its exit code
  says what came of it ([providers.md](providers.md)).
- **Reloading.** A changed file, one that appears where there was none, or ` + "`SIGHUP`" + `, is loaded while calls in flight keep what they started with. A bad
  file is refused and the old one stays. In a container mount the file's directory: a file that is mounted by itself does not change when an editor
  replaces it outside.
- **In an editor.** ` + "`one-api schema > channels.schema.json`" + ` beside the file, and the comment above in its first line, and editors with a YAML language
  server (VS Code, JetBrains, Neovim, Helix) complete keys and mark what is wrong. The schema is [in the repository](../deploy/channels.schema.json), too.
- A key without a value counts as left out. Unknown keys, keys that are there twice, and merge keys (` + "`<<`" + `) are errors.
`)
	for _, o := range objects {
		o.(interface{ document(*strings.Builder) }).document(&b)
	}
	b.WriteString(`
## Environment

Each may also be given as ` + "`NAME_FILE`" + `, the path of a file that holds the value. Durations are seconds (` + "`900`, `0.5`" + `) or Go's (` + "`90s`, `15m`" + `). A value that cannot be
is refused at the start by the variable's name, with the blank, the quotes or the carriage return that came along with it. Variables
that one-api or one of its forks has as well are marked with °. OpenTelemetry's are a [list of their own](telemetry.md); of those a bad value is a warning, which says what is
used instead.

| variable | what it is | if it is not set | |
| --- | --- | --- | --- |
`)
	for i := range Variables {
		v := &Variables[i]
		name, help := "`"+v.Name+"`", inMarkdown(v.Help)
		if v.OneAPI {
			name += " °"
		}
		if v.More != "" {
			help += ". " + v.More
		}
		unset := inMarkdown(v.Unset)
		if v.Default != "" {
			unset = "`" + v.Default + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, v.Kind(), unset, help)
	}
	return b.String()
}

// document is an object's chapter.
func (o *object[T]) document(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| key | what it is | default | |\n| --- | --- | --- | --- |\n", o.title, o.about)
	for i := range o.keys {
		k := &o.keys[i]
		words, fallback := k.form.words, k.unset
		if k.form.object != "" {
			words += ": [its keys](#" + anchor(k.form.object) + ")"
		}
		switch {
		case k.missing != nil:
			fallback = "*needed*"
		case k.fallback != "":
			fallback = "`" + k.fallback + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.name, words, fallback, k.about)
	}
}

// anchor is how GitHub calls a heading.
func anchor(title string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(title), "`", ""), " ", "-")
}

// inMarkdown puts names of variables and files into code.
func inMarkdown(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 { // the others are code already
		parts[i] = regexp.MustCompile(`[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|\bGOMEMLIMIT\b|/api/[a-z/]+|\./[a-z.]+|\b_other\b`).ReplaceAllString(parts[i], "`$0`")
	}
	return strings.Join(parts, "`")
}
