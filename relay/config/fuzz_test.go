package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func FuzzLoad(f *testing.F) {
	contract, err := os.ReadFile(filepath.Join("testdata", "contract.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(contract)
	for _, seed := range []string{
		"", "channels: &a [*a]", "channels: [{name: a, type: openai, keys: [&k x, *k], <<: *k}]", "a: b\n---\nc: d\n",
		"channels:\n- {name: ${A}, type: ${B:-openai}, keys: '$${A}', base_url: 'http://x/v4', weight: !!str 1}\ntokens: [{}]",
		"channels:\n  - name: a\n    headers: {X-A: 1}\n    timeouts: {idle: 1e3}\n    model_mapping: {a: ~}\n", "? [a]\n: b", "\xff\xfea\x00",
		"channels: [{name: a, type: xai, keys: k, proxy: 'socks5://p'}]\ntokens: [{name: t, key: sk-0123456789}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source := withFile(string(data), map[string]string{"A": "value", "OPENAI_API_KEY": "sk-test", "PHONE_APP_KEY": "sk-test-phone"})
		source.File = "channels.yaml"
		source.Generated = "sk-generated"
		settings := Settings{Timeouts: Timeouts{Connect: time.Second}}
		c, err := Load(source, settings)
		if err != nil {
			checkProblems(t, c, err)
			return
		}
		checkConfig(t, c)
		again, err := Load(source, settings)
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("a second reading of one file differs: %v", err)
		}
	})
}

func checkProblems(t *testing.T, c *Config, err error) {
	var problems Problems
	if c != nil || !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("%v, %#v", c, err)
	}
	last := 0
	for _, p := range problems {
		if p.File != "channels.yaml" || p.Line < last || p.Message == "" || strings.ContainsAny(p.String(), "\r\n") {
			t.Fatalf("%#v after line %d", p, last)
		}
		last = p.Line
	}
}

func checkConfig(t *testing.T, c *Config) {
	if len(c.Channels) == 0 || len(c.Tokens) == 0 {
		t.Fatalf("%#v", c)
	}
	for _, channel := range c.Channels {
		if nameProblem(channel.Name) != "" || channel.BaseURL == nil || channel.Official && len(channel.Keys) == 0 ||
			len(channel.Models) == 0 || len(channel.Groups) == 0 || channel.Weight < 0 || channel.MaxConcurrent < 0 ||
			channel.Timeouts.Connect <= 0 || channel.Demo {
			t.Fatalf("%#v", channel)
		}
	}
	for _, token := range c.Tokens {
		if nameProblem(token.Name) != "" || len(token.Digests) == 0 || !token.AllGroups && len(token.Groups) == 0 {
			t.Fatalf("%#v", token)
		}
	}
}
