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
	o := strictObject{permitted: true, depth: depth, optional: map[string]bool{}}
	_ = jsonscan.Object(value, o.member) // the request has been read
	jsonscan.Elements(o.required, func(element []byte) {
		name, _ := jsonscan.String(element)
		delete(o.optional, name)
	})
	return o.permitted && o.says && (!o.isList || o.hasItems) && (!o.isObject || o.closed && len(o.optional) == 0)
}

// strictObject is what one object of a schema says.
type strictObject struct {
	depth            int
	permitted        bool // all of its keywords are, and all that is in it
	says             bool // of which kind values are
	isObject, isList bool
	closed, hasItems bool
	required         []byte
	optional         map[string]bool // properties; once required is read, those that are not in it
}

func (o *strictObject) member(m jsonscan.Member) {
	o.permitted = o.permitted && isPermitted(string(m.Key), m.Value)
	switch string(m.Key) {
	case "$ref", "enum", "const":
		o.says = true
	case "type":
		o.says = true
		o.isObject = o.isObject || bytes.Contains(m.Value, []byte(`"object"`))
		o.isList = o.isList || isList(m.Value)
	case "additionalProperties":
		o.closed = string(m.Value) == "false"
	case "required":
		o.required = m.Value
	case "properties":
		o.all(m.Value, func(name string) { o.optional[name] = true })
	case "$defs", "definitions":
		o.all(m.Value, func(string) {})
	case "items":
		o.hasItems = true
		o.permitted = o.permitted && strictIn(m.Value, o.depth-1)
	case "anyOf":
		o.says = true
		o.permitted = o.permitted && strictIn(m.Value, o.depth-1)
	}
}

// all looks into each of the schemas that an object has by name.
func (o *strictObject) all(schemas []byte, named func(name string)) {
	_ = jsonscan.Object(schemas, func(inner jsonscan.Member) {
		named(string(inner.Key))
		o.permitted = o.permitted && strictIn(inner.Value, o.depth-1)
	})
}
