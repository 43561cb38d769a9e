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
		"chatgpt": "did you mean openai?", "\"1\"": "a number is one-api's: a type has a name here",
		"doubao": "doubao speaks OpenAI's format: `type: openai` with its base_url;", "sglang": "`type: openai` with its base_url",
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
		"x.example/v1":                           "does not begin with http:// or https://",
		"x.example:8080":                         "does not begin with http:// or https://",
		"htps://x.example/v1":                    "must be an http or https URL",
		"https:/x.example/v1":                    "must have a host",
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

func TestALineThatIsIndentedAskewIsNamedWithTheOneItBelongsBeside(t *testing.T) {
	const head = "channels:\n  - name: a\n    type: openai\n"
	for _, test := range []struct {
		name, file string
		line       int
		want       string
	}{
		{"a blank too many", head + "     keys: [sk-SECRET]\n    models: [x]\n", 4, "`keys:` is indented by 5 blanks and what it belongs beside (line 2) by 4"},
		{"a blank too few", head + "   keys: [sk-SECRET]\n", 4, "`keys:` is indented by 3 blanks and what it belongs beside (line 2) by 4"},
		{"too many, further down", head + "    keys: [sk-SECRET]\n       models: [x]\n", 5, "`models:` is indented by 7 blanks"},
		{"in the column of the -", "channels:\n  - name: a\n  type: openai\n  keys: [sk-SECRET]\n", 3, "`type:` is indented by 2 blanks and what it belongs beside (line 2) by 4"},
		{"in the column of the -, and back", "channels:\n  - name: a\n  type: openai\n    keys: [sk-SECRET]\n", 3, "`type:` is indented by 2 blanks"},
		{"the second channel", head + "    keys: [sk-SECRET]\n - name: b\n   type: openai\n", 5, "this - is indented by 1 blank and what it belongs beside (line 2) by 2"},
		{"the second channel, deeper", head + "    keys: [sk-SECRET]\n   - name: b\n     type: openai\n", 5, "this - is indented by 3 blanks"},
		{"an item of a list", head + "    models:\n      - x\n     - y\n", 6, "this - is indented by 5 blanks and what it belongs beside (line 5) by 6"},
		{"below a list", head + "    models:\n      - x\n     keys: [sk-SECRET]\n", 6, "`keys:` is indented by 5 blanks"},
		{"tokens", head + "    keys: [sk-SECRET]\n tokens:\n  - name: t\n", 5, "`tokens:` is indented by 1 blank and what it belongs beside (line 1) by 0"},
		{"a word that it does not know", head + "     sk-SECRET: x\n", 4, "this line is indented by 5 blanks"},
		{"behind brackets over several lines", head + "    models: [\n  x,\n y]\n     keys: [sk-SECRET]\n", 7, "`keys:` is indented by 5 blanks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := strings.Join(problemsOf(t, test.file, nil), "\n")
			assert.Contains(t, problems, fmt.Sprintf("channels.yaml:%d: ", test.line))
			assert.Contains(t, problems, test.want)
			assert.NotContains(t, problems, "SECRET")
		})
	}
}

// What is YAML is never taken for askew: the rule is asked of every shape that the library takes.
func TestWhatIsIndentedAsYAMLAllowsIsNotAskew(t *testing.T) {
	for name, file := range map[string]string{
		"lists in their key's column":   "channels:\n- name: a\n  keys:\n  - k\n  - l\n  models: [x]\n- name: b\n  type: x\ntokens:\n- name: t\n",
		"lists deeper":                  "channels:\n    - name: a\n      keys:\n          - k\n          - l\n      models: [x]\n    - name: b\ntokens:\n  - name: t\n",
		"a list of lists":               "channels:\n  - - a\n    - b\n  - - c\n",
		"a - on a line of its own":      "channels:\n  -\n    name: a\n    type: x\n  -\n    name: b\n",
		"comments and empty lines":      "channels:\n# x\n\n  - name: a # y\n      # z\n    type: x\n",
		"a text over several lines":     "channels:\n  - name: a\n    type: one\n      two\n      three\n    keys: [k]\n",
		"a block of text":               "channels:\n  - name: |\n      one:\n         - two\n       three: x\n    keys: [k]\n",
		"brackets over several lines":   "channels:\n  - {name: a,\n type: x,\n   keys: [k,\n l]}\n  - name: b\n",
		"brackets in quotes":            "channels:\n  - name: \"[\"\n    type: '{'\n    keys: [\"]\"]\n",
		"a mapping in a mapping":        "channels:\n  - name: a\n    timeouts:\n      idle: 1\n      total: 2\n    keys: [k]\n",
		"more blanks behind the -":      "channels:\n  -   name: a\n      type: x\n  - name: b\n    type: x\n",
		"other depths in other entries": "channels:\n  - name: a\n    timeouts:\n     idle: 1\n  - name: b\n    timeouts:\n          idle: 1\n",
		"Windows line ends":             "channels:\r\n  - name: a\r\n    type: x\r\n",
	} {
		document, problem := parseDocument("channels.yaml", []byte(file))
		assert.Nil(t, problem, name)
		assert.NotNil(t, document, name)
		line, message := uneven([]byte(file))
		assert.Zero(t, line, "%s: %s", name, message)
	}
}

func TestCharactersThatOnlyLookRightAreNamed(t *testing.T) {
	const quote = "quote a value that begins with"
	for _, test := range []struct {
		name, file string
		line       int
		want       string
	}{
		{"a full-width colon behind channels", "channels：\n  - name: a\n", 1, "a full-width colon (：) stands behind `channels`"},
		{"a full-width colon behind type", "channels:\n  - name: a\n    type： openai\n    keys: [sk-SECRET]\n", 3, "a full-width colon (：) stands behind `type`"},
		{"a no-break space before a list", "channels:\n\u00a0 - name: a\n    type: openai\n", 2, "is indented with a blank that is none to YAML"},
		{"an ideographic space before a key", "channels:\n  - name: a\n\u3000\u3000type: openai\n", 3, "is indented with a blank that is none to YAML"},
		{"an @", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models: [@cf/x]\n", 5, quote + " @"},
		{"a percent sign", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models: [%x]\n", 5, quote + " %"},
		{"a back quote", "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    models: [`x`]\n", 5, quote + " `"},
		{"a quote that is not closed", "channels:\n  - name: a\n    type: openai\n    keys: [\"sk-SECRET]\n    models: [x]\n", 4, `a quote (") is opened in this line and not closed`},
		{"a quote that is not closed, and one below", "channels:\n  - name: a\n    type: openai\n    keys: [\"sk-SECRET]\n    models: [\"x\"]\n", 4, `a quote (") is opened in this line and not closed`},
		{"a single quote that is not closed", "channels:\n  - name: 'a\n    type: openai\n", 2, "a quote (') is opened in this line and not closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := strings.Join(problemsOf(t, test.file, nil), "\n")
			assert.Contains(t, problems, fmt.Sprintf("channels.yaml:%d: ", test.line))
			assert.Contains(t, problems, test.want)
			assert.NotContains(t, problems, "SECRET")
		})
	}
}

func TestAKeyThatIsNoneIsSaidToBeNone(t *testing.T) {
	for text, want := range map[string]string{
		"sk-…":               "a character that no key has",
		"'“sk-abcdefghijk”'": "a character that no key has",
		"$OPENAI_API_KEY":    "is the name of a variable, and not its value: write ${…}",
		"Bearer sk-SECRET":   "begins with Bearer, which is added by itself",
	} {
		problem := problemsOf(t, "channels: [{name: a, type: openai, keys: ["+text+"]}]\n", nil)[0]
		assert.Contains(t, problem, "channels.yaml:1: channels[0].keys[0]: ", text)
		assert.Contains(t, problem, want, text)
		assert.NotContains(t, problem, "SECRET")
	}
	assert.Contains(t, problemsOf(t, "channels: [{name: a, type: openai, keys: [k]}]\ntokens: [{name: t, key: $PHONE_KEY}]\n", nil)[0],
		"channels.yaml:2: tokens[0].key: is the name of a variable, and not its value: write ${…}")
	loadAll(t, withFile("channels: [{name: a, type: openai, keys: ['$6$rounds', k$]}]\n", nil))
}
