package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsNotYAMLIsReportedWithItsLine(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"a value with a colon", "a: 1\nb: c: d\ne: f\n", "2: not valid YAML: mapping values are not allowed in this context"},
		{"an unclosed quote", "a: 1\nb: \"c\nd: e\n", "2: not valid YAML: found unexpected end of stream (a quote (\") is opened in this line and not closed)"},
		{"an unclosed quote in the only line", "a: 'x", "1: not valid YAML: found unexpected end of stream (a quote (') is opened in this line and not closed)"},
		{"an unclosed list", "a: 1\nb: [1, 2\nc: d\n", "2: not valid YAML: did not find expected ',' or ']'"},
		{"a stray bracket", "}", "1: not valid YAML: did not find expected node content"},
		{"a tab", "a:\n\t- x\n", "2: not valid YAML: found character that cannot start any token (this line is indented with a tab: YAML wants blanks)"},
		{"a control character", "a: 1\nb: \x01\n", "2: not valid YAML: control characters are not allowed"},
		{"a control character in a last line without an end", "a: 1\nb: \x01", "2: not valid YAML: control characters are not allowed"},
		{"another encoding", "a: 1\nb: \xe4\nc: d\n", "2: not valid YAML: this line is not UTF-8"},
		{"a wrong indent", "channels:\n  - name: a\n    type: b\n   keys: x\n  - name: c\n",
			"4: not valid YAML: `keys:` is indented by 3 blanks and what it belongs beside (line 2) by 4: in YAML both need the same " +
				"(in the parser's words: did not find expected '-' indicator between here and line 4)"},
		{"a list in a mapping", "a: 1\nb: 2\n- c\n- d\n", "3: not valid YAML: did not find expected key between here and line 4"},
		{"an alias of nothing", "a: 1\nb: *foo\n\n\n\nc: d\n",
			"2: not valid YAML: an alias (*…) has no anchor (&…) before it; quote a value that begins with *"},
		{"an alias of nothing in a last line without an end", "a: 1\nb: *foo",
			"2: not valid YAML: an alias (*…) has no anchor (&…) before it; quote a value that begins with *"},
		{"a variable in a short form", "channels:\n  - name: a\n    keys: [${KEY}]\n    type: b\n",
			"3: not valid YAML: did not find expected ',' or ']' (inside [ ] and { } a ${…} has to be quoted)"},
		{"an error in a second document", "a: b\n---\nc: [\n", "3: not valid YAML: did not find expected node content"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, []string{"channels.yaml:" + test.want}, problemsOf(t, test.file, nil))
		})
	}
}
