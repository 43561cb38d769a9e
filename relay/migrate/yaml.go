package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// writer writes the configuration, and keeps its secrets apart.
type writer struct {
	text    strings.Builder
	secrets map[string]string
}

func (w *writer) line(indent int, text string) {
	if text != "" {
		w.text.WriteString(strings.Repeat(" ", indent))
	}
	w.text.WriteString(text)
	w.text.WriteByte('\n')
}

// longestKey is how long a key may be, in bytes, that stands in one line with its value: YAML's own bound is 1024 characters
// (https://yaml.org/spec/1.2.2, 7.4.2), escapes included.
const longestKey = 1024 / len(`\U00000000`)

// member writes a key of a mapping with its value. No variable is looked for in a key.
func (w *writer) member(indent int, key, value string) {
	if len(key) <= longestKey {
		w.line(indent, quoteKey(key)+": "+value)
		return
	}
	w.line(indent, "? "+quoteKey(key))
	w.line(indent, ": "+value)
}

// quoted keeps a secret, and is what stands in its place.
func (w *writer) quoted(name, value string) string {
	w.secrets[name] = oneLine(value)
	return `"${` + name + `}"`
}

// oneLine is a text without line breaks and what YAML has no place for in a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, text)
}

// unprintable reports whether a character breaks a line, or may not stand in YAML as it is (https://yaml.org/spec/1.2.2, 5.1).
func unprintable(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r&0xfffe == 0xfffe:
		return true
	}
	return false
}

// plainWord is what needs no quotes, whatever version of YAML reads it.
var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// quote is a text in YAML, as a value. A ${ in it is no variable.
func quote(text string) string { return quoteKey(strings.ReplaceAll(text, "${", "$${")) }

// quoteKey is a text in YAML, as a key.
func quoteKey(text string) string {
	if plainWord.MatchString(text) {
		var is yaml.Node
		if yaml.Unmarshal([]byte(text), &is) == nil && len(is.Content) == 1 && is.Content[0].Tag == "!!str" && !slices.Contains(
			[]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(text)) {
			return text
		}
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unprintable(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// list is a list in one line.
func list(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
