package migrate

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// channelRow is a channel that is on, with what else is said.
func channelRow(kind int64, pairs ...any) row {
	r := row{"id": int64(7), "type": kind, "key": "sk-one", "status": int64(1), "name": "main", "models": "gpt-4o", "group": "default"}
	for i := 0; i < len(pairs); i += 2 {
		r[pairs[i].(string)] = pairs[i+1]
	}
	return r
}

const serviceAccount = `{"type":"service_account","project_id":"p-1","client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}`

func TestAChannelBecomesWhatItWas(t *testing.T) {
	for name, c := range map[string]struct {
		of   Dialect
		row  row
		want []entry // what is compared of each: what is given here
	}{
		"OpenAI itself":                   {OneAPI, channelRow(1), []entry{{kind: "openai", keys: []string{"sk-one"}}}},
		"a reseller by its address":       {OneAPI, channelRow(1, "base_url", "https://x.example/"), []entry{{kind: "openai", base: "https://x.example"}}},
		"an address that has a version":   {OneAPI, channelRow(1, "base_url", "https://x.example/v1"), []entry{{kind: "openai", base: "https://x.example/v1"}}},
		"another version gets /v1 too":    {OneAPI, channelRow(8, "base_url", "https://x.example/api/v3"), []entry{{kind: "openai", base: "https://x.example/api/v3/v1"}}},
		"Cloudflare's gateway":            {OneAPI, channelRow(1, "base_url", "https://gateway.ai.cloudflare.com/v1/a/g/openai"), []entry{{kind: "openai", base: "https://gateway.ai.cloudflare.com/v1/a/g/openai"}}},
		"type 50 keeps its /v1":           {OneAPI, channelRow(50, "base_url", "http://h:8000/v1/"), []entry{{kind: "openai", base: "http://h:8000/v1"}}},
		"type 50 without a version":       {OneAPI, channelRow(50, "base_url", "http://h:8000"), []entry{{kind: "openai", base: "http://h:8000", noVersion: true}}},
		"41 is Novita in one-api":         {OneAPI, channelRow(41), []entry{{kind: "openai", base: "https://api.novita.ai/v3/openai"}}},
		"41 is Vertex in new-api":         {NewAPI, channelRow(41, "key", serviceAccount, "other", "us-east5"), []entry{{kind: "vertex", project: "p-1", location: "us-east5"}}},
		"36 is DeepSeek in one-api":       {OneAPI, channelRow(36), []entry{{kind: "deepseek"}}},
		"36 is Together in ezlinkai":      {Ezlinkai, channelRow(36), []entry{{kind: "together"}}},
		"45 is xAI in one-api":            {OneAPI, channelRow(45), []entry{{kind: "xai"}}},
		"45 is Ark in new-api":            {NewAPI, channelRow(45), []entry{{kind: "openai", base: "https://ark.cn-beijing.volces.com/api/v3"}}},
		"47 is xAI in ezlinkai":           {Ezlinkai, channelRow(47), []entry{{kind: "xai"}}},
		"a type of films, by its address": {NewAPI, channelRow(50, "base_url", "http://h"), []entry{{kind: "openai", base: "http://h"}}},
		"a type of none, by its address":  {OneAPI, channelRow(0, "base_url", "http://h"), []entry{{kind: "openai", base: "http://h"}}},
		"Moonshot's own default":          {OneAPI, channelRow(25), []entry{{kind: "moonshot", base: "https://api.moonshot.cn"}}},
		"an account of Cloudflare's":      {OneAPI, channelRow(37, "config", `{"user_id":"acc"}`), []entry{{kind: "openai", base: "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1"}}},
		"the same in new-api":             {NewAPI, channelRow(39, "other", "acc"), []entry{{kind: "openai", base: "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1"}}},
		"a whole address in new-api":      {NewAPI, channelRow(8, "base_url", "https://x.example/v1/chat/completions"), []entry{{kind: "openai", base: "https://x.example/v1"}}},
		"a plan for coding":               {NewAPI, channelRow(26, "base_url", "glm-coding-plan"), []entry{{kind: "zhipu", base: "https://open.bigmodel.cn/api/coding/paas/v4"}}},
		"a priority":                      {OneAPI, channelRow(1, "priority", int64(5)), []entry{{kind: "openai", priority: 5}}},
		"new-api adds ten to each":        {NewAPI, channelRow(1, "weight", int64(0)), []entry{{kind: "openai", weight: 10}}},
		"and to those that have one":      {NewAPI, channelRow(1, "weight", int64(90)), []entry{{kind: "openai", weight: 100}}},
		"one-api has no use for weights":  {OneAPI, channelRow(1, "weight", int64(90)), []entry{{kind: "openai", weight: 1}}},
		"NULL everywhere":                 {OneAPI, channelRow(1, "weight", nil, "priority", nil, "base_url", nil, "model_mapping", nil, "config", nil, "other", nil), []entry{{kind: "openai", weight: 1}}},
		"a mapping":                       {OneAPI, channelRow(1, "models", "gpt-4, gpt-4o,gpt-4", "model_mapping", `{"gpt-4":"gpt-4o","gone":"x"}`), []entry{{kind: "openai", models: []string{"gpt-4", "gpt-4o"}, mapping: map[string]string{"gpt-4": "gpt-4o"}}}},
		"a chain in new-api":              {NewAPI, channelRow(1, "models", "a", "model_mapping", `{"a":"b","b":"c","c":"a"}`), []entry{{kind: "openai", mapping: map[string]string{"a": "c"}}}},
		"no chain in one-api":             {OneAPI, channelRow(1, "models", "a", "model_mapping", `{"a":"b","b":"c"}`), []entry{{kind: "openai", mapping: map[string]string{"a": "b"}}}},
		"several keys, one of them off": {NewAPI, channelRow(1, "key", "a\nb\r\nc\n", "channel_info", `{"is_multi_key":true,"multi_key_size":3,"multi_key_status_list":{"1":2}}`), []entry{{
			kind: "openai", keys: []string{"a", "c"},
		}}},
		"a proxy":              {NewAPI, channelRow(1, "setting", `{"proxy":"socks5://u:p@h:1080"}`), []entry{{kind: "openai", proxy: "socks5://u:p@h:1080"}}},
		"headers":              {NewAPI, channelRow(1, "header_override", `{"x-a":"b","Authorization":"Bearer {api_key}"}`), []entry{{kind: "openai", headers: map[string]string{"X-A": "b", "Authorization": "Bearer sk-one"}}}},
		"an organization":      {NewAPI, channelRow(1, "openai_organization", "org-1"), []entry{{kind: "openai", headers: map[string]string{"Openai-Organization": "org-1"}}}},
		"off by hand":          {OneAPI, channelRow(1, "status", int64(2)), []entry{{kind: "openai", disabled: true}}},
		"off by itself":        {OneAPI, channelRow(1, "status", int64(3)), []entry{{kind: "openai", disabled: true}}},
		"may be off by itself": {Ezlinkai, channelRow(1, "auto_disabled", true), []entry{{kind: "openai"}}},
		"without a model":      {OneAPI, channelRow(1, "models", ""), []entry{{kind: "openai", disabled: true}}},
		"groups":               {OneAPI, channelRow(1, "group", "default,vip,,vip"), []entry{{kind: "openai", groups: []string{"default", "vip"}}}},
		"Azure, of one-api":    {OneAPI, channelRow(3, "base_url", "https://r.openai.azure.com/", "other", "2024-10-21", "models", "gpt-3.5-turbo,gpt-4o"), []entry{{kind: "azure", base: "https://r.openai.azure.com", apiVersion: "2024-10-21", mapping: map[string]string{"gpt-3.5-turbo": "gpt-35-turbo"}}}},
		"Azure, by config":     {OneAPI, channelRow(3, "base_url", "https://r.openai.azure.com", "config", `{"api_version":"2025-01-01-preview"}`, "other", "2023-05-15"), []entry{{kind: "azure", apiVersion: "2025-01-01-preview"}}},
		"Azure, of new-api":    {NewAPI, channelRow(3, "base_url", "https://r.openai.azure.com", "models", "gpt-4.1", "created_time", int64(1767225600)), []entry{{kind: "azure", apiVersion: "2025-04-01-preview", mapping: map[string]string{}}}},
		"Azure, older":         {NewAPI, channelRow(3, "base_url", "https://r.openai.azure.com", "models", "gpt-4.1", "created_time", int64(1700000000)), []entry{{kind: "azure", mapping: map[string]string{"gpt-4.1": "gpt-41"}}}},
		"AWS, by its key":      {OneAPI, channelRow(33, "key", "AKIDX|s/k|us-west-2", "models", "claude-3-haiku-20240307,llama3-8b-8192"), []entry{{kind: "bedrock", region: "us-west-2", keys: []string{"AKIDX:s/k"}, mapping: map[string]string{"claude-3-haiku-20240307": "us.anthropic.claude-3-haiku-20240307-v1:0", "llama3-8b-8192": "meta.llama3-8b-instruct-v1:0"}}}},
		"AWS, by config":       {OneAPI, channelRow(33, "key", "x", "config", `{"region":"eu-central-1","ak":"AKIDX","sk":"sk"}`, "models", "claude-sonnet-4-5-20250929"), []entry{{kind: "bedrock", region: "eu-central-1", keys: []string{"AKIDX:sk"}, mapping: map[string]string{"claude-sonnet-4-5-20250929": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"}}}},
		"AWS, an API key":      {NewAPI, channelRow(33, "key", "ABSKxyz|ap-northeast-1", "settings", `{"aws_key_type":"api_key"}`, "models", "claude-3-5-sonnet-20241022"), []entry{{kind: "bedrock", region: "ap-northeast-1", keys: []string{"ABSKxyz"}, mapping: map[string]string{"claude-3-5-sonnet-20241022": "apac.anthropic.claude-3-5-sonnet-20241022-v2:0"}}}},
		"AWS, two regions":     {NewAPI, channelRow(33, "key", "A|b|us-east-1\nC|d|us-east-1\nE|f|eu-west-1"), []entry{{kind: "bedrock", region: "us-east-1", keys: []string{"A:b", "C:d"}}, {kind: "bedrock", region: "eu-west-1", keys: []string{"E:f"}}}},
		"Vertex, of one-api":   {OneAPI, channelRow(42, "key", "", "config", `{"region":"us-central1","vertex_ai_project_id":"p-2","vertex_ai_adc":`+quoteJSON(serviceAccount)+`}`, "models", "claude-3-5-sonnet-20241022,claude-3-haiku-20240307"), []entry{{kind: "vertex", project: "p-2", location: "us-central1", mapping: map[string]string{"claude-3-5-sonnet-20241022": "claude-3-5-sonnet-v2@20241022", "claude-3-haiku-20240307": "claude-3-haiku@20240307"}}}},
		"Vertex, by model":     {NewAPI, channelRow(41, "key", serviceAccount, "models", "gemini-2.5-pro,claude-opus-4-20250514", "other", `{"default":"global","claude-opus-4-20250514":"us-east5"}`), []entry{{kind: "vertex", location: "global", models: []string{"gemini-2.5-pro"}}, {kind: "vertex", location: "us-east5", models: []string{"claude-opus-4-20250514"}}}},
		"Vertex, express":      {NewAPI, channelRow(41, "key", "AQ.key", "settings", `{"vertex_key_type":"api_key"}`), []entry{{kind: "vertex", keys: []string{"AQ.key"}, location: "global"}}},
		"Vertex, of ezlinkai":  {Ezlinkai, channelRow(48, "key", serviceAccount+"\n"+serviceAccount, "config", `{"region":"global"}`), []entry{{kind: "vertex", project: "p-1"}, {kind: "vertex", project: "p-1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			old := &Old{Dialect: c.of}
			got := old.mapChannel(c.row, func(name string) string { return name })
			require.NotEqual(t, Unsupported, got.Fate, got.Why)
			require.Len(t, got.Entries, len(c.want))
			for i, want := range c.want {
				e := got.Entries[i]
				assert.Equal(t, want.kind, e.kind)
				for what, pair := range map[string][2]string{
					"base": {want.base, e.base}, "version": {want.apiVersion, e.apiVersion}, "region": {want.region, e.region},
					"project": {want.project, e.project}, "location": {want.location, e.location}, "proxy": {want.proxy, e.proxy},
				} {
					if pair[0] != "" {
						assert.Equal(t, pair[0], pair[1], what)
					}
				}
				assert.Equal(t, want.disabled, e.disabled)
				assert.Equal(t, want.noVersion, e.noVersion)
				assert.Equal(t, want.priority, e.priority)
				if want.weight != 0 {
					assert.Equal(t, want.weight, e.weight)
				}
				for what, pair := range map[string][2][]string{"keys": {want.keys, e.keys}, "models": {want.models, e.models}, "groups": {want.groups, e.groups}} {
					if pair[0] != nil {
						assert.Equal(t, pair[0], pair[1], what)
					}
				}
				if want.mapping != nil {
					assert.Equal(t, want.mapping, e.mapping)
				}
				if want.headers != nil {
					assert.Equal(t, want.headers, e.headers)
				}
			}
		})
	}
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func TestWhatHasNoPlaceHereIsNamedWithoutItsSecrets(t *testing.T) {
	old := &Old{Dialect: NewAPI}
	c := old.mapChannel(channelRow(1, "system_prompt", "SECRET prompt", "param_override", `{"temperature":0}`, "status_code_mapping", `{"400":"500"}`,
		"setting", `{"force_format":true,"thinking_to_content":true,"proxy":""}`, "header_override", `{"X-Ip":"{client_header:X-Ip}","a b":"SECRET"}`,
		"channel_info", "SECRET no JSON", "priority", int64(1)<<40), func(s string) string { return s })
	require.Equal(t, Lossy, c.Fate)
	all := strings.Join(c.Losses, "\n")
	for _, field := range []string{"system_prompt", "param_override", "status_code_mapping", "setting.force_format", "setting.thinking_to_content", "header_override", "channel_info", "priority"} {
		assert.Contains(t, all, field+":")
	}
	assert.NotContains(t, all, "SECRET")
	assert.NotContains(t, all, "proxy")
}

func TestAChannelThatCannotBeHereSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		of   Dialect
		row  row
		want string
	}{
		"a type of pictures":        {NewAPI, channelRow(2), "pictures or films"},
		"a dead API":                {OneAPI, channelRow(11), "gone"},
		"keys in three parts":       {OneAPI, channelRow(18), "spark-api-open.xf-yun.com"},
		"a login that renews":       {NewAPI, channelRow(57), "renews itself"},
		"a number of nobody":        {OneAPI, channelRow(999), "no such type"},
		"an address that is none":   {OneAPI, channelRow(1, "base_url", "my server"), "base_url"},
		"Azure without a resource":  {OneAPI, channelRow(3), "base_url is missing"},
		"AWS without a key":         {OneAPI, channelRow(33, "key", ""), "ak|sk|region"},
		"Vertex without a JSON":     {NewAPI, channelRow(41, "key", "AQ.x"), "no JSON"},
		"custom without an address": {OneAPI, channelRow(8), "base_url is missing"},
		"no key":                    {OneAPI, channelRow(1, "key", "  "), "no key"},
		"a model in the address":    {NewAPI, channelRow(8, "base_url", "https://h/{model}"), "model in it"},
	} {
		t.Run(name, func(t *testing.T) {
			old := &Old{Dialect: c.of}
			got := old.mapChannel(c.row, func(name string) string { return name })
			require.Equal(t, Unsupported, got.Fate)
			require.Contains(t, got.Why, c.want)
			require.NotEmpty(t, got.Entries)
		})
	}
}

func TestEveryTypeOfEachDialectIsKnownOrSaysWhyNot(t *testing.T) {
	last := map[Dialect]int64{OneAPI: 51, Ezlinkai: 48, NewAPI: 58}
	for dialect, most := range last {
		for n := int64(1); n <= most; n++ {
			k := kindOf(dialect, n)
			require.True(t, k.is != "" != (k.why != ""), "%s %d", dialect, n)
			if !slices.Contains([]int64{28, 29, 30, 32}, n) || dialect != NewAPI {
				require.NotEqual(t, nobody, k.why, "%s %d", dialect, n)
			}
		}
	}
	require.Len(t, slices.Collect(maps.Keys(last)), len(kinds))
}

func FuzzColumnsOfJSONMakeNoTrouble(f *testing.F) {
	for _, seed := range []string{
		`{"a":"b"}`, `{"a":{"b":1}}`, `[1]`, `null`, `{`, serviceAccount, serviceAccount + serviceAccount, "[" + serviceAccount + "," + serviceAccount + "]", "a\nb",
		`{"is_multi_key":true,"multi_key_status_list":{"0":2,"x":3,"-1":2,"99999999999999999999":2}}`, `{"default":"global","m":5}`, `["a",["b"]]`, `[null]`, `"k"`, "\x00\xff", `{"a":"b"} x`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, dialect := range []Dialect{OneAPI, NewAPI, Ezlinkai} {
			old := &Old{Dialect: dialect, Options: map[string]string{"ModelRatio": text, "AutoGroups": text, "QuotaPerUnit": text}}
			for _, kind := range []int64{1, 3, 33, 41, 42, 48} {
				r := channelRow(kind)
				for _, column := range []string{"key", "model_mapping", "config", "setting", "settings", "header_override", "channel_info", "multi_key_info", "other", "group", "models", "name", "base_url"} {
					one := maps.Clone(r)
					one[column] = text
					c := old.mapChannel(one, newRenamed().name)
					require.NotEmpty(t, c.Entries)
					require.Equal(t, c.Fate == Unsupported, c.Why != "")
				}
			}
			_, _ = ratios(text)
			_, _ = newRate(text)
			_ = autoGroups(text)
			if name := newNames().take(text, "key", 5); true {
				require.Regexp(t, `^[A-Za-z0-9._-]{1,64}$`, name)
			}
			require.Regexp(t, `^[A-Za-z0-9._-]{1,64}$`, newRenamed().name(text))
		}
	})
}
