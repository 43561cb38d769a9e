package config

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"gpt-4o", "gpt-4o", true},
		{"gpt-4o", "gpt-4o-mini", false},
		{"gpt-4o", "GPT-4o", false},
		{"gpt-4o-*", "gpt-4o-mini", true},
		{"gpt-4o-*", "gpt-4o-", true},
		{"gpt-4o-*", "gpt-4o", false},
		{"*", "", true},
		{"*", "meta/llama", true},
		{"**", "a", true},
		{"", "", true},
		{"", "a", false},
		{"?", "", false},
		{"?", "é", true},
		{"??", "é", false},
		{"*??", "€", false},
		{"*/llama-?-*", "meta/llama-3-70b", true},
		{"*a*b", "xaxbxab", true},
		{"*a*b", "xaxbxabc", false},
		{"*mini", "gpt-mini-mini", true},
		{"a.c", "abc", false},
		{"[ab]", "a", false},
		{`\*`, "*", false},
	} {
		assert.Equal(t, test.want, Match(test.pattern, test.name), "%q, %q", test.pattern, test.name)
	}
}

func TestAHostilePatternIsMatchedInBoundedTime(t *testing.T) {
	// A matcher that backtracks over every star would need more steps than there are atoms.
	assert.False(t, Match(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 10_000)))
}

// oracle is the matcher that is right by construction.
func oracle(pattern, name string) bool {
	expression := regexp.QuoteMeta(pattern)
	expression = strings.ReplaceAll(expression, `\*`, `.*`)
	expression = strings.ReplaceAll(expression, `\?`, `.`)
	return regexp.MustCompile(`(?s)^` + expression + `$`).MatchString(name)
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"gpt-4o-*", "gpt-4o-mini"}, {"*a*b?", "aabbab"}, {"?*?", "é€"}, {"*??", "\xff\xfe"}, {"a**b", "ab"}, {"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern) || strings.Contains(pattern, `\`) || strings.ContainsRune(pattern, utf8.RuneError) || len(pattern) > 200 {
			return // no regular expression says the same
		}
		if got, want := Match(pattern, name), oracle(pattern, name); got != want {
			t.Fatalf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
}
