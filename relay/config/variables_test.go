package config

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/provider"
)

func TestEveryVariableThatIsReadIsListedAndDocumented(t *testing.T) {
	page, err := os.ReadFile(document)
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, v := range Variables {
		require.False(t, listed[v.Name], "%s is listed twice", v.Name)
		listed[v.Name] = true
		require.True(t, strings.Contains(string(page), "`"+v.Name+"`"), "%s is not documented", v.Name)
	}
	var read []string
	source := Source{Providers: realProviders(), ReadFile: options(nil, nil).ReadFile, Env: func(name string) (string, bool) {
		read = append(read, strings.ToUpper(strings.TrimSuffix(name, "_FILE")))
		return "", false
	}}
	settings, err := LoadSettings(source)
	require.NoError(t, err)
	_, err = Load(source, settings)
	require.NoError(t, err)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(read))) {
		require.True(t, listed[name] || listed[name+"_FILE"], "%s is read, and --help does not name it", name)
	}
}

// realProviders is those that there are.
func realProviders() map[string]Provider {
	all := map[string]Provider{}
	for _, p := range provider.All() {
		all[p.Type] = p
	}
	return all
}

func TestTheREADMENamesTypesThatThereAre(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^    type: openai +# (.*) \| … \(docs/providers.md\)$`).FindSubmatch(readme)
	require.NotNil(t, line, "the example's channel has some types beside it, and says where all of them are")
	require.Subset(t, slices.Collect(maps.Keys(realProviders())), strings.Split(string(line[1]), " | "))
}

func TestWhatCameAlongWithAValueIsNamedForEveryVariable(t *testing.T) {
	for _, v := range Variables {
		for value, want := range map[string]string{
			"x\r": "holds a carriage return", " x": "begins or ends with a blank", "x\t": "begins or ends with a blank", "x\ny": "", `"x"`: "stands in quotes", "'x'": "stands in quotes",
		} {
			source := options(map[string]string{v.Name: value}, nil)
			source.Providers = realProviders()
			settings, err := LoadSettings(source)
			if v.form.ofChannels {
				require.NoError(t, err)
				_, err = Load(source, settings)
			}
			require.Error(t, err, "%s=%q", v.Name, value)
			assert.Regexp(t, "^environment: "+v.Name+": ", err.Error())
			if !v.form.ofChannels {
				assert.Contains(t, err.Error(), want, v.Name)
			}
			assert.NotContains(t, err.Error(), "\n", "one problem: %s", v.Name)
		}
	}
	_, err := LoadSettings(options(map[string]string{"ADMIN_TOKEN_FILE": "/run/secrets/admin\r"}, nil))
	assert.ErrorContains(t, err, "environment: ADMIN_TOKEN_FILE: cannot read the file: its name holds a carriage return")
}

func TestWhatALibraryWouldJudgeBadlyIsJudgedHere(t *testing.T) {
	for name, values := range map[string][2][]string{
		"PUBLISHED_PORT": {{"18080", "1"}, {"http", "0", "70000", "18080.5"}},
		"HTTPS_PROXY":    {{"proxy:3128", "http://proxy:3128", "socks5://u:SECRET@proxy"}, {"ftp://u:SECRET@proxy", "http://"}},
	} {
		for _, good := range values[0] {
			_, err := LoadSettings(options(map[string]string{name: good}, nil))
			assert.NoError(t, err, "%s=%s", name, good)
		}
		for _, bad := range values[1] {
			_, err := LoadSettings(options(map[string]string{name: bad}, nil))
			assert.ErrorContains(t, err, "environment: "+name+": must", "%s=%s", name, bad)
			assert.NotContains(t, err.Error(), "SECRET")
		}
	}
	c := loadAll(t, options(map[string]string{"TZ": "China/Shanghai"}, nil))
	assert.Equal(t, []string{"environment: TZ: is not the name of a time zone such as Asia/Shanghai, so times are in UTC"}, c.Warnings)
	assert.Empty(t, loadAll(t, options(map[string]string{"TZ": "Asia/Shanghai"}, nil)).Warnings)
	for name, values := range map[string][2][]string{
		"GOGC":     {{"off", "100", "0", "-1"}, {"banana", "1.5", "100%"}},
		"NO_PROXY": {{"10.0.0.0/8,localhost, .example.com,*.x,host:80", "*", "::1"}, {"10.0.0.0/99", "localhost,10.0.0/8"}},
	} {
		for _, good := range values[0] {
			assert.Empty(t, loadAll(t, options(map[string]string{name: good}, nil)).Warnings, "%s=%s", name, good)
		}
		for _, bad := range values[1] {
			warnings := loadAll(t, options(map[string]string{name: bad}, nil)).Warnings
			assert.Len(t, warnings, 1, "%s=%s", name, bad)
			assert.Contains(t, warnings[0], "environment: "+name+": ", "%s=%s", name, bad)
		}
	}
}

func TestTheProxyOfTheRelayHasExceptions(t *testing.T) {
	relay := parseURL(t, "http://u:p@proxy.example.com:3128")
	own := parseURL(t, "socks5://other.example.com:1080")
	for _, test := range []struct {
		name, channel, noProxy string
		proxy                  any
		direct                 bool
	}{
		{"another host", "base_url: 'https://api.example.com'", "", relay, false},
		{"the provider's own", "keys: [k]", "", relay, false},
		{"the channel's own proxy", "base_url: 'https://api.example.com', proxy: 'socks5://other.example.com:1080'", "", own, false},
		{"the channel's own proxy to loopback", "base_url: 'http://localhost:11434', proxy: 'socks5://other.example.com:1080'", "", own, false},
		{"direct", "base_url: 'https://api.example.com', proxy: direct", "", nil, true},
		{"localhost", "base_url: 'http://localhost:11434'", "", nil, true},
		{"loopback", "base_url: 'http://127.0.0.1:11434'", "", nil, true},
		{"loopback of IPv6", "base_url: 'http://[::1]:11434'", "", nil, true},
		{"NO_PROXY names the host", "base_url: 'https://api.example.com'", "api.example.com", nil, true},
		{"NO_PROXY names the domain", "base_url: 'https://api.example.com'", "other, .example.com", nil, true},
		{"NO_PROXY names the network", "base_url: 'http://10.1.2.3:8000'", "10.0.0.0/8", nil, true},
		{"NO_PROXY is for all", "base_url: 'https://api.example.com'", "*", nil, true},
		{"NO_PROXY is for others", "base_url: 'https://api.example.com'", "example.org", relay, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"NO_PROXY", "no_proxy"} {
				c := loadAll(t, withFile("channels: [{name: a, type: openai, models: [m], "+test.channel+"}]\n", map[string]string{
					"RELAY_PROXY": relay.String(), name: test.noProxy,
				}))
				if test.proxy == nil {
					assert.Nil(t, c.Channels[0].Proxy)
				} else {
					assert.Equal(t, test.proxy, c.Channels[0].Proxy)
				}
				assert.Equal(t, test.direct, c.Channels[0].Direct)
			}
		})
	}
	c := loadAll(t, options(map[string]string{"OPENAI_API_KEY": "k", "RELAY_PROXY": relay.String()}, nil))
	assert.Equal(t, relay, c.Channels[0].Proxy)
	c = loadAll(t, options(map[string]string{"OPENAI_API_KEY": "k", "RELAY_PROXY": relay.String(), "NO_PROXY": ".openai.com"}, nil))
	assert.True(t, c.Channels[0].Direct)
}

func TestALibrarysVariablesAreReadFromFilesToo(t *testing.T) {
	source := options(map[string]string{
		"OTEL_A": "a", "OTEL_B_FILE": "secret", "OTEL_C_FILE": "nowhere", "OTEL_D": "set", "OTEL_D_FILE": "secret",
	}, map[string]string{"secret": "from-the-file\n"})
	var warnings []string
	lookup := source.Lookup(func(warning string) { warnings = append(warnings, warning) })
	for range 2 {
		for name, want := range map[string]string{"OTEL_A": "a", "OTEL_B": "from-the-file", "OTEL_C": "", "OTEL_D": "set", "OTEL_E": ""} {
			assert.Equal(t, want, lookup(name), name)
		}
	}
	assert.Equal(t, []string{"environment: OTEL_C_FILE: cannot read the file: it does not exist"}, warnings)
}
