package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// problemsOf loads a file and gives its problems, one a line, without what it only warns of.
func problemsOf(t *testing.T, file string, variables map[string]string) []string {
	t.Helper()
	source := withFile(file, variables)
	settings, err := LoadSettings(source)
	require.NoError(t, err)
	c, err := Load(source, settings)
	require.Error(t, err)
	assert.Nil(t, c)
	problems, _ := Lines(err)
	return problems
}

// In a file of these tests every key stands on a line of its own, from line 2 of its channel or token on.
func TestABadFileIsRefusedWithFileLineAndKey(t *testing.T) {
	channel := func(lines ...string) string {
		return "channels:\n  - name: a\n    type: openai\n    keys: [k]\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	own := func(lines ...string) string {
		return "channels:\n  - name: a\n    type: openai\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	token := func(lines ...string) string {
		return "channels: [{name: a, type: openai, keys: [k]}]\ntokens:\n  - name: t\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	const (
		nameRule  = `must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", and not only dots`
		clearRule = "must not contain spaces, line breaks or invisible characters"
		types     = "known: anthropic, custom, openai, xai"
		duration  = "must be seconds or a duration such as 30, 90s or 15m"
		proxyRule = "must be an http, https, socks5 or socks5h URL such as http://proxy.example.com:3128"
		baseRule  = "must be an http or https URL such as https://api.example.com/v1"
	)
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"an empty file", "", []string{"channels.yaml: no channels; at least one is needed"}},
		{"only comments", "# nothing\n", []string{"channels.yaml: no channels; at least one is needed"}},
		{"nothing", "---\n~\n", []string{"channels.yaml: no channels; at least one is needed"}},
		{"no channels", "tokens: []\n", []string{"channels.yaml: no channels; at least one is needed"}},
		{"channels without a value", "channels:\ntokens: []\n", []string{"channels.yaml: no channels; at least one is needed"}},
		{"an empty list of channels", "\nchannels: []\n", []string{"channels.yaml:2: channels: no channels; at least one is needed"}},
		{"another document's shape", "- a\n", []string{"channels.yaml:1: must be a mapping with the keys channels and tokens (got a list)"}},
		{"channels as a mapping", "channels:\n  a: {type: openai}\n", []string{"channels.yaml:1: channels: must be a list (got a mapping): begin each of its items with a - and a blank"}},
		{"a channel as text", "channels: [a]\n", []string{"channels.yaml:1: channels[0]: must be a mapping (got a single value)"}},
		{"an unknown key at the top", own("keys: [k]") + "token: []\n", []string{"channels.yaml:5: token: unknown key (did you mean tokens?)"}},
		{"a second document", channel() + "---\na: b\n", []string{"channels.yaml:6: a second document begins here; one is allowed"}},

		{"nothing that a channel needs", "channels:\n  - {}\n", []string{
			"channels.yaml:2: channels[0].name: missing",
			"channels.yaml:2: channels[0].type: missing (" + types + ")",
			"channels.yaml:2: channels[0].keys: missing; only a channel with a base_url of its own may have none",
		}},
		{"an unknown key, nearly known", channel("wieght: 1"), []string{"channels.yaml:5: channels[0].wieght: unknown key (did you mean weight?)"}},
		{"an unknown key in another case", channel("Base-URL: x"), []string{"channels.yaml:5: channels[0].Base-URL: unknown key (did you mean base_url?)"}},
		{"an unknown key like none", channel("colour: red"), []string{
			"channels.yaml:5: channels[0].colour: unknown key (known: " + strings.Join(channelObject.names(), ", ") + ")",
		}},
		{"a key with a line break", channel(`"a\nb": 1`), []string{
			`channels.yaml:5: channels[0]["a\nb"]: unknown key (known: ` + strings.Join(channelObject.names(), ", ") + ")",
		}},
		{"a list as a key", channel("[a]: 1"), []string{"channels.yaml:5: channels[0]: a key must be a single value (got a list)"}},
		{"a key twice", channel("weight: 1", "weight: 2"), []string{"channels.yaml:6: channels[0].weight: given twice, first in line 5"}},
		{"a merge key", channel("timeouts: &t {idle: 1}", "<<: *t"), []string{
			"channels.yaml:6: channels[0][\"<<\"]: merge keys are not supported: write the keys out, or give a whole value as an alias (key: *name)",
		}},
		{"a tag", channel("weight: !!binary MQ=="), []string{"channels.yaml:5: channels[0].weight: a YAML tag (!…) is not supported; quote a value that begins with !"}},

		{"a name with a space", "channels: [{name: a b, type: openai, keys: [k]}]\n", []string{"channels.yaml:1: channels[0].name: " + nameRule}},
		{"a name that is too long", "channels: [{name: " + strings.Repeat("a", 65) + ", type: openai, keys: [k]}]\n", []string{"channels.yaml:1: channels[0].name: " + nameRule}},
		{"a name that is a path", "channels: [{name: .., type: openai, keys: [k]}]\n", []string{"channels.yaml:1: channels[0].name: " + nameRule}},
		{"a name that is a list", "channels: [{name: [a], type: openai, keys: [k]}]\n", []string{"channels.yaml:1: channels[0].name: must be a single value (got a list)"}},
		{"two channels of one name", channel("weight: 1") + "  - {name: a, type: xai, keys: [k]}\n", []string{
			"channels.yaml:6: channels[1].name: the same name as channels[0].name (line 2)",
		}},
		{"an unknown type", "channels: [{name: a, type: opnai}]\n", []string{
			"channels.yaml:1: channels[0].type: unknown type (got opnai); did you mean openai? " + types,
			"channels.yaml:1: channels[0].keys: missing; only a channel with a base_url of its own may have none",
		}},
		{"a type without a base URL", "channels: [{name: a, type: custom, keys: [k]}]\n", []string{
			"channels.yaml:1: channels[0].base_url: missing: type custom has none of its own",
		}},

		{"a base URL without a scheme", own("base_url: api.openai.com"), []string{"channels.yaml:4: channels[0].base_url: " + baseRule + ": this one does not begin with http:// or https://, so write that in front of it"}},
		{"a base URL of another scheme", own("base_url: ftp://x"), []string{"channels.yaml:4: channels[0].base_url: " + baseRule}},
		{"an empty base URL", own("base_url: ''"), []string{"channels.yaml:4: channels[0].base_url: must not be empty; leave it out for the provider's own"}},
		{"a base URL without a host", own("base_url: https:///v1"), []string{"channels.yaml:4: channels[0].base_url: must have a host"}},
		{"a base URL with an impossible port", own("base_url: https://x:0"), []string{"channels.yaml:4: channels[0].base_url: must have a port from 1 to 65535, or none"}},
		{"a base URL with a password", own("base_url: https://u:secret@x"), []string{"channels.yaml:4: channels[0].base_url: must not hold a user name or password"}},
		{"a base URL with a query", own("base_url: https://x/v1?"), []string{"channels.yaml:4: channels[0].base_url: must not have a query or a fragment: leave out what begins with ? or #"}},
		{"a base URL with a fragment", own("base_url: 'https://x/v1#a'"), []string{"channels.yaml:4: channels[0].base_url: must not have a query or a fragment: leave out what begins with ? or #"}},

		{"no keys where they are needed", own("keys: []"), []string{
			"channels.yaml:2: channels[0].keys: missing; only a channel with a base_url of its own may have none",
		}},
		{"an empty key", own("keys: [a, '']"), []string{"channels.yaml:4: channels[0].keys[1]: must not be empty"}},
		{"a key left out", own("keys:", "  -"), []string{"channels.yaml:5: channels[0].keys[0]: must not be empty"}},
		{"a key with a line break", own(`keys: "a\n"`), []string{"channels.yaml:4: channels[0].keys: " + clearRule}},
		{"a key with an invisible character", own(`keys: "\uFEFFa"`), []string{"channels.yaml:4: channels[0].keys: " + clearRule}},
		{"a key twice in a channel", own("keys:", "  - a", "  - b", "  - a"), []string{
			"channels.yaml:7: channels[0].keys[2]: the same as channels[0].keys[0] (line 5)",
		}},
		{"keys as a mapping", own("keys: {a: b}"), []string{"channels.yaml:4: channels[0].keys: must be a list (got a mapping): begin each of its items with a - and a blank"}},
		{"a key that is not set", own("keys: ['${K}']"), []string{"channels.yaml:4: channels[0].keys[0]: ${K} is not set (and neither is K_FILE)"}},
		{"a key that is an empty default", own("keys: ['${K:-}']"), []string{"channels.yaml:4: channels[0].keys[0]: must not be empty"}},

		{"an empty model", channel("models: ['']"), []string{"channels.yaml:5: channels[0].models[0]: must not be empty"}},
		{"a model with a space at its end", channel("models: ['a ']"), []string{
			"channels.yaml:5: channels[0].models[0]: must not contain line breaks or invisible characters, nor begin or end with a space",
		}},
		{"a mapping to nothing", channel("model_mapping:", "  a: b", "  gpt 4:"), []string{`channels.yaml:7: channels[0].model_mapping["gpt 4"]: must not be empty`}},
		{"a mapping from nothing", channel("model_mapping: {'': b}"), []string{`channels.yaml:5: channels[0].model_mapping[""]: the model's name must not be empty`}},
		{"a mapping to a list", channel("model_mapping: {a: [b]}"), []string{"channels.yaml:5: channels[0].model_mapping.a: must be a single value (got a list)"}},
		{"a bad group", channel("groups: [a/b]"), []string{"channels.yaml:5: channels[0].groups[0]: " + nameRule}},
		{"a group twice", channel("groups: [x, x]"), []string{"channels.yaml:5: channels[0].groups[1]: the same as channels[0].groups[0] (line 5)"}},

		{"a fraction as a priority", channel("priority: 1.5"), []string{"channels.yaml:5: channels[0].priority: must be a whole number (got 1.5)"}},
		{"a quoted number", channel("priority: '1'"), []string{`channels.yaml:5: channels[0].priority: must be a whole number (got "1")`}},
		{"a number that may be octal", channel("weight: 010"), []string{"channels.yaml:5: channels[0].weight: must be a whole number (got 010)"}},
		{"a negative weight", channel("weight: -3"), []string{"channels.yaml:5: channels[0].weight: must not be negative (got -3)"}},
		{"a boundless weight", channel("weight: 1000000001"), []string{"channels.yaml:5: channels[0].weight: must be at most 1000000000 (got 1000000001)"}},
		{"a negative bound", channel("max_concurrent: ${MINUS}"), []string{"channels.yaml:5: channels[0].max_concurrent: must not be negative (got ${MINUS})"}},
		{"more tries than there are", channel("retry_same: 101"), []string{"channels.yaml:5: channels[0].retry_same: must be at most 100"}},
		{"tries below none", channel("retry_same: -1"), []string{"channels.yaml:5: channels[0].retry_same: must not be negative (got -1)"}},
		{"a word for a number", channel("weight: ${WORD:-x}"), []string{"channels.yaml:5: channels[0].weight: must be a whole number (got ${WORD:-x})"}},
		{"a word that is not a boolean", channel("disabled: yes"), []string{"channels.yaml:5: channels[0].disabled: must be true or false (got yes)"}},
		{"a number that is no boolean", channel("propagate_trace: 1"), []string{"channels.yaml:5: channels[0].propagate_trace: must be true or false (got 1)"}},
		{"a word that is no way to resume", channel("resume: maybe"), []string{"channels.yaml:5: channels[0].resume: must be true, false, prefix or continue_final_message (got maybe)"}},
		{"a quoted boolean", channel("disabled: 'true'"), []string{`channels.yaml:5: channels[0].disabled: must be true or false (got "true")`}},
		{"a proxy of another scheme", channel("proxy: proxy.example.com:3128"), []string{"channels.yaml:5: channels[0].proxy: " + proxyRule + " (or direct: none, whatever RELAY_PROXY says)"}},

		{"a version of HTTP that there is not", channel("http: 1.1"), []string{"channels.yaml:5: channels[0].http: must be auto, 1 or 2 (got 1.1)"}},
		{"HTTP/2 without TLS through an HTTP proxy", own("base_url: http://x", "http: 2", "proxy: http://proxy:3128"), []string{
			"channels.yaml:2: channels[0].http: 2 does not go through an HTTP proxy without TLS: leave it out, or say `proxy: direct`",
		}},

		{"a header that is refused", channel("headers:", "  host: x", "  Proxy-Authorization: x", "  TE: x"), []string{
			"channels.yaml:6: channels[0].headers.host: this header cannot be set",
			"channels.yaml:7: channels[0].headers.Proxy-Authorization: this header cannot be set; a proxy's credentials belong into its URL",
			"channels.yaml:8: channels[0].headers.TE: this header cannot be set",
		}},
		{"a header in two spellings", channel("headers: {x-a: 1, X-A: 2}"), []string{
			"channels.yaml:5: channels[0].headers.X-A: the same header as channels[0].headers.x-a (line 5)",
		}},
		{"a header's name with a space", channel("headers: {x a: 1}"), []string{`channels.yaml:5: channels[0].headers["x a"]: is not the name of an HTTP header`}},
		{"a header's value with a line break", channel(`headers: {x-a: "1\r\nHost: x"}`), []string{
			"channels.yaml:5: channels[0].headers.x-a: must not contain line breaks or control characters",
		}},
		{"headers as a list", channel("headers:", "  - a"), []string{"channels.yaml:5: channels[0].headers: must be a mapping (got a list)"}},

		{"an unknown clock", channel("timeouts: {first: 1}"), []string{
			"channels.yaml:5: channels[0].timeouts.first: unknown key (known: connect, header, first_token, idle, total)",
		}},
		{"a negative clock", channel("timeouts: {idle: -1s}"), []string{"channels.yaml:5: channels[0].timeouts.idle: must not be negative (got -1s)"}},
		{"no clock for connecting", channel("timeouts: {connect: 0}"), []string{"channels.yaml:5: channels[0].timeouts.connect: must be more than 0 (got 0)"}},
		{"a clock without a unit that there is", channel("timeouts: {total: 1d}"), []string{"channels.yaml:5: channels[0].timeouts.total: " + duration + " (got 1d)"}},

		{"a token without a key", token("models: []"), []string{"channels.yaml:3: tokens[0].key: missing (or give key_sha256)"}},
		{"a token with two keys", token("key: sk-12345678", "key_sha256: x"), []string{"channels.yaml:5: tokens[0].key_sha256: give key or key_sha256, not both"}},
		{"a short key", token("key: sk-1234"), []string{"channels.yaml:4: tokens[0].key: must have at least 8 characters"}},
		{"an empty client key", token("key: ''"), []string{"channels.yaml:4: tokens[0].key: must not be empty"}},
		{"a sum that is none", token("key_sha256: " + strings.Repeat("ab", 31)), []string{"channels.yaml:4: tokens[0].key_sha256: must be a SHA-256 sum: 64 hexadecimal digits"}},
		{"a token's unknown key", token("key: sk-12345678", "group: a"), []string{"channels.yaml:5: tokens[0].group: unknown key (did you mean groups?)"}},
		{"a day that is no time", token("key: sk-12345678", "expires: 2027-01-31"), []string{"channels.yaml:5: tokens[0].expires: must be a time such as 2027-01-31T00:00:00Z (RFC 3339) (got 2027-01-31)"}},
		{"a network that is none", token("key: sk-12345678", "allow_cidr: [10.0.0.0/8, 10.0.0.0/33]"), []string{"channels.yaml:5: tokens[0].allow_cidr[1]: must be a network or an address such as 10.0.0.0/8 or 192.0.2.7"}},
		{"two tokens of one name", token("key: sk-12345678") + "  - {name: t, key: sk-87654321}\n", []string{
			"channels.yaml:5: tokens[1].name: the same name as tokens[0].name (line 3)",
		}},
		{"two tokens of one key", token("key: sk-12345678") + "  - {name: u, key: '12345678'}\n", []string{
			"channels.yaml:5: tokens[1].key: the same key as tokens[0].key (line 4)",
		}},
		{"a token as text", token("key: sk-12345678") + "  - nothing\n", []string{
			"channels.yaml:5: tokens[1]: must be a mapping (got a single value)",
		}},
		{"the operators' keys", token("key: sk-administrator") + "  - {name: u, key: monitor-key}\n  - {name: v, key: root-key}\n  - {name: root, key: sk-87654321}\n", []string{
			"channels.yaml:4: tokens[0].key: the same key as ADMIN_TOKEN",
			"channels.yaml:5: tokens[1].key: the same key as MONITOR_TOKEN",
			"channels.yaml:6: tokens[2].key: the same key as INITIAL_ROOT_TOKEN",
			"channels.yaml:7: tokens[3].name: root is the token that INITIAL_ROOT_TOKEN makes; choose another name",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, problemsOf(t, test.file, map[string]string{
				"MINUS": "-1", "WORD": "secret", "ADMIN_TOKEN": "sk-administrator", "MONITOR_TOKEN": "monitor-key", "INITIAL_ROOT_TOKEN": "root-key",
			}))
		})
	}
}

func TestATokenAndTheSumOfItsKeyAreOneKey(t *testing.T) {
	sum := digests("helloworld")[1] // of sk-helloworld
	file := fmt.Sprintf("channels: [{name: a, type: openai, keys: [k]}]\ntokens:\n  - {name: t, key: helloworld}\n  - {name: u, key_sha256: %x}\n", sum)
	assert.Equal(t, []string{"channels.yaml:4: tokens[1].key_sha256: the same key as tokens[0].key (line 3)"}, problemsOf(t, file, nil))
}

func TestAllProblemsAreReportedAtOnceInTheirOrder(t *testing.T) {
	const file = `
tokens:
  - name: t
    key: short
channels:
  - name: a
    type: nothing
    weight: -1
    bogus: 1
  - type: openai
    keys: ["${MISSING}"]
`
	assert.Equal(t, []string{
		"environment: INITIAL_ROOT_TOKEN: must have at least 8 characters",
		"channels.yaml:4: tokens[0].key: must have at least 8 characters",
		"channels.yaml:6: channels[0].keys: missing; only a channel with a base_url of its own may have none",
		"channels.yaml:7: channels[0].type: unknown type (got nothing); known: anthropic, custom, openai, xai",
		"channels.yaml:8: channels[0].weight: must not be negative (got -1)",
		"channels.yaml:9: channels[0].bogus: unknown key (known: " + strings.Join(channelObject.names(), ", ") + ")",
		"channels.yaml:10: channels[1].name: missing",
		"channels.yaml:11: channels[1].keys[0]: ${MISSING} is not set (and neither is MISSING_FILE)",
	}, problemsOf(t, file, map[string]string{"INITIAL_ROOT_TOKEN": "short"}))
}

// TestWarningsAreToldBesideErrorsAndInTheirOrder so that one look at a file is enough: nobody has to mend one thing to be told of the next.
func TestWarningsAreToldBesideErrorsAndInTheirOrder(t *testing.T) {
	const file = `env_file: more.env
channels:
  - name: a
    type: openai
    keys: [sk-ant-api03-SECRET]
    weigth: 3
  - {name: b, type: openai, base_url: "https://gw.example/v1", keys: [sk-ant-api03-SECRET]}
  - {name: c, type: openai, base_url: "https://gw.example/v1/chat/completions", keys: [sk-ant-api03-SECRET]}
  - {name: d, type: opnai, keys: [AIzaSECRET, sk-SECRET]}
  - {name: e, keys: [your-api-key]}
  - {name: f, type: openai, base_url: "https://api.anthropic.com/v1/messages", keys: [sk-ant-api03-SECRET]}
tokens:
  - {name: t, key: sk-short-SECRET, groups: [nobody], budget: {usd: -1}}
`
	source := options(map[string]string{"ADMIN_TOKEN": "SECRET-ad"}, map[string]string{"channels.yaml": file, "more.env": "#\n#\nOPENAI_API_KEY\n"})
	settings, err := LoadSettings(source)
	require.NoError(t, err)
	_, err = Load(source, settings)
	require.Error(t, err)
	told := strings.Split(err.Error(), "\n")
	for i, want := range []string{
		"warning: environment: ADMIN_TOKEN: is easy to guess",
		"channels.yaml:5: channels[0].keys[0]: begins as keys of Anthropic do (sk-ant-…), and the channel is of the type openai: it would be refused there, so put a key of its own in its place, or make it the type of the key: anthropic",
		"channels.yaml:6: channels[0].weigth: unknown key (did you mean weight?)",
		"warning: channels.yaml:7: channels[1].keys[0]: begins as keys of Anthropic do (sk-ant-…), and the channel is of the type openai: is it the right key, and the right type?",
		"channels.yaml:8: channels[2].base_url: is the address of an endpoint",
		"warning: channels.yaml:8: channels[2].keys[0]: begins as keys of Anthropic do",
		"channels.yaml:9: channels[3].type: unknown type (got opnai); did you mean openai?",
		"warning: channels.yaml:9: channels[3].keys[0]: begins as keys of Google do (AIza…), whose channels are of the type gemini",
		"channels.yaml:10: channels[4].type: missing",
		"warning: channels.yaml:10: channels[4].keys[0]: is a placeholder out of an example",
		"channels.yaml:11: channels[5].base_url: is the address of an endpoint",
		"channels.yaml:13: tokens[0].budget.usd: must ",
		"warning: channels.yaml:13: tokens[0].key: is easy to guess",
		"more.env:3: must be NAME=value",
	} {
		require.Greater(t, len(told), i, err)
		assert.True(t, strings.HasPrefix(told[i], want), "%s\nis not\n%s", told[i], want)
	}
	assert.Len(t, told, 14)
	assert.NotContains(t, err.Error(), "SECRET")
	problems, warnings := Lines(err)
	assert.Len(t, problems, 8)
	assert.Len(t, warnings, 6)
	assert.Equal(t, "environment: ADMIN_TOKEN: is easy to guess: it has fewer than 16 characters", warnings[0])
}

// TestWhatNobodyReachesIsWarnedOfBesideErrorsThatHaveNothingToDoWithIt and not if it may be their echo.
func TestWhatNobodyReachesIsWarnedOfBesideErrorsThatHaveNothingToDoWithIt(t *testing.T) {
	const nobody, nothing = "no token has the group vip", "no channel of the token's groups has a model that this matches"
	for line, audited := range map[string]bool{
		"keys: ['${MISSING}']": true, "weight: -1": true, "base_url: x": true, "timeouts: {idle: -1s}": true, "headers: 3": true,
		"weigth: 1": false, "type: opnai": false, "models: [[]]": false, "groups: 1, groups: 2": false, "model_mapping: 3": false,
	} {
		file := "channels:\n  - {name: a, groups: [default, vip], models: [gpt-4o], " + line
		if !strings.HasPrefix(line, "type") {
			file += ", type: openai"
		}
		if !strings.HasPrefix(line, "keys") {
			file += ", keys: [k]"
		}
		source := withFile(file+"}\ntokens: [{name: t, key: sk-0123456789abcdef, models: [claude-*]}]\n", nil)
		if strings.HasPrefix(line, "models") || strings.HasPrefix(line, "groups") {
			source = withFile(strings.NewReplacer("models: [gpt-4o], ", "", "groups: [default, vip], ", "").Replace(file)+
				"}\n  - {name: b, type: openai, keys: [k], groups: [vip]}\ntokens: [{name: t, key: sk-0123456789abcdef, models: [claude-*]}]\n", nil)
		}
		_, err := Load(source, Settings{})
		require.Error(t, err, line)
		assert.Equal(t, audited, strings.Contains(err.Error(), nobody), "%s\n%v", line, err)
		assert.Equal(t, audited, strings.Contains(err.Error(), nothing), "%s\n%v", line, err)
	}
}

func TestAProblemOfTheEnvironmentsChannelsNamesTheVariable(t *testing.T) {
	for _, test := range []struct {
		variables map[string]string
		want      string
	}{
		{map[string]string{"OPENAI_API_KEY": "a b"}, "environment: OPENAI_API_KEY: must not contain spaces, line breaks or invisible characters"},
		{map[string]string{"XAI_API_KEY_FILE": "absent"}, "environment: XAI_API_KEY_FILE: cannot read the file: it does not exist"},
		{map[string]string{"INITIAL_ROOT_TOKEN": "sk-12345678", "ADMIN_TOKEN": "sk-12345678"}, "environment: INITIAL_ROOT_TOKEN: the same key as ADMIN_TOKEN"},
	} {
		source := options(test.variables, nil)
		settings, err := LoadSettings(source)
		require.NoError(t, err)
		_, err = Load(source, settings)
		require.Error(t, err)
		problems, _ := Lines(err)
		assert.Equal(t, []string{test.want}, problems)
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	file := "channels: [{name: a, type: openai, keys: [k]}]\n"
	file += strings.Repeat("#", maxFileSize-len(file))
	loadAll(t, withFile(file, nil))
	assert.Equal(t, []string{"channels.yaml: the file is over 4 MiB"}, problemsOf(t, file+"#", nil))
}

func TestAliasesCannotMultiplyWithoutBound(t *testing.T) {
	var b strings.Builder
	b.WriteString("channels:\n  - &c {name: a, type: openai, keys: [k], models: [")
	for i := range 2000 {
		fmt.Fprintf(&b, "m%01000d, ", i)
	}
	b.WriteString("]}\n")
	b.WriteString(strings.Repeat("  - *c\n", 900))
	problems := problemsOf(t, b.String(), nil)
	assert.Contains(t, strings.Join(problems, "\n"), "too much to read; aliases multiply what they stand for")
}

func TestAThousandProblemsAreEnough(t *testing.T) {
	problems := problemsOf(t, "channels:\n"+strings.Repeat("  - a\n", 5000), nil)
	assert.Len(t, problems, 1001)
	assert.Equal(t, "channels.yaml: too many problems; these are the first 1000", problems[0])
}

func TestAnAliasOfItselfIsOnlyAWrongValue(t *testing.T) {
	assert.Equal(t, []string{"channels.yaml:1: channels[0]: must be a mapping (got a list)"}, problemsOf(t, "channels: &a [*a]\n", nil))
	assert.Equal(t, []string{"channels.yaml:1: channels: must be a list (got a mapping): begin each of its items with a - and a blank"}, problemsOf(t, "&a {channels: *a}\n", nil))
}

func TestNoMessageHoldsAKey(t *testing.T) {
	const secret = "SECRET"
	variables := map[string]string{"S": secret, "BAD": secret + " x", "MINUS": "-" + secret}
	for _, place := range []string{
		"keys: [*SECRET]", "keys: [!SECRET x]", "keys: [!SECRET]", "keys: [SECRET: x]", "keys: {SECRET: x}", "keys: ['SECRET x']",
		"keys: [SECRET, SECRET]", "keys: ['SECRET${x']", "keys: ['${SECRET x}']", "keys: ['${:SECRET}']", "keys: ['${X:-SECRET${Y}']",
		"keys: ['SECRET\\ x']", "keys: \"SECRET\\q\"", "keys: ['SECRET", "keys: @SECRET", "keys: &SECRET", "keys: |\n      SECRET\n     SECRET",
		"keys: '${BAD}'", "name: '${BAD}'", "type: ${S}", "weight: ${S}", "disabled: ${S}", "max_concurrent: ${MINUS}", "timeouts: {idle: \"${S}\"}",
		"base_url: https://SECRET@x", "base_url: https://a:SECRET@x:port", "base_url: https://x?key=SECRET", "base_url: 'https://SECRET x'",
		"proxy: http://u:SECRET@x:port", "proxy: http://u:SECRET@:1", "proxy: ftp://u:SECRET@x", "proxy: ://SECRET",
		"headers: {Authorization: \"SECRET\\n\"}", "headers: {Host: SECRET}",
	} {
		file := "channels:\n  - " + place + "\n"
		assert.NotContains(t, strings.Join(problemsOf(t, file, variables), "\n"), secret, place)
	}
	for _, place := range []string{
		"key: '${BAD}'", "key: 'SECRET x'", "key: SECRET", "key_sha256: SECRET", "key: [SECRET]", "key: *SECRET", "key: !SECRET x",
		"key: SECRETSECRET, key_sha256: SECRET", "key: SECRET-OF-ADMIN", "key: 'SECRET",
	} {
		file := "channels: [{name: a, type: openai, keys: [k]}]\ntokens: [{name: a, " + place + "}]\n"
		problems := problemsOf(t, file, map[string]string{"BAD": variables["BAD"], "ADMIN_TOKEN": "SECRET-OF-ADMIN"})
		assert.NotContains(t, strings.Join(problems, "\n"), secret, place)
	}
}
