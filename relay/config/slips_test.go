package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheCommonestSlipsAreNamedByTheirLine(t *testing.T) {
	const star, blank, tab = `quote a value that begins with *`, "a blank is missing after the -: write `- name: …`", "indented with a tab"
	for _, test := range []struct {
		name, file string
		line       int
		want       string
	}{
		{"a star alone in a list", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models: [*]\n", 5, star},
		{"a star alone", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models: *\n", 5, star},
		{"a star as an item", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models:\n      - *\n      - gpt\n", 6, star},
		{"a star before a name", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models: [gpt-4o, *-mini]\n", 5, star},
		{"two stars", "channels:\n  - name: a\n    type: openai\n    models: [*gpt*]\n", 4, star},
		{"no blank after the -", "channels:\n  -name: a\n   type: openai\n   keys: [k]\n", 2, blank},
		{"no blank after the -, all in one column", "channels:\n  -name: a\n  type: openai\n  keys: [k]\n", 2, blank},
		{"no blank after the -, not indented", "channels:\n-name: a\n type: openai\n", 2, blank},
		{"no blank after the second -", "channels:\n  - name: b\n    type: openai\n    keys: [k]\n  -name: a\n    type: openai\n    keys: [k]\n", 5, blank},
		{"no blank after the - of keys", "channels:\n  - name: b\n    type: openai\n    keys:\n      -sk-SECRET\n      -sk-SECRET2\n", 5, "each item of a list begins with a - and a blank"},
		{"no blank after the - of a key", "channels:\n  - name: b\n    type: openai\n    keys:\n      -sk-SECRET\n", 5, "each item of a list begins with a - and a blank"},
		{"a tab before a list", "channels:\n\t- name: b\n\t  type: openai\n", 2, tab},
		{"a tab before a key", "channels:\n  - name: b\n\t  type: openai\n", 3, tab},
		{"a tab further down", "channels:\n  - name: b\n    type: openai\n    keys:\t[k]\n\tmodels: [x]\n", 5, tab},
		{"no blank after the colon", "channels:\n  - name: b\n    type:openai\n    keys: [k]\n", 3, "a blank is missing after `type:`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := strings.Join(problemsOf(t, test.file, nil), "\n")
			assert.Contains(t, problems, fmt.Sprintf("channels.yaml:%d: ", test.line))
			assert.Contains(t, problems, test.want)
			assert.NotContains(t, problems, "SECRET")
		})
	}
	c := loadAll(t, withFile("channels:\n  # -name: x\n  - name: a # type:openai\n    type: openai\n    keys: [\"-k\", '*']\n    models: ['*', \"*-mini\", o3*]\n", nil))
	assert.Equal(t, []string{"*", "*-mini", "o3*"}, c.Channels[0].Models)
}

func TestATypeThatThereIsNotIsToldWhatItShouldBe(t *testing.T) {
	for kind, want := range map[string]string{
		"grok": "did you mean xai?", "Grok": "did you mean xai?", "OpenAI": "did you mean openai?", "claude": "did you mean anthropic?", "antropic": "did you mean anthropic?",
		"chatgpt": "did you mean openai?", "doubao": "doubao speaks OpenAI's format: `type: openai` with its base_url;", "sglang": "`type: openai` with its base_url",
		"nonsense": "(got nonsense); known: anthropic, custom, openai, xai",
	} {
		assert.Contains(t, problemsOf(t, "channels: [{name: a, keys: [k], type: "+kind+"}]\n", nil)[0], want, kind)
	}
}

func TestABaseURLThatIsAnEndpointIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"https://x.example/v1/chat/completions":  "leave /chat/completions out",
		"https://x.example/v1/chat/completions/": "leave /chat/completions out",
		"https://x.example/v1/completions":       "leave /completions out",
		"https://x.example/v1/messages":          "leave /messages out",
		"https://x.example/v1/models":            "leave /models out",
		"https://x.example/v1/embeddings":        "leave /embeddings out",
		"https://x.example/v1/responses":         "leave /responses out",
		"'https://x.example/v1 '":                "must not contain a blank",
		"' https://x.example'":                   "must not contain a blank",
		"'https://x.example/a b'":                "must not contain a blank",
	} {
		problem := problemsOf(t, "channels: [{name: a, type: openai, keys: [k], base_url: "+text+"}]\n", nil)[0]
		assert.Contains(t, problem, "channels.yaml:1: channels[0].base_url: ", text)
		assert.Contains(t, problem, want, text)
		assert.NotContains(t, problem, "x.example")
	}
}

func TestWhatNobodyReachesAndNothingMatchesIsWarnedOf(t *testing.T) {
	const channels = "channels:\n" +
		"  - {name: a, type: openai, keys: [k], groups: [default, vip], models: [gpt-4o, 'o?-*'], model_mapping: {smart: gpt-4o}}\n" +
		"  - {name: b, type: openai, keys: [k], groups: [vip, lab], models: ['claude-*', 'gpt-[45]o']}\n"
	c := loadAll(t, withFile(channels+"tokens:\n  - name: t\n    key: sk-0123456789abcdef\n    groups: [default, lab]\n"+
		"    models:\n      - gpt-4o\n      - gpt-*\n      - smart\n      - o3-mini\n      - '*-mini'\n      - claud?-*\n      - claud-*\n      - gpt-5\n      - o33-*\n", nil))
	const odd, nothing = "`[` stands for itself here, and no model has it in its name: only * (any characters) and ? (one) stand for others", "no channel of the token's groups has a model that this matches"
	assert.Equal(t, []string{
		"channels.yaml:2: channels[0].groups[1]: no token has the group vip: nobody reaches the channel by it",
		"channels.yaml:3: channels[1].models[1]: " + odd,
		"channels.yaml:15: tokens[0].models[6]: " + nothing,
		"channels.yaml:16: tokens[0].models[7]: " + nothing,
		"channels.yaml:17: tokens[0].models[8]: " + nothing,
	}, c.Warnings)
	assert.Len(t, loadAll(t, withFile(channels, nil)).Warnings, 1, "the token that is made has every group")
	assert.Len(t, loadAll(t, withFile(channels, map[string]string{"INITIAL_ROOT_TOKEN": "sk-0123456789abcdef"})).Warnings, 1)
}

// Every name of up to four letters over a small alphabet, against both patterns.
func TestTwoPatternsOverlapIfANameIsMatchedByBoth(t *testing.T) {
	var names []string
	for _, a := range []string{"", "a", "b", "é"} {
		for _, b := range []string{"", "a", "b", "é"} {
			for _, c := range []string{"", "a", "b", "é"} {
				for _, d := range []string{"", "a", "b", "é"} {
					names = append(names, a+b+c+d)
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	pattern := func() string {
		var b strings.Builder
		for range random.IntN(5) {
			b.WriteString([]string{"a", "b", "é", "*", "?"}[random.IntN(5)])
		}
		return b.String()
	}
	for range 3000 {
		a, b := pattern(), pattern()
		found := false
		for _, name := range names {
			found = found || Match(a, name) && Match(b, name)
		}
		if found {
			assert.True(t, overlap(a, b), "%q and %q", a, b)
		} else if !strings.Contains(a+b, "*") || len([]rune(strings.Trim(a+b, "*"))) <= 4 {
			assert.False(t, overlap(a, b), "%q and %q", a, b)
		}
		assert.Equal(t, overlap(a, b), overlap(b, a), "%q and %q", a, b)
	}
}
