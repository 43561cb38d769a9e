package format

import (
	"bytes"
	"slices"

	"one-api/relay/jsonscan"
)

// deepestSchema is how deep a schema is looked into.
const deepestSchema = 32

// IsStrict reports whether OpenAI takes a schema with strict: it is that of an object, every object names all its properties as required,
// and takes no others, and nothing is said that it does not permit
// (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
func IsStrict(schema []byte) bool {
	return IsObject(schema) && string(jsonscan.MemberOf(schema, "type")) == `"object"` && strictIn(schema, deepestSchema)
}

// strictFormats are those of texts that it permits ("'uri' is not a valid format").
var strictFormats = []string{"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}

// isPermitted reports whether a keyword may be there at all ("'default' is not permitted").
func isPermitted(name string, value []byte) bool {
	switch name {
	case "oneOf", "allOf", "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas",
		"default", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems", "minProperties", "maxProperties", "unevaluatedItems",
		"unevaluatedProperties":
		return false
	case "format":
		word, _ := jsonscan.String(value)
		return slices.Contains(strictFormats, word)
	}
	return true
}

func strictIn(value []byte, depth int) bool {
	if depth == 0 {
		return false
	}
	if len(value) > 0 && value[0] == '[' {
		all := true
		jsonscan.Elements(value, func(element []byte) { all = all && strictIn(element, depth-1) })
		return all
	}
	if !IsObject(value) {
		return true
	}
	all, isObject, closed, says := true, false, false, false
	list, items := false, false
	properties := map[string]bool{}
	var required []byte
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // the request has been read
		all = all && isPermitted(string(m.Key), m.Value)
		switch string(m.Key) {
		case "$ref", "enum", "const":
			says = true
		case "type":
			says = true
			isObject = isObject || bytes.Contains(m.Value, []byte(`"object"`))
			list = list || isList(m.Value)
		case "additionalProperties":
			closed = string(m.Value) == "false"
		case "required":
			required = m.Value
		case "properties", "$defs", "definitions":
			_ = jsonscan.Object(m.Value, func(inner jsonscan.Member) {
				if string(m.Key) == "properties" {
					properties[string(inner.Key)] = true
				}
				all = all && strictIn(inner.Value, depth-1)
			})
		case "items", "anyOf":
			says, items = says || string(m.Key) == "anyOf", items || string(m.Key) == "items"
			all = all && strictIn(m.Value, depth-1)
		}
	})
	jsonscan.Elements(required, func(element []byte) {
		name, _ := jsonscan.String(element)
		delete(properties, name)
	})
	return all && says && (!list || items) && (!isObject || closed && len(properties) == 0)
}
