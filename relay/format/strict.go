package format

import "one-api/relay/jsonscan"

// deepestSchema is how deep a schema is looked into.
const deepestSchema = 32

// IsStrict reports whether OpenAI takes a schema with strict: every object names all its properties as required, and takes no
// others (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
func IsStrict(schema []byte) bool { return IsObject(schema) && strictIn(schema, deepestSchema) }

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
	all, isObject, closed := true, false, false
	properties := map[string]bool{}
	var required []byte
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // the request has been read
		switch string(m.Key) {
		case "type":
			isObject = isObject || string(m.Value) == `"object"`
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
			all = all && strictIn(m.Value, depth-1)
		case "oneOf", "allOf", "not", "patternProperties", "if":
			all = false
		}
	})
	jsonscan.Elements(required, func(element []byte) {
		name, _ := jsonscan.String(element)
		delete(properties, name)
	})
	return all && (!isObject || closed && len(properties) == 0)
}
