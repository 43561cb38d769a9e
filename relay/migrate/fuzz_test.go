package migrate

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"one-api/relay/apikey"
	"one-api/relay/config"
)

// What people, scripts and three programs of many versions have written into the columns of a database: nothing of it may be more than
// a channel or a key that is left out, with its reason.

var dialects = [...]Dialect{OneAPI, NewAPI, Ezlinkai}

// FuzzKeysOfAChannel holds the reading of a key column against the plain rule for lines, and against encoding/json for what is JSON.
func FuzzKeysOfAChannel(f *testing.F) {
	for _, text := range []string{
		"", "sk-one", "sk-one\nsk-two\r\n\n sk-three ", "ak|sk|us-east-1", `["a","b",""]`, `[" a ",{"type":"service_account","private_key":"x\ny"}]`,
		`{"type":"service_account"}{"type":"service_account"}`, "{\"a\":1},\n{\"b\":[1]}", `["a",["b"]]`, `[`, `{"a":1} x`, `[1]`, `["a"]["b"]`, "[sk-odd\n{sk-odder",
		`["a\nb"]`, `[null]`, "\ufeff[\"a\"]", `{}`, `[[]]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys := keysOf(text)
		for _, key := range keys {
			require.NotEmpty(t, strings.TrimSpace(key))
			require.Equal(t, strings.TrimSpace(key), key)
		}
		trimmed := strings.TrimSpace(text)
		var list []string
		switch {
		case !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "["):
			var lines []string
			for line := range strings.SplitSeq(trimmed, "\n") {
				if line = strings.TrimSpace(line); line != "" {
					lines = append(lines, line)
				}
			}
			require.Equal(t, lines, keys)
		case json.Unmarshal([]byte(trimmed), &list) == nil && !strings.Contains(trimmed, "null"):
			list = slices.DeleteFunc(list, func(key string) bool { return strings.TrimSpace(key) == "" })
			require.Len(t, keys, len(list))
			for i, key := range list {
				require.Equal(t, strings.TrimSpace(key), keys[i])
			}
		case strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed)):
			var line bytes.Buffer
			require.NoError(t, json.Compact(&line, []byte(trimmed)))
			require.Equal(t, []string{line.String()}, keys)
		}
	})
}

// FuzzColumnsOfJSON holds what is read of mappings, settings and regions against encoding/json.
func FuzzColumnsOfJSON(f *testing.F) {
	for _, text := range []string{
		"", "null", "{}", `{"a":"b"}`, `{"a":1,"b":true,"c":null,"d":["x"],"e":{}}`, `{"a":1e400}`, `{"a":"b"} x`, `{"a":"b","a":"c"}`, "{", "us-east5", `{"default":"global","m":"us"}`, `[]`, `"a"`, "{\"a\":\"\xff\"}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = row{"column": text}.text("column")
		all, err := object(text)
		var want map[string]json.RawMessage
		isObject := json.Unmarshal([]byte(text), &want) == nil && want != nil
		if text != "" && text != "null" && err == nil {
			require.True(t, isObject, "taken, and no object")
			require.Len(t, all, len(want))
		}
		if isObject {
			require.NoError(t, err)
		}
		read, odd, err := words(text)
		if err == nil {
			require.Len(t, all, len(read)+len(odd), "every member is read or named")
			for name, value := range read {
				var is string
				if json.Unmarshal(want[name], &is) == nil && string(want[name]) != "null" {
					require.Equal(t, is, value)
				}
			}
		}
		usual, regions := byModel(text)
		_, has := regions["default"]
		require.False(t, has)
		if !strings.HasPrefix(text, "{") {
			require.Equal(t, text, usual)
		}
		for _, off := range offKeys(all) {
			require.True(t, off)
		}
	})
}

// oldWith is an old database of one channel, one user and one key, without what a test gives it.
func oldWith(dialect Dialect, channel, user, token row) *Old {
	old := &Old{Dialect: dialect, Place: "SQLite, old.db", Users: map[int64]row{1: user}, Options: map[string]string{}, Muted: map[int64][]string{}}
	old.Channels = []row{channel, {
		"id": int64(2), "type": int64(1), "status": int64(1), "name": "good", "key": "sk-good-one", "models": "gpt-4o", "group": "default",
	}}
	old.Tokens = []row{token}
	return old
}

func usualUser() row {
	return row{"id": int64(1), "username": "ann", "status": int64(1), "quota": int64(500_000), "group": "default"}
}

func usualToken() row {
	return row{"id": int64(1), "user_id": int64(1), "key": "anns-key", "name": "app", "status": int64(1), "expired_time": int64(-1), "unlimited_quota": int64(1)}
}

// FuzzChannelsBecomeAConfiguration makes a channel of any type whose columns hold anything: what comes of it is a configuration that the
// relay starts with, in which the good channel beside it is whole, and nobody's secret is in it or in the report.
func FuzzChannelsBecomeAConfiguration(f *testing.F) {
	add := func(dialect, kind uint8, name, key, models, groups, mapping, headers, base, other, setting, settings, info string) {
		f.Add(dialect, kind, name, key, models, groups, mapping, headers, base, other, setting, settings, info)
	}
	add(0, 1, "one", "sk-secret-upstream-1", "gpt-4o,gpt-4", "default,vip", `{"gpt-4":"gpt-4o"}`, "", "", "", "", "", "")
	add(1, 1, "two: \"quoted\"\n# x", "sk-secret-upstream-1\nsk-secret-upstream-2", "a，b\nc", "默认", `{"a":"b","b":"a","c":"a"}`, `{"X-A":"{api_key}","Host":"h","x-a":"y","B ad":"z"}`,
		"https://h.example/v1/", "", `{"proxy":"socks5://u:p@h:1"}`, "", `{"is_multi_key":true,"multi_key_status_list":{"1":2,"x":3}}`)
	add(0, 42, "vertex", "", "gemini-2.5-pro,claude-3-5-sonnet-20241022", "default", "", "", "", "us-east5", "", "",
		`{"vertex_ai_adc":"{\"type\":\"service_account\",\"project_id\":\"p\",\"private_key\":\"secret-upstream\"}","region":"eu"}`)
	add(1, 41, "vertex", `[{"type":"service_account","project_id":"p"},{"type":"authorized_user"}]`, "gemini-2.5-pro", "default", "", "", "", `{"default":"global","gemini-2.5-pro":"us"}`, "", `{"vertex_key_type":"json"}`, "")
	add(2, 33, "aws", "AKIA|secret-upstream-1|us-east-1\nkey|eu-west-1\nonly\na|b|c|d", "claude-3-haiku-20240307,x", "Lv1", "", "", "", "", "", "", "")
	add(0, 3, "azure", "k", "gpt-3.5-turbo", "", `{"x":1}`, "[]", "https://x.openai.azure.com", "2024-02-01", "{", "null", `{"api_version":7}`)
	add(0, 1, "controls \u0080\u009f\ufeff\ufffe\U0001ffff\u2028\x00", "sk-x", "m\u0080,n\ufffe,o\U0001ffff", "g\ufffe", `{"m":"\ufffe"}`, `{"X-A":"\u0080"}`, "", "", "", "", "")
	add(0, 1, "quotes", "it's a 'key'\n$HOME ${HOME} \"x\" \\n # y", "m'n,\"o\",p\\q", "default", `{"m'n":"it's \"so\""}`, `{"X-A":"it's $HOME ${HOME} # \"x\" \\"}`, "", "", "", "", "")
	add(1, 8, "${HOME} $${X}", "${PATH}", "m,*?,${X}", "${Y}", `{"m":"${Z}"}`, `{"A":"${PATH}"}`, "https://h/${X}/chat/completions", "", "", "", "")
	f.Fuzz(func(t *testing.T, dialect, kind uint8, name, key, models, groups, mapping, headers, base, other, setting, settings, info string) {
		c := row{
			"id": int64(1), "type": int64(kind % 64), "status": int64(1), "name": name, "key": key, "models": models, "group": groups, "model_mapping": mapping,
			"header_override": headers, "base_url": base, "other": other, "setting": setting, "settings": settings, "channel_info": info, "config": info,
			"multi_key_info": info,
		}
		o := Options{Out: "c.yaml", Providers: providers(), Now: now}
		p, err := Make(oldWith(dialects[int(dialect)%len(dialects)], c, usualUser(), usualToken()), o)
		require.NoError(t, err)
		require.True(t, p.Usable())
		loaded, err := p.load()
		require.NoError(t, err)
		seen := map[string]bool{}
		good := 0
		for i := range loaded.Channels {
			of := &loaded.Channels[i]
			require.False(t, seen[of.Name], of.Name)
			seen[of.Name] = true
			if slices.Equal(of.Keys, []string{"sk-good-one"}) {
				good++
			}
		}
		require.Positive(t, good)
		requireTheSame(t, p, loaded)
		said := report(p)
		require.True(t, utf8.ValidString(said))
		for _, secret := range strings.Fields(key) {
			elsewhere := name + models + groups + mapping + headers + base + other + setting + settings + info + "SQLite, old.db"
			if len(secret) > 10 && strings.HasPrefix(secret, "sk-") && !strings.Contains(elsewhere, secret) {
				require.NotContains(t, said, secret)
				require.NotContains(t, p.Files[0].Content, secret)
			}
		}
	})
}

// requireTheSame checks that the relay reads of each channel what the import wanted to write.
func requireTheSame(t *testing.T, p *Plan, loaded *config.Config) {
	t.Helper()
	named := map[string]*config.Channel{}
	for i := range loaded.Channels {
		named[loaded.Channels[i].Name] = &loaded.Channels[i]
	}
	for _, c := range p.Channels {
		if c.Fate == Unsupported {
			continue
		}
		for i := range c.Entries {
			e := &c.Entries[i]
			is := named[e.name]
			require.NotNil(t, is, e.name)
			for n, key := range e.keys {
				require.Equal(t, oneLine(key), is.Keys[n])
			}
			require.Len(t, is.Keys, len(e.keys))
			for name, value := range e.headers {
				require.Equal(t, oneLine(value), is.Headers[name])
			}
			require.Len(t, is.ModelMapping, len(e.mapping))
			for model, to := range e.mapping {
				require.Equal(t, to, is.ModelMapping[model], "what stands for %.60q", model)
			}
			require.Equal(t, e.groups, is.Groups)
			if len(e.models) > 0 {
				require.Equal(t, e.models, is.Models)
			}
			require.Equal(t, e.disabled, is.Disabled)
		}
	}
}

// FuzzKeysOfClientsStayWhatTheyWere makes a client key whose columns hold anything: in the file it opens what it did, or is off or left
// out and said to be, and what is left of its budget is the same.
func FuzzKeysOfClientsStayWhatTheyWere(f *testing.F) {
	add := func(dialect uint8, key, name, models, networks, group string, left, quota, expires int64, unlimited bool) {
		f.Add(dialect, key, name, models, networks, group, left, quota, expires, unlimited)
	}
	add(0, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv", "app", "gpt-4o", "10.0.0.0/8", "default", 5, 500_000, -1, false)
	add(0, "short                                           ", "app", "", "", "", -3, 7, 1_600_000_000, false)
	add(1, "sk-with-it", "名字\n", "a,b，c", "1.2.3.4\nbad\nfe80::1%eth0", "auto", math.MaxInt32, -1<<31, 0, true)
	add(2, "\x00\xff", "${X}", "${A},*", "::/0;0.0.0.0/0", "Lv1", math.MaxInt64, math.MinInt64, math.MaxInt64, false)
	add(0, "only commas", "app", "", ";;", "default", 1, 1, -1, true)
	add(1, "'; DROP TABLE", "a\"b", "x y", ",,", "a:b", 1, 1, math.MinInt64, true)
	f.Fuzz(func(t *testing.T, dialect uint8, key, name, models, networks, group string, left, quota, expires int64, unlimited bool) {
		token, user := usualToken(), usualUser()
		token["key"], token["name"], token["models"], token["model_limits"], token["subnet"], token["allow_ips"] = key, name, models, models, networks, networks
		token["group"], token["remain_quota"], token["expired_time"], token["unlimited_quota"] = group, left, expires, unlimited
		token["model_limits_enabled"] = models != ""
		user["quota"] = quota
		o := Options{Out: "c.yaml", Providers: providers(), Now: now}
		p, err := Make(oldWith(dialects[int(dialect)%len(dialects)], row{}, user, token), o)
		require.NoError(t, err)
		loaded, err := p.load()
		require.NoError(t, err)
		is := token.text("key")
		if is == "" {
			require.Equal(t, 1, p.Keyless)
			return
		}
		found := apikey.NewStore(loaded.Tokens).Find("sk-" + strings.TrimPrefix(is, "sk-"))
		if found == nil {
			require.NotEmpty(t, p.Warnings, "it is left out, and nobody says so")
			return
		}
		of := found.Of
		nano, _ := rate{big.NewRat(usualPerDollar, 1)}.nano(left)
		if unlimited {
			require.Equal(t, config.Budget{}, of.Budget)
		} else {
			require.Equal(t, min(nano, mostNano), p.Tokens[0].Purse.left())
			require.Equal(t, p.Tokens[0].Purse.most, of.Budget.Nano)
		}
		ofUser, _ := rate{big.NewRat(usualPerDollar, 1)}.nano(quota)
		require.Equal(t, min(ofUser, mostNano), p.Owners[0].Purse.left())
		require.Equal(t, p.Owners[0].Purse.most, loaded.Owners[of.Owner].Budget.Nano)
		if expires != -1 && !of.Disabled {
			require.Equal(t, expires > now.Unix(), of.Expires.After(now))
		}
		if wanted := items(networks); len(wanted) > 0 && !of.Disabled {
			require.NotEmpty(t, of.AllowFrom, "a key that was bound to networks is not free of them")
		}
		if wanted := items(token.text("models")); len(wanted) > 0 && !of.Disabled {
			require.NotEmpty(t, of.Models, "a key that was bound to models is not free of them")
		}
		said := report(p)
		if len(is) > 10 && !strings.Contains(name+models+networks+group+"SQLite, old.db", is) {
			require.NotContains(t, said, is)
			require.NotContains(t, p.Files[0].Content, is)
		}
	})
}

// FuzzBalances holds quota in dollars against fractions.
func FuzzBalances(f *testing.F) {
	for _, unit := range []string{"", "500000", "500000.0", "3", "0.000001", "1e5", "-1", "0", "1/2", "0x10", "٣", " 5", "5_0", strings.Repeat("9", 40)} {
		for _, quota := range []int64{0, 1, -1, 1234567, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
			f.Add(unit, quota)
		}
	}
	f.Fuzz(func(t *testing.T, unit string, quota int64) {
		r, ok := newRate(unit)
		require.Positive(t, r.perDollar.Sign())
		if !ok {
			require.Zero(t, r.perDollar.Cmp(big.NewRat(usualPerDollar, 1)))
		}
		nano, exact := r.nano(quota)
		want := new(big.Rat).Quo(new(big.Rat).Mul(big.NewRat(quota, 1), big.NewRat(nanoInDollar, 1)), r.perDollar)
		is := new(big.Rat).SetInt64(nano)
		switch {
		case exact:
			require.Zero(t, want.Cmp(is))
		case nano == mostNano || nano == -mostNano:
		default:
			require.Negative(t, new(big.Rat).Abs(new(big.Rat).Sub(want, is)).Cmp(big.NewRat(1, 1)), "less than a nano-dollar is cut off")
			require.LessOrEqual(t, new(big.Rat).Abs(is).Cmp(new(big.Rat).Abs(want)), 0, "towards zero")
		}
		p := purseOf(nano)
		require.Equal(t, min(nano, mostNano), p.left())
		require.Positive(t, p.most)
		back, good := new(big.Rat).SetString(decimal(p.most))
		require.True(t, good, decimal(p.most))
		require.Zero(t, back.Cmp(big.NewRat(p.most, nanoInDollar)))
		require.NotContains(t, grouped(decimal(nano)), "--")
	})
}
