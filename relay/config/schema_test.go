package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	root       = "../.."
	schemaFile = root + "/deploy/channels.schema.json"
)

func TestTheSchemaInTheRepositoryIsTheTables(t *testing.T) {
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(schemaFile, Schema(), 0o644))
	}
	got, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, string(Schema()), string(got), "run UPDATE_DOCS=1 go test ./relay/config")
}

// compiled is the schema, which is itself held to that of JSON Schema.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("channels.json", document))
	s, err := compiler.Compile("channels.json")
	require.NoError(t, err)
	return s
}

// asJSON is what an editor's language server makes of a YAML node: the core schema of YAML 1.2, for which a date is text.
func asJSON(node *yaml.Node) any {
	switch node.Kind {
	case yaml.AliasNode:
		return asJSON(node.Alias)
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			object[key.Value] = asJSON(node.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		array := make([]any, len(node.Content))
		for i, element := range node.Content {
			array[i] = asJSON(element)
		}
		return array
	default: // a scalar
	}
	switch node.Tag {
	case "!!null":
		return nil
	case "!!int", "!!float":
		var number float64
		if node.Decode(&number) == nil && !math.IsNaN(number) && !math.IsInf(number, 0) {
			return json.Number(strconv.FormatFloat(number, 'f', -1, 64))
		}
	case "!!bool":
		var is bool
		if node.Decode(&is) == nil {
			return is
		}
	}
	return node.Value
}

// validated is what the schema says of a file; it has to be YAML.
func validated(t testing.TB, s *jsonschema.Schema, file string) error {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(file), &document))
	if len(document.Content) == 0 {
		return s.Validate(nil)
	}
	return s.Validate(asJSON(document.Content[0]))
}

var allProviders = realProviders()

// loaded is what the decoder says of a file, beside which there is an empty relay.env. Variables with KEY in their names are set.
func loaded(file string) error {
	source := options(nil, map[string]string{"channels.yaml": file, "relay.env": "", "sa.json": `{"type":"authorized_user"}`, "/run/secrets/sa.json": serviceAccountFile})
	source.Providers = allProviders
	source.Env = func(name string) (string, bool) {
		switch {
		case strings.HasSuffix(name, "_FILE"):
			return "", false
		case name == "KEY" || strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_KEY_2"), name == "AWS_ACCESS_KEY_ID", name == "AWS_BEARER_TOKEN_BEDROCK":
			return "sk-the-key-of-" + name, true
		}
		return "", false
	}
	_, err := Load(source, Settings{})
	return err
}

func TestEveryExampleIsTakenByTheDecoderAndTheSchema(t *testing.T) {
	s := compiled(t)
	seen := 0
	check := func(name, text string) {
		var document map[string]any
		if yaml.Unmarshal([]byte(text), &document) != nil || document["channels"] == nil && document["tokens"] == nil && document["context_fallback"] == nil {
			return // another program's
		}
		seen++
		assert.NoError(t, loaded(text), name)
		assert.NoError(t, validated(t, s, text), name)
	}
	fence := regexp.MustCompile("(?ms)^```ya?ml\n(.*?)^```")
	for _, place := range []string{"README.md", "docs", "deploy", "scripts", "testbed", "relay/config/testdata"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, place), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			switch filepath.Ext(path) {
			case ".yaml", ".yml":
				check(path, string(text))
			case ".md":
				for i, example := range fence.FindAllStringSubmatch(string(text), -1) {
					check(fmt.Sprintf("%s, example %d", path, i+1), example[1])
				}
			}
			return err
		}))
	}
	require.GreaterOrEqual(t, seen, 5)
}

// whole has every key of every object once.
const whole = `
env_file: relay.env
channels:
  - name: a
    type: openai
    base_url: https://x.example
    version: v1
    api: auto
    keys: [k]
    models: [m, big]
    model_mapping: {x: m}
    groups: [default]
    priority: 1
    weight: 1
    max_concurrent: 1
    disabled: false
    proxy: direct
    http: 1
    headers: {x-a: b}
    timeouts:
      connect: 1s
      header: 1s
      first_token: 1s
      idle: 1s
      total: 1s
    propagate_trace: true
    resume: prefix
    retry_same: 1
    stream_usage: ask
    discount: 0.8
  - name: b
    type: azure
    base_url: https://x.example
    api_version: 2025-04-01-preview
    entra:
      tenant: contoso.com
      client_id: app
      client_secret: s3cr3t
      authority: https://login.example
      scope: x/.default
  - name: c
    type: vertex
    project: my-project
    location: europe-west4
    credentials_file: sa.json
    credentials_type: authorized_user
  - name: d
    type: bedrock
    region: us-east-1
tokens:
  - name: t
    key: 0123456789abcdef
    groups: [default]
    models: [m]
    disabled: false
    expires: 2999-12-31T23:59:59Z
    allow_cidr: [10.0.0.0/8]
    limits:
      rpm: 1
      tpm: 1
      concurrent: 1
    budget:
      usd: 1
      per: month
    unpriced: allow
    show_cost: true
    owner: somebody
    foreign_ids: true
  - name: u
    key_sha256: 3042d7915e08ecc4325192b953fd9211e52cafc721f726bd5f94e600397622d0
context_fallback: {m: big}
limits: {rpm: 1}
budget: {usd: 1}
groups:
      default:
        limits: {rpm: 1}
        budget: {usd: 1, per: day}
        markup: 1.5
owners:
      Ann B.:
        limits: {rpm: 1}
        budget: {usd: 1, per: day}
prices:
  - model: m
    input: 1
    cached: 1
    cache_write: 1
    cache_write_1h: 1
    audio: 1
    output: 1
    reasoning: 1
    audio_output: 1
    request: 1
    image: 1
    second: 1
    character: 1
`

func TestAMisspeltKeyIsRefusedByTheSchemaAsByTheDecoder(t *testing.T) {
	s := compiled(t)
	require.NoError(t, loaded(whole))
	require.NoError(t, validated(t, s, whole))
	for _, o := range objects {
		for _, key := range o.names() {
			spelt := regexp.MustCompile(`(?m)^( *(?:- )?)` + key + `:`)
			require.Regexp(t, spelt, whole, "the file lacks the key %s", key)
			file := spelt.ReplaceAllString(whole, "${1}"+key[:1]+key+":")
			assert.ErrorContains(t, loaded(file), "unknown key (did you mean "+key+"?)")
			assert.Error(t, validated(t, s, file), key)
		}
	}
}

// wrongValues is what no key of that name may be, whatever else is said.
var wrongValues = map[string][]string{
	"name":             {"a b", "''", "..", "[a]", "{a: b}", strings.Repeat("a", 65)},
	"type":             {"opnai", "''", "[openai]"},
	"base_url":         {"x.example", "''", "ftp://x", "https://x?a=b", "https://x#a", "'https://x y'", "[https://x]"},
	"version":          {"1", "latest", "v1/chat", "[v1]"},
	"api":              {"messages", "''", "[chat]"},
	"keys":             {"['']", "['a b']", "[[a]]", "{a: b}", "['“k”']", "[$KEY]"},
	"models":           {"['']", "[[a]]", "{a: b}"},
	"api_version":      {"v1", "2025", "1.0", "[2024-10-21]"},
	"entra":            {"[a]", "a", "{tenant: contoso.com}", "{tenant: a, client_id: b, client_secret: c, secret: d}"},
	"tenant":           {"''", "'a b'", "https://x", "[a]"},
	"client_id":        {"''", "[a]"},
	"client_secret":    {"''", "{a: b}"},
	"authority":        {"x.example", "''", "https://x?a=b"},
	"scope":            {"''", "[a]"},
	"region":           {"us-east", "''", "US", "us-east-1a", "[us-east-1]"},
	"project":          {"''", "My Project", "projects/x", "[a]"},
	"location":         {"us-central1-a", "US", "''", "[us]"},
	"credentials_file": {"''", "[a]", "{a: b}"},
	"credentials_type": {"any", "''", "[service_account]"},
	"model_mapping":    {"[a]", "a", "{a: [b]}", "{a: ''}", "{'': b}"},
	"groups":           {"[a b]", "['']", "{a: b}"},
	"priority":         {"1.5", "high", "'1'", "[1]", "!!str 1"},
	"weight":           {"-1", "1.5", "1000000001", "'1'", "true"},
	"max_concurrent":   {"-1", "many"},
	"disabled":         {"yes", "1", "'true'", "tRuE", "[true]"},
	"proxy":            {"proxy.example:3128", "ftp://x", "[direct]"},
	"http":             {"3", "1.1", "h2", "''", "[1]"},
	"headers":          {"[a]", "{a: [b]}", "{'a b': c}", "{Host: x}", "{te: x}", "{Proxy-Authorization: x}", "{a: {b: c}}"},
	"timeouts":         {"10s", "[10s]", "{first: 1s}"},
	"connect":          {"0", "-1s", "1d", "soon", "[1s]"},
	"header":           {"-1", "1d"},
	"first_token":      {"-1", "1d", "15 min"},
	"idle":             {"-1s", "1e3s"},
	"total":            {"never", "''"},
	"propagate_trace":  {"on", "0"},
	"resume":           {"maybe", "[true]", "1"},
	"retry_same":       {"101", "-1", "1.5"},
	"stream_usage":     {"on", "true"},
	"key":              {"short", "'has a blank in it'", "[a]", "$PHONE_KEY"},
	"key_sha256":       {"abc", "[a]", "'" + strings.Repeat("g", 64) + "'"},
	"expires":          {"2027-01-31", "tomorrow", "[2027-01-31T00:00:00Z]", "'2027-01-31 00:00:00'", "1e3"},
	"allow_cidr":       {"[nginx]", "['']", "[10.0.0.0/33.]", "{a: b}", "[[10.0.0.1]]"},
	"foreign_ids":      {"yes", "2"},
	"channels":         {"[]", "{a: b}", "[a]", "a", "[{}]"},
	"tokens":           {"{a: b}", "[a]", "[{}]", "[{name: t}]"},
	"context_fallback": {"[m]", "m", "{m: [big]}", "{'m*': big}", "{m: 'big*'}"},
	"env_file":         {"[a]", "{a: b}"},
	"limits":           {"[1]", "5", "{rps: 1}"},
	"rpm":              {"-1", "1.5", "many", "1000000001"},
	"tpm":              {"-1", "1.5", "many", "1000000001"},
	"concurrent":       {"-1", "1.5", "many", "1000000001"},
	"budget":           {"[1]", "5", "{eur: 1}"},
	"usd":              {"-1", "much", "'5'", "1000000001", "[1]"},
	"per":              {"year", "''", "[day]"},
	"unpriced":         {"maybe", "true", "''"},
	"show_cost":        {"yes", "2"},
	"owner":            {"[a]", "{a: b}"},
	"markup":           {"-1", "1001", "'1'", "[1]"},
	"discount":         {"-0.1", "1001", "'1'", "[1]"},
	"prices":           {"{a: b}", "[a]", "[{}]"},
	"owners":           {"[Ann]", "Ann", "{Ann: 5}", "{Ann: {markup: 2}}"},
	"model":            {"''", "[a]", "{a: b}"},
	"input":            {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"cached":           {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"cache_write":      {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"cache_write_1h":   {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"audio":            {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"output":           {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"reasoning":        {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"audio_output":     {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"request":          {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"image":            {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"second":           {"-1", "much", "'1'", "1000001", "[1]", "true"},
	"character":        {"-1", "much", "'1'", "1000001", "[1]", "true"},
}

func TestAWrongValueIsRefusedByTheSchemaAsByTheDecoder(t *testing.T) {
	s := compiled(t)
	for _, o := range objects {
		for _, key := range o.names() {
			require.NotEmpty(t, wrongValues[key], key)
			for _, wrong := range wrongValues[key] {
				line := regexp.MustCompile(`(?m)^( *(?:- )?)` + key + `:.*((?:\n {6}.*)*)$`)
				if o == objects[0] {
					line = regexp.MustCompile(`(?m)^()` + key + `:.*((?:\n .*)*)$`)
				}
				require.Regexp(t, line, whole, key)
				file := line.ReplaceAllString(whole, "${1}"+key+": "+strings.ReplaceAll(wrong, "$", "$$"))
				assert.True(t, isProblemOf(loaded(file), key), "%s: %s", key, wrong)
				assert.Error(t, validated(t, s, file), "%s: %s", key, wrong)
			}
		}
	}
	for _, file := range []string{
		"", "a", "[]", "{}", "tokens: []", "channels: [{name: a, type: openai}]", "channels: [{name: a, type: vllm}]", "channels: [{type: ollama}]", "channels: [{name: a}]",
		"channels: [{name: a, type: openai, keys: []}]", "channels: [{name: a, type: anthropic, keys: [k], api: chat}]",
		"channels: [{name: a, type: ollama}]\ntokens: [{name: t, key: 0123456789abcdef, key_sha256: " + strings.Repeat("ab", 32) + "}]",
	} {
		assert.Error(t, loaded(file), file)
		assert.Error(t, validated(t, s, file), file)
	}
}

// isProblemOf reports whether one of the problems is a key's.
func isProblemOf(err error, key string) bool {
	var problems Problems
	errors.As(err, &problems)
	return slices.ContainsFunc(problems, func(p Problem) bool { return regexp.MustCompile(`(^|\.)` + key + `($|[.\[])`).MatchString(p.Key) })
}

// TestWhatTheDecoderTakesTheSchemaTakes puts files together at random out of good and bad values.
func TestWhatTheDecoderTakesTheSchemaTakes(t *testing.T) {
	s := compiled(t)
	good := map[string][]string{
		"name": {"a", "007", "1.5", "true", "-.x", "${KEY}", "a${NONE:-b}", "'a'", ".inf", "2001-01-01"}, "type": {"openai", "anthropic", "ollama", "vllm", "${NONE:-openai}"},
		"base_url": {"https://x.example", "HTTP://x/v1", "'${NONE:-http://x}'", "~", ""}, "version": {"v1", "''", "v1beta", "'${NONE:-v2}'"}, "api": {"auto", "chat", "responses", "~"},
		"keys": {"k", "[a, b]", "[1, true, 1.5]", "'${KEY}'", "['${KEY}', b]", "[]", "~"}, "api_version": {"~", ""}, "entra": {"~"}, "project": {"~"}, "region": {"~"}, "location": {"~"}, "credentials_file": {"~"}, "credentials_type": {"service_account", "~"}, "models": {"m", "'*'", "[m, 'big*', 4.10, true]", "[]"},
		"model_mapping": {"{}", "{a: b, 4: 5, ~: c, 'd e': 'f g'}", "{a: '${KEY}'}"}, "groups": {"[default, vip]", "default", "[]", "[1]"}, "priority": {"-5", "+3", "${NONE:-7}", "'${NONE:-7}'", "!!int 4", "!!float 4"},
		"weight": {"0", "1000000000", "${NONE:-3}"}, "max_concurrent": {"0", "5"}, "disabled": {"true", "False", "TRUE", "${NONE:-true}", "'${NONE:-True}'", "!!bool true"},
		"proxy": {"''", "direct", "socks5://x", "HTTP://u:p@x:1", "${NONE:-direct}", "~"}, "http": {"auto", "1", "2", "'2'", "${NONE:-1}", "~"}, "headers": {"{}", "{x-a: 1, x-b: true, x-c: ~, x-d: '', X-E: \"${KEY}\"}"},
		"timeouts":        {"{}", "~", "{connect: 0.5, header: 2m, first_token: \"${NONE:-20}\", idle: 90, total: 1h30m}", "{idle: '90', total: '1.5h', header: +5s, first_token: -0}", "{idle: .5, total: 5., header: 0s, first_token: -0.0s}"},
		"propagate_trace": {"true", "false"}, "resume": {"true", "'true'", "false", "prefix", "continue_final_message", "~"}, "retry_same": {"0", "100"}, "stream_usage": {"auto", "ask", "never"},
		"key": {"0123456789abcdef", "1234567890", "'${KEY}'", "~", "schlüssel-für-alle"}, "key_sha256": {strings.Repeat("aB", 32), strings.Repeat("1", 64), "~"}, "foreign_ids": {"true", "false"},
		"expires": {"''", "2999-12-31T23:59:59Z", "'2999-12-31T23:59:59.5+08:00'", "~", "${NONE:-2999-12-31T23:59:59Z}"}, "limits": {"{}", "{rpm: 5, tpm: ~}", "{concurrent: ${NONE:-3}}"}, "budget": {"{}", "{usd: 0.25}", "{usd: 5, per: week}", "{usd: '${NONE:-5}'}", "{usd: 1e3}"},
		"unpriced": {"allow", "refuse", "~"}, "show_cost": {"true"}, "owner": {"somebody", "5", "''"}, "discount": {"1", "0.85", "0", "~"},
		"allow_cidr": {"[]", "10.0.0.1", "[10.0.0.0/8, '::1', '2001:db8::/32', '::ffff:10.0.0.1']"},
	}
	random := rand.New(rand.NewPCG(13, 4))
	entry := func(o []string, always ...string) string {
		var members []string
		for _, key := range o {
			values := good[key]
			if random.IntN(40) == 0 {
				values = wrongValues[key]
			}
			if random.IntN(4) == 0 || strings.Contains(strings.Join(always, " "), key) {
				members = append(members, key+": "+values[random.IntN(len(values))])
			}
		}
		return strings.Join(members, "\n    ")
	}
	taken, refused := 0, 0
	for range 1500 {
		file := "channels:\n  - " + entry(channelObject.names(), "name", "type", "keys") + "\ntokens:\n  - " + entry(tokenObject.names(), "name", "key") + "\n"
		if loaded(file) != nil {
			refused++
			continue
		}
		taken++
		require.NoError(t, validated(t, s, file), file)
	}
	t.Logf("%d files were taken, %d refused", taken, refused)
	require.Greater(t, taken, 400)
	require.Greater(t, refused, 100)
}

// FuzzSchema looks for a file that the decoder takes and the schema does not.
func FuzzSchema(f *testing.F) {
	s := compiled(f)
	for _, seed := range []string{
		whole, "channels: [{name: 007, type: openai, keys: [0123], models: [4.10, true], weight: !!str 1}]", "channels: [{name: a, type: ollama, timeouts: {idle: -0, header: 5., total: +.5h}}]",
		"channels: &a [{name: a, type: ollama, headers: {a: ~, b: 1}, resume: 'true', disabled: TRUE, base_url: ~}]\ntokens: [{name: t, key: 12345678, key_sha256: ~}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if loaded(file) == nil {
			if err := validated(t, s, file); err != nil {
				t.Fatalf("%s\n%v", file, err)
			}
		}
	})
}

// TestEveryDefaultIsGood since nobody looks at a default when a file is read.
func TestEveryDefaultIsGood(t *testing.T) {
	for _, o := range objects {
		o.(interface{ defaultsAreGood(*testing.T) }).defaultsAreGood(t)
	}
}

func (o *object[T]) defaultsAreGood(t *testing.T) {
	s := compiled(t)
	for _, k := range o.keys {
		require.NotEmpty(t, k.about, k.name)
		require.Truef(t, k.fallback == "" || k.unset == "", "%s has a default, or is explained", k.name)
		if k.fallback == "" {
			continue
		}
		l := &loader{decoder: decoder{env: Source{Env: noVariables}.environment()}}
		var node yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(k.fallback), &node), k.name)
		var values T
		k.form.read(l, l.value(node.Content[0], k.name), &values)
		require.Empty(t, l.problems, k.name)
		file := regexp.MustCompile(`(?m)^( +(?:- )?)`+k.name+`:.*((?:\n {6}.*)*)$`).ReplaceAllString(whole, "${1}"+k.name+": "+k.fallback)
		require.NoError(t, validated(t, s, file), k.name)
	}
}
