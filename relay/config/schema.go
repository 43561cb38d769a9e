package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"one-api/relay/provider"
)

// schema is JSON Schema (draft 2020-12), of which YAML's language servers speak as well.
//
// Whatever the decoder takes, the schema takes. It takes more: what a variable holds, whether a name is there twice, and how a value
// is quoted are nothing that it can tell.
type schema map[string]any

// Schema is the JSON Schema of the configuration file, for editors and other programs.
func Schema() []byte {
	file, parts := fileObject.schema(), schema{}
	for _, o := range objects[1:] {
		parts[o.called()] = o.schema()
	}
	file["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	file["title"] = "channels.yaml of One API"
	file["description"] = "The upstreams and client keys of the relay. docs/configuration.md explains each key; one-api --check-config " +
		"says more of a file than a schema can."
	file["$defs"] = parts
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(file) // nothing in it cannot be encoded
	return b.Bytes()
}

// reference is the place of an object in the schema.
func (o *object[T]) reference() schema { return schema{"$ref": "#/$defs/" + o.name} }

// schema is an object's own.
func (o *object[T]) schema() schema {
	properties, required := schema{}, []string{}
	for i := range o.keys {
		k := &o.keys[i]
		properties[k.name] = k.schema()
		if k.missing != nil {
			required = append(required, k.name)
		}
	}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	maps.Copy(s, o.rules)
	return s
}

// schema is a key's own. One that may be left out may be there without a value.
func (k *key[T]) schema() schema {
	accept := k.form.accept
	if k.missing == nil {
		accept = append(slices.Clip(accept), schema{"type": "null"})
	}
	s := maps.Clone(anyOf(accept))
	s["description"] = k.about
	if k.fallback != "" {
		s["default"] = yamlValue(k.fallback)
	}
	return s
}

// anyOf is what is one of several.
func anyOf(accept []schema) schema {
	if len(accept) == 1 {
		return accept[0]
	}
	return schema{"anyOf": accept}
}

// variableSchema is text with a variable in it, of which the schema does not know what it holds.
var variableSchema = schema{"type": "string", "pattern": `\$\{`}

// unquotedSchema is text that YAML takes for something else.
var unquotedSchema = schema{"type": []string{"number", "boolean"}}

// textsLike is text of a form, or with a variable in it.
func textsLike(pattern string, more schema) []schema {
	s := schema{"type": "string", "pattern": pattern}
	maps.Copy(s, more)
	return []schema{s, variableSchema}
}

func numberSchemas(s schema) []schema { return []schema{s, variableSchema} }

// listSchemas is a list, or one element in its place.
func listSchemas(element []schema) []schema {
	return append([]schema{{"type": "array", "items": anyOf(element)}}, element...)
}

// wordSchemas is some words. Those that YAML takes for something else are that, too.
func wordSchemas(words []string) []schema {
	var all []any
	for _, word := range words {
		if v := yamlValue(word); v != word {
			all = append(all, v)
		}
	}
	for _, word := range words {
		all = append(all, word)
	}
	return []schema{{"enum": all}, variableSchema}
}

// durationSchemas is seconds, or a Go duration. bound is the keyword for what they are not below, which is 0.
func durationSchemas(bound string) []schema {
	const number = `([0-9]+\.?[0-9]*|\.[0-9]+)`
	const nothing = `-(0+\.?0*|\.0+)` // not negative
	const unit = `(ns|us|µs|μs|ms|s|m|h)`
	return append([]schema{{"type": "number", bound: 0}}, textsLike(`^(\+?`+number+`|`+nothing+`|\+?(`+number+unit+`)+|-((0+\.?0*|\.0+)`+unit+`)+)$`, nil)...)
}

// The forms of text, as far as a schema can tell them.
var (
	textSchemas        = []schema{{"type": []string{"string", "number", "boolean"}}}
	nameSchemas        = append(textsLike(`^\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$`, schema{"maxLength": 64}), unquotedSchema)
	modelSchemas       = []schema{{"type": "string", "minLength": 1}, unquotedSchema}
	upstreamKeySchemas = append(textsLike(`^[!-~]+$`, schema{"not": schema{"pattern": `^\$[A-Za-z_][A-Za-z0-9_]*$`}}), unquotedSchema)
	clientKeySchemas   = append(textsLike(`^\S{8,}$`, schema{"not": schema{"pattern": `^\$[A-Za-z_][A-Za-z0-9_]*$`}}), unquotedSchema)
	keySumSchemas      = append(textsLike(`^[0-9A-Fa-f]{64}$`, nil), schema{"type": "number"})
	networkSchemas     = textsLike(`^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`, nil)
	timeSchemas        = textsLike(`^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.,]+(Z|[+-][0-9]{2}:[0-9]{2}))?$`, nil)
	baseURLSchemas     = textsLike(`^[Hh][Tt][Tt][Pp][Ss]?://[^\s?#]+$`, nil)
	versionSchemas     = textsLike(`^(v[0-9][A-Za-z0-9.]*)?$`, nil)
	apiVersionSchemas  = textsLike(`^(20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?|preview|latest)$`, nil)
	tenantSchemas      = textsLike(`^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$`, nil)
	projectSchemas     = textsLike(`^[a-z0-9][a-z0-9.:-]{0,98}$`, nil)
	locationSchemas    = textsLike(`^[a-z]+(-[a-z]+[0-9]+)?$`, nil)
	secretSchemas      = append(textsLike(`^(.|\n)+$`, nil), unquotedSchema)
	regionSchemas      = textsLike(regionForm.String(), nil)
	proxySchemas       = textsLike(`^(|direct|([Hh][Tt][Tt][Pp][Ss]?|[Ss][Oo][Cc][Kk][Ss]5[Hh]?)://.+)$`, nil)

	modelMappingSchemas = []schema{{"type": "object", "propertyNames": schema{"minLength": 1}, "additionalProperties": anyOf(modelSchemas)}}
	headerSchemas       = []schema{{
		"type": "object",
		"propertyNames": schema{
			"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
			"not": schema{"pattern": `^(` + inAnyCase("host|content-length|transfer-encoding|connection|trailer|upgrade|te|keep-alive") + `|` +
				inAnyCase("proxy-") + `.*)$`},
		},
		"additionalProperties": schema{"type": []string{"string", "number", "boolean", "null"}},
	}}
	contextFallbackSchemas = []schema{{
		"type": "object", "propertyNames": schema{"pattern": `^[^*?]+$`},
		"additionalProperties": anyOf(append(textsLike(`^[^*?]+$`, nil), unquotedSchema)),
	}}
)

// inAnyCase is a pattern for words in small letters however they are written: JSON Schema's patterns have no flags.
func inAnyCase(words string) string {
	var b strings.Builder
	for _, c := range words {
		if 'a' <= c && c <= 'z' {
			fmt.Fprintf(&b, "[%c%c]", unicode.ToUpper(c), c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// yamlValue is what a piece of YAML comes to.
func yamlValue(text string) (v any) {
	_ = yaml.Unmarshal([]byte(text), &v) // the pieces are the table's, and a test reads them all
	return v
}

// channelRules is what depends on a channel's type.
func channelRules() schema {
	var keyed, homeless, otherwise []any
	for _, p := range provider.All() {
		if p.BaseURL == "" && (p.Cloud == "" || p.Cloud == provider.Azure) {
			homeless = append(homeless, p.Type)
		} else if !p.Keyless && p.Cloud == "" {
			keyed = append(keyed, p.Type)
		}
		if !p.Speak(provider.Chat) {
			otherwise = append(otherwise, p.Type)
		}
	}
	absent := schema{"type": "null"}
	return schema{"allOf": []schema{
		{
			"if":   schema{"properties": schema{"type": schema{"enum": keyed}, "base_url": absent}},
			"then": schema{"required": []string{"keys"}, "properties": schema{"keys": schema{"not": absent, "minItems": 1}}},
		},
		{
			"if":   schema{"properties": schema{"type": schema{"enum": homeless}}},
			"then": schema{"required": []string{"base_url"}, "properties": schema{"base_url": schema{"not": absent}}},
		},
		{
			"if":   schema{"properties": schema{"type": schema{"enum": otherwise}}},
			"then": schema{"properties": schema{"api": anyOf([]schema{{"enum": []any{"auto", nil}}, variableSchema})}},
		},
	}}
}

// tokenRules is that a token has one of two keys.
func tokenRules() schema {
	absent := schema{"type": "null"}
	either := func(given, other string) schema {
		return schema{"required": []string{given}, "properties": schema{given: schema{"not": absent}, other: absent}}
	}
	return schema{"anyOf": []schema{either("key", "key_sha256"), either("key_sha256", "key")}}
}

// typeSchemas is the channel types.
func typeSchemas() []schema {
	var types []string
	for _, p := range provider.All() {
		types = append(types, p.Type)
	}
	return wordSchemas(types)
}
