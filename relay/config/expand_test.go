package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExpansion(t *testing.T) {
	env := options(
		map[string]string{"A": "1", "EMPTY": "", "NESTED": "${A}", "SECRET_FILE": "secret", "BOTH": "env", "BOTH_FILE": "secret", "GONE_FILE": "gone"},
		map[string]string{"secret": "from a file\n\n"},
	).environment()
	for _, test := range []struct {
		name, text, want string
		messages         []string
	}{
		{name: "text without variables stands as it is", text: "a $ b $$ {c} $D", want: "a $ b $$ {c} $D"},
		{name: "a variable", text: "x${A}y", want: "x1y"},
		{name: "two variables side by side", text: "${A}${A}", want: "11"},
		{name: "the default is not used where the variable is set", text: "${A:-2}", want: "1"},
		{name: "the default of a variable that is not set", text: "${B:-2}", want: "2"},
		{name: "an empty variable counts as not set", text: "${EMPTY:-2}", want: "2"},
		{name: "an empty default", text: "x${B:-}", want: "x"},
		{name: "a default with the marks of a default", text: "${B:-:-$}", want: ":-$"},
		{name: "a value is not expanded again", text: "${NESTED}", want: "${A}"},
		{name: "an escaped variable", text: "$${A}", want: "${A}"},
		{name: "a dollar before an escaped variable", text: "$$${A}", want: "$${A}"},
		{name: "an escape beside a variable", text: "$${${A}}", want: "${1}"},
		{name: "a secret file, without its line breaks", text: "${SECRET}", want: "from a file"},
		{name: "the variable before its file", text: "${BOTH}", want: "env"},
		{
			name: "every variable that is not set is named", text: "${B}-${C}",
			want:     "-",
			messages: []string{"${B} is not set (and neither is B_FILE)", "${C} is not set (and neither is C_FILE)"},
		},
		{
			name: "an empty variable without a default", text: "${EMPTY}",
			messages: []string{"${EMPTY} is not set (and neither is EMPTY_FILE)"},
		},
		{
			name: "a secret file that is gone, though there is a default", text: "${GONE:-x}",
			messages: []string{"${GONE}: cannot read the file that GONE_FILE names: it does not exist"},
		},
		{name: "an open end", text: "a${A", want: "a", messages: []string{"a ${ is not closed by } (" + expansionForm + ")"}},
		{name: "no name", text: "${}", messages: []string{"a ${ is not followed by the name of a variable (" + expansionForm + ")"}},
		{name: "a name with a digit first", text: "${1A}", messages: []string{"a ${ is not followed by the name of a variable (" + expansionForm + ")"}},
		{name: "a form of another shell", text: "${A:=x}", messages: []string{"a ${ is not followed by the name of a variable (" + expansionForm + ")"}},
		{
			name: "a variable in a default", text: "${B:-${A}}", want: "}",
			messages: []string{"the default of ${B} holds another ${ (" + expansionForm + ")"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, messages := expand(test.text, env)
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.messages, messages)
		})
	}
}

func TestASecretFileIsReadOnceALoad(t *testing.T) {
	reads := 0
	source := withFile("channels: [{name: a, type: openai, keys: ['${K}', 'b${K}', 'c${K}']}]", map[string]string{"K_FILE": "k"})
	readFile := source.ReadFile
	source.ReadFile = func(path string) ([]byte, error) {
		if path != "k" {
			return readFile(path)
		}
		reads++
		return []byte{byte('0' + reads)}, nil
	}
	assert.Equal(t, []string{"1", "b1", "c1"}, loadAll(t, source).Channels[0].Keys)
}

func TestAnExpandedValueCannotBecomeYAML(t *testing.T) {
	source := withFile("channels:\n  - name: a\n    type: openai\n    keys: k\n    headers:\n      X-A: ${V}\n      X-B: \"${V}\"\n",
		map[string]string{"V": `b: [c] # "d" & *e`})
	assert.Equal(t, map[string]string{"X-A": `b: [c] # "d" & *e`, "X-B": `b: [c] # "d" & *e`}, loadAll(t, source).Channels[0].Headers)
}
