package config

import (
	"crypto/sha256"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var testProviders = map[string]Provider{
	"openai":    {BaseURL: "https://api.openai.com", Models: []string{"gpt-*"}, Also: []string{"gpt", "chatgpt"}, KeyVariables: []string{"OPENAI_API_KEY"}},
	"anthropic": {BaseURL: "https://api.anthropic.com/", Models: []string{"claude-*"}, Also: []string{"claude"}, KeyVariables: []string{"ANTHROPIC_API_KEY"}},
	"xai":       {BaseURL: "https://api.x.ai/v1", Also: []string{"grok"}, KeyVariables: []string{"XAI_API_KEY", "GROK_API_KEY"}},
	"custom":    {},
}

// options are those of a relay with nothing but these variables and files.
func options(variables, files map[string]string) Source {
	return Source{
		Env: func(name string) (string, bool) {
			value, ok := variables[name]
			return value, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			content, ok := files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte(content), nil
		},
		Providers: testProviders,
	}
}

func withFile(content string, variables map[string]string) Source {
	return options(variables, map[string]string{"channels.yaml": content})
}

// loadAll does what the relay does at its start.
func loadAll(t *testing.T, source Source) *Config {
	t.Helper()
	settings, err := LoadSettings(source)
	require.NoError(t, err)
	c, err := Load(source, settings)
	require.NoError(t, err)
	return c
}

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

var defaultTimeouts = Timeouts{Connect: 10 * time.Second, Header: 900 * time.Second, StreamHeader: 90 * time.Second, Idle: 300 * time.Second}

func TestTheExampleOfTheContractLoadsAsItSays(t *testing.T) {
	source := Source{
		File:      filepath.Join("testdata", "contract.yaml"),
		Providers: testProviders,
		Env: options(map[string]string{
			"OPENAI_API_KEY": "sk-test-upstream", "PHONE_APP_KEY": "sk-test-phone-application",
		}, nil).Env,
	}
	assert.Equal(t, &Config{
		Path: source.File,
		Channels: []Channel{{
			Name:         "openai-main",
			Type:         "openai",
			BaseURL:      parseURL(t, "https://api.openai.com/v1"),
			Official:     true,
			Keys:         []string{"sk-test-upstream"},
			Models:       []string{"gpt-4o", "gpt-4o-*"},
			ModelMapping: map[string]string{"gpt-4": "gpt-4o"},
			Groups:       []string{"default"},
			Priority:     10,
			Weight:       1,
			Timeouts:     Timeouts{Connect: 10 * time.Second, Header: 15 * time.Minute, Idle: 5 * time.Minute},
		}},
		Tokens: []Token{{
			Name:    "phone-app",
			Digests: []digest{sha256.Sum256([]byte("sk-test-phone-application"))},
			Groups:  []string{"default"},
		}},
	}, loadAll(t, source))
}

func TestAChannelThatSaysLittleGetsTheDefaultsOfItsProvider(t *testing.T) {
	source := withFile("channels: [{name: a, type: anthropic, keys: one}]", map[string]string{"RELAY_TIMEOUT": "5"})
	timeouts := defaultTimeouts
	timeouts.Header = 5 * time.Second
	assert.Equal(t, []Channel{{
		Name: "a", Type: "anthropic", Official: true,
		BaseURL: parseURL(t, "https://api.anthropic.com/v1"),
		Keys:    []string{"one"}, Models: []string{"claude-*"}, Groups: []string{"default"},
		Weight: 1, Timeouts: timeouts,
	}}, loadAll(t, source).Channels)
}

func TestAChannelWithABaseURLOfItsOwnNeedsNoKeyAndServesEveryModel(t *testing.T) {
	c := loadAll(t, withFile("channels: [{name: ollama, type: custom, base_url: 'http://localhost:11434'}]", nil)).Channels[0]
	assert.Equal(t, "http://localhost:11434/v1", c.BaseURL.String())
	assert.False(t, c.Official)
	assert.Empty(t, c.Keys)
	assert.Equal(t, []string{"*"}, c.Models)
}

func TestAStreamsHeaderIsHurriedAtAProvidersOwnHostOnly(t *testing.T) {
	for channel, want := range map[string]time.Duration{
		`{name: a, type: openai, keys: [k]}`:                                                7 * time.Second,
		`{name: a, type: openai, keys: [k], timeouts: {idle: 1m}}`:                          7 * time.Second,
		`{name: a, type: openai, keys: [k], timeouts: {header: 10m}}`:                       0,
		`{name: a, type: openai, keys: [k], timeouts: {header: 0s}}`:                        0,
		`{name: a, type: openai, keys: [k], base_url: "https://api.openai.com"}`:            0,
		`{name: a, type: openai, base_url: "http://localhost:11434"}`:                       0,
		`{name: a, type: openai, base_url: "http://localhost:11434", timeouts: {idle: 1m}}`: 0,
	} {
		c := loadAll(t, withFile("channels: ["+channel+"]", map[string]string{"STREAM_HEADER_TIMEOUT": "7"})).Channels[0]
		assert.Equal(t, want, c.Timeouts.StreamHeader, channel)
	}
}

func TestAProviderWithoutModelsServesEveryModel(t *testing.T) {
	c := loadAll(t, withFile("channels: [{name: x, type: xai, keys: [k], models: []}]", nil)).Channels[0]
	assert.Equal(t, []string{"*"}, c.Models)
}

func TestEveryKeyOfAChannelIsRead(t *testing.T) {
	const file = `
channels:
  - name: full.one
    type: openai
    keys:
      - k-1
      - k-2
    groups: [vip, default]
    priority: -3
    weight: ${W:-7}
    max_concurrent: "${M}"
    retry_same: 2
    disabled: ${D:-true}
    propagate_trace: true
    resume: continue_final_message
    proxy: socks5h://user:pass@proxy.example.com:1080
    http: 2
    headers: {x-team: blue, OpenAI-Organization: "${ORG}"}
    timeouts: {connect: 0.5, header: 2m, first_token: "${FIRST}", idle: 90, total: 1h}
`
	c := loadAll(t, withFile(file, map[string]string{"M": "12", "ORG": "org: [x]", "FIRST": "20"})).Channels[0]
	assert.Equal(t, Channel{
		Name: "full.one", Type: "openai", Official: true,
		BaseURL: parseURL(t, "https://api.openai.com/v1"),
		Keys:    []string{"k-1", "k-2"}, Models: []string{"gpt-*"}, Groups: []string{"vip", "default"},
		Priority: -3, Weight: 7, MaxConcurrent: 12, RetrySame: 2, Disabled: true, PropagateTrace: true, Resume: ResumeContinueFinal,
		Proxy:   parseURL(t, "socks5h://user:pass@proxy.example.com:1080"),
		HTTP:    HTTP2,
		Headers: map[string]string{"X-Team": "blue", "Openai-Organization": "org: [x]"},
		Timeouts: Timeouts{
			Connect: 500 * time.Millisecond, Header: 2 * time.Minute, FirstToken: 20 * time.Second,
			Idle: 90 * time.Second, Total: time.Hour,
		},
	}, c)
}

func TestABaseURLGetsAVersionWhereItHasNone(t *testing.T) {
	for given, want := range map[string]string{
		"https://api.openai.com":               "https://api.openai.com/v1",
		"https://api.openai.com/":              "https://api.openai.com/v1",
		"https://x/v1/":                        "https://x/v1",
		"https://x/v1//":                       "https://x/v1",
		"https://open.bigmodel.cn/api/paas/v4": "https://open.bigmodel.cn/api/paas/v4",
		"https://generativelanguage.googleapis.com/v1beta/openai": "https://generativelanguage.googleapis.com/v1beta/openai",
		"http://[::1]:8000/proxy":                                 "http://[::1]:8000/proxy/v1",
		"HTTPS://x/video":                                         "https://x/video/v1",
		"https://x/a%2Fb/":                                        "https://x/a%2Fb/v1",
	} {
		base, message := parseBaseURL(given, usualVersion)
		require.Empty(t, message, given)
		assert.Equal(t, want, base.String(), given)
		assert.Equal(t, parseURL(t, want), base, given)
	}
}

func TestWithoutAFileEachProviderWhoseKeyIsSetGetsAChannel(t *testing.T) {
	source := options(
		map[string]string{"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "", "XAI_API_KEY_FILE": "secrets/xai"},
		map[string]string{"secrets/xai": "x\r\n"},
	)
	c := loadAll(t, source)
	assert.Empty(t, c.Path)
	assert.Equal(t, []Channel{
		{
			Name: "openai", Type: "openai", BaseURL: parseURL(t, "https://api.openai.com/v1"), Official: true,
			Keys: []string{"o"}, Models: []string{"gpt-*"}, Groups: []string{"default"}, Weight: 1, Timeouts: defaultTimeouts,
		},
		{
			Name: "xai", Type: "xai", BaseURL: parseURL(t, "https://api.x.ai/v1"), Official: true,
			Keys: []string{"x"}, Models: []string{"*"}, Groups: []string{"default"}, Weight: 1, Timeouts: defaultTimeouts,
		},
	}, c.Channels)
}

func TestWithNothingAtAllThereIsADemoChannelAndAGeneratedKey(t *testing.T) {
	c := loadAll(t, options(nil, nil))
	assert.Equal(t, []Channel{{
		Name: "demo", Type: "openai", Demo: true, Models: []string{"demo"}, Groups: []string{"default"},
		Weight: 1, Timeouts: defaultTimeouts,
	}}, c.Channels)
	assert.Regexp(t, regexp.MustCompile(`^sk-[A-Za-z0-9]{48}$`), c.GeneratedToken)
	assert.Equal(t, []Token{{
		Name: "generated", AllGroups: true, Digests: []digest{sha256.Sum256([]byte(c.GeneratedToken))},
	}}, c.Tokens)
}

func TestAReloadKeepsTheGeneratedKeyAndEqualsTheConfigBefore(t *testing.T) {
	source := withFile("channels: [{name: a, type: openai, keys: [k], headers: {a: b}, proxy: 'http://p:1'}]", nil)
	first := loadAll(t, source)
	assert.NotEqual(t, first, loadAll(t, source), "two processes make two keys")
	source.Generated = first.GeneratedToken
	assert.Equal(t, first, loadAll(t, source))
}

func TestAKeyIsAcceptedWithThePrefixThatItLacks(t *testing.T) {
	const file = `
channels: [{name: a, type: openai, keys: [k]}]
tokens:
  - {name: plain, key: 0123456789abcdef}
  - {name: prefixed, key: sk-0123456789abcdefg, models: "gpt-*"}
  - {name: hashed, key_sha256: 2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824}
`
	c := loadAll(t, withFile(file, nil))
	assert.Empty(t, c.GeneratedToken)
	assert.Empty(t, c.Warnings)
	assert.Equal(t, []Token{
		{Name: "plain", Groups: []string{"default"}, Digests: []digest{
			sha256.Sum256([]byte("0123456789abcdef")), sha256.Sum256([]byte("sk-0123456789abcdef")),
		}},
		{Name: "prefixed", Groups: []string{"default"}, Models: []string{"gpt-*"}, Digests: []digest{
			sha256.Sum256([]byte("sk-0123456789abcdefg")),
		}},
		{Name: "hashed", Groups: []string{"default"}, Digests: []digest{sha256.Sum256([]byte("hello"))}},
	}, c.Tokens)
}

func TestTheInitialRootTokenOpensEveryGroup(t *testing.T) {
	c := loadAll(t, options(map[string]string{"INITIAL_ROOT_TOKEN": "0123456789abcdef"}, nil))
	assert.Empty(t, c.GeneratedToken)
	assert.Equal(t, []Token{{Name: "root", AllGroups: true, Digests: []digest{
		sha256.Sum256([]byte("0123456789abcdef")), sha256.Sum256([]byte("sk-0123456789abcdef")),
	}}}, c.Tokens)
}

func TestWhatIsOnlyOddIsAWarning(t *testing.T) {
	const file = `
channels: [{name: a, type: openai, keys: [k], groups: [paid]}]
tokens:
  - {name: one, key: sk-short}
  - {name: two, key: sk-0123456789abcdef, groups: [paid, pro]}
`
	c := loadAll(t, withFile(file, map[string]string{"INITIAL_ROOT_TOKEN": "sk-root1"}))
	assert.Equal(t, []string{
		"environment: INITIAL_ROOT_TOKEN: is easy to guess: it has fewer than 16 characters",
		"channels.yaml:4: tokens[0].key: is easy to guess: it has fewer than 16 characters",
		"channels.yaml:4: tokens[0]: no channel is in the group default",
		"channels.yaml:5: tokens[1].groups[1]: no channel is in the group pro",
	}, c.Warnings)
}

func TestTheKeyOfTheReadmesExampleIsWarnedOfHoweverItIsWritten(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	found := regexp.MustCompile(`key_sha256: ([0-9a-f]{64})`).FindSubmatch(readme)
	require.NotNil(t, found)
	for _, key := range []string{"key_sha256: " + string(found[1]), "key: sk-lab-0123456789abcdef", "key: lab-0123456789abcdef"} {
		c := loadAll(t, withFile("channels: [{name: a, type: openai, keys: [k]}]\ntokens:\n  - {name: one, "+key+"}\n", nil))
		require.Len(t, c.Warnings, 1, key)
		require.Contains(t, c.Warnings[0], "is the key of the README's example, which everybody knows")
	}
}

func TestOperatorsTokensThatAreShortOrTheSameAreAWarningAndNoProblem(t *testing.T) {
	for _, test := range []struct {
		admin, monitor string
		want           []string
	}{
		{"admin-0123456789", "monitor-0123456", []string{"environment: MONITOR_TOKEN: is easy to guess: it has fewer than 16 characters"}},
		{"a", "", []string{"environment: ADMIN_TOKEN: is easy to guess: it has fewer than 16 characters"}},
		{"same-0123456789abc", "same-0123456789abc", []string{"environment: MONITOR_TOKEN: is the same as ADMIN_TOKEN: whoever may look may also switch channels off; give them two"}},
		{"admin-0123456789", "monitor-01234567", nil},
	} {
		c := loadAll(t, options(map[string]string{"ADMIN_TOKEN": test.admin, "MONITOR_TOKEN": test.monitor}, nil))
		assert.Equal(t, test.want, c.Warnings)
	}
}

func TestTwoSpellingsOfOneKeyAreOneKey(t *testing.T) {
	const channels = "channels: [{name: a, type: openai, keys: [k]}]\n"
	for _, tokens := range []string{
		"tokens: [{name: one, key: sk-0123456789abcdef}, {name: two, key: 0123456789abcdef}]\n",
		"tokens: [{name: one, key: 0123456789abcdef}, {name: two, key: sk-0123456789abcdef}]\n",
	} {
		assert.Equal(t, []string{"channels.yaml:2: tokens[1].key: the same key as tokens[0].key (line 2)"}, problemsOf(t, channels+tokens, nil))
	}
}

func TestAnAliasStandsForItsValue(t *testing.T) {
	const file = `
channels:
  - name: a
    type: openai
    keys: &keys [k-1, "${K:-k-2}"]
    timeouts: &slow {idle: 10m}
  - name: b
    type: &type xai
    keys: *keys
    timeouts: *slow
  - {name: c, type: *type, keys: *keys}
`
	c := loadAll(t, withFile(file, nil))
	for _, channel := range c.Channels {
		assert.Equal(t, []string{"k-1", "k-2"}, channel.Keys)
	}
	assert.Equal(t, 10*time.Minute, c.Channels[1].Timeouts.Idle)
	assert.Equal(t, "xai", c.Channels[2].Type)
}

func TestAKeyWithoutAValueCountsAsLeftOut(t *testing.T) {
	const file = "channels:\n  - name: a\n    type: openai\n    keys: k\n    models:\n    base_url: ~\n    timeouts: null\ntokens:\n"
	c := loadAll(t, withFile(file, nil)).Channels[0]
	assert.True(t, c.Official)
	assert.Equal(t, []string{"gpt-*"}, c.Models)
	assert.Equal(t, defaultTimeouts, c.Timeouts)
}

func TestAScalarThatLooksLikeANumberIsStillAName(t *testing.T) {
	c := loadAll(t, withFile("channels: [{name: 007, type: openai, keys: [0123], models: [4.10, true]}]", nil)).Channels[0]
	assert.Equal(t, "007", c.Name)
	assert.Equal(t, []string{"0123"}, c.Keys)
	assert.Equal(t, []string{"4.10", "true"}, c.Models)
}

func TestTheConfigDoesNotShareTheProvidersModels(t *testing.T) {
	c := loadAll(t, options(map[string]string{"OPENAI_API_KEY": "o"}, nil))
	c.Channels[0].Models[0] = "changed"
	assert.Equal(t, "gpt-*", testProviders["openai"].Models[0])
}

func TestFilesAreReadFromTheFileSystemWhereNoReaderIsGiven(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	source := options(map[string]string{"K_FILE": write("key", "k\n")}, nil)
	source.ReadFile = nil
	source.File = write("relay.yaml", "channels: [{name: a, type: openai, keys: ['${K}']}]")
	assert.Equal(t, []string{"k"}, loadAll(t, source).Channels[0].Keys)

	source.File = filepath.Join(folder, "absent.yaml")
	_, err := Load(source, Settings{})
	assert.EqualError(t, err, source.File+": cannot read the file: it does not exist")

	source.File = folder
	_, err = Load(source, Settings{})
	assert.ErrorContains(t, err, source.File+": cannot read the file: ")
}

func TestWhatATokenIsGoodForIsRead(t *testing.T) {
	const file = `
channels: [{name: a, type: openai, keys: [k]}]
tokens:
  - {name: bound, key: sk-0123456789abcdef, expires: 2999-01-31T08:00:00+08:00, allow_cidr: [10.1.2.3/8, 192.0.2.7, "::1"], disabled: true}
  - {name: free, key: sk-0123456789abcdeg, expires: '', allow_cidr: []}
  - {name: late, key: sk-0123456789abcdeh, expires: 2020-01-31T00:00:00Z, allow_cidr: 192.0.2.0/24}
`
	c := loadAll(t, withFile(file, nil))
	assert.Equal(t, []string{"channels.yaml:6: tokens[2].expires: is in the past: the token opens nothing"}, c.Warnings)
	bound, free, late := c.Tokens[0], c.Tokens[1], c.Tokens[2]
	assert.True(t, bound.Disabled)
	assert.Equal(t, time.Date(2999, 1, 31, 0, 0, 0, 0, time.UTC), bound.Expires)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("::1/128")}, bound.AllowFrom)
	assert.Equal(t, Token{Name: "free", Digests: free.Digests, Groups: []string{"default"}}, free)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, late.AllowFrom)
}
