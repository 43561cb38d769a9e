package format

import (
	"bytes"

	"one-api/relay/jsonscan"
)

// What JSON schemas have to be like for one provider and not for another. What is changed here says less than before, and never something
// else.

// keyword is what the value of a keyword of a JSON schema is.
type keyword uint8

const (
	aValue   keyword = iota // no schema
	aSchema                 // or a list of them
	someOf                  // a list of schemas
	byTheKey                // schemas under names of their own
)

func keywordOf(name string) keyword {
	switch name {
	case "items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
		"unevaluatedProperties":
		return aSchema
	case "anyOf", "oneOf", "allOf", "prefixItems":
		return someOf
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
		return byTheKey
	}
	return aValue
}

// Keyword writes the value of a schema's keyword, whose name has been written; schema writes each schema in it.
func (j *JSON) Keyword(name string, value []byte, schema func(value []byte)) {
	kind := keywordOf(name)
	switch {
	case kind == byTheKey && IsObject(value):
		j.Open('{')
		_ = jsonscan.Object(value, func(m jsonscan.Member) { // it was read with the request
			j.Text(string(m.Key))
			*j = append(*j, ':')
			schema(m.Value)
		})
		j.Close('}')
	case (kind == someOf || kind == aSchema) && len(value) > 0 && value[0] == '[':
		j.Open('[')
		jsonscan.Elements(value, schema)
		j.Close(']')
	case kind == aSchema && IsObject(value):
		schema(value)
	default:
		j.Raw(string(value))
	}
}

// ObjectSchema adds a tool's JSON schema with the type that OpenAI lets clients leave out, and without the choices between schemas at its
// top that it lets them have: Anthropic and Bedrock take neither.
func (j *JSON) ObjectSchema(name string, schema []byte) {
	j.Value(name, toolSchema(schema, false))
}

// FunctionSchema is a tool's JSON schema as OpenAI takes it, and nobody else asks for: an object that says what its properties are,
// without a choice between schemas at its top, and whose lists say what is in them. Nearly always it is the schema itself.
func FunctionSchema(schema []byte) []byte { return toolSchema(schema, true) }

// top is what stands at the top of a tool's schema.
type top struct {
	members                  int
	typed, properties, other bool // other: what has no place there
}

func topOf(schema []byte) (t top) {
	_ = jsonscan.Object(schema, func(m jsonscan.Member) { // it was read with the request
		t.members++
		switch name := string(m.Key); {
		case name == "type":
			t.typed = true
		case name == "properties":
			t.properties = true
		case hasNoPlace(name):
			t.other = true
		}
	})
	return t
}

// hasNoPlace reports whether a keyword is refused at the top of a tool's schema ("schema must have type 'object' and not have
// 'oneOf'/'anyOf'/ 'allOf'/'enum'/'not' at the top level", "input_schema does not support oneOf, allOf, or anyOf at the top level").
func hasNoPlace(name string) bool {
	switch name {
	case "anyOf", "oneOf", "allOf", "not", "enum":
		return true
	}
	return false
}

func toolSchema(schema []byte, everything bool) []byte {
	t := topOf(schema)
	switch {
	case t.members == 0:
		return []byte(`{"type":"object","properties":{}}`)
	case t.typed && !t.other && (!everything || t.properties && !isList(schema)):
		return schema
	}
	w := plainer{all: everything}
	w.tool(schema, t)
	if t.typed && !t.other && t.properties && !w.added {
		return schema // all of its lists say what is in them
	}
	return w.JSON
}

// plainer writes a schema that says what it has to, and nothing that is refused.
type plainer struct {
	JSON
	all   bool // what OpenAI asks for, too
	added bool // a list did not say what it consists of ("array schema missing items")
	depth int
}

// tool writes the schema of a tool.
func (w *plainer) tool(schema []byte, t top) {
	w.Open('{')
	if !t.typed {
		w.Literal("type", `"object"`)
	}
	var choices [][]byte
	_ = jsonscan.Object(schema, func(m jsonscan.Member) {
		switch name := string(m.Key); {
		case name == "anyOf", name == "oneOf", name == "allOf":
			choices = append(choices, m.Value)
		case hasNoPlace(name):
		case name == "properties" && t.other:
		default:
			w.member(m)
		}
	})
	if !t.properties || t.other {
		w.properties(schema, choices)
	}
	w.Close('}')
}

// properties are those of a schema and of all that it lets one choose between.
func (w *plainer) properties(schema []byte, choices [][]byte) {
	named := map[string]bool{}
	add := func(of []byte) {
		_ = jsonscan.Object(jsonscan.MemberOf(of, "properties"), func(m jsonscan.Member) {
			if name := string(m.Key); !named[name] {
				named[name] = true
				w.Text(name)
				w.JSON = append(w.JSON, ':')
				w.schema(m.Value)
			}
		})
	}
	w.Key("properties")
	w.Open('{')
	add(schema)
	for _, list := range choices {
		jsonscan.Elements(list, add)
	}
	w.Close('}')
}

func (w *plainer) member(m jsonscan.Member) {
	w.Text(string(m.Key))
	w.JSON = append(w.JSON, ':')
	w.Keyword(string(m.Key), m.Value, w.schema)
}

// schema writes a schema inside of another one.
func (w *plainer) schema(value []byte) {
	if w.depth++; !w.all || !IsObject(value) || w.depth > deepestSchema {
		w.Raw(string(value))
	} else {
		list, items := false, false
		w.Open('{')
		_ = jsonscan.Object(value, func(m jsonscan.Member) {
			list = list || string(m.Key) == "type" && isList(m.Value)
			items = items || string(m.Key) == "items"
			w.member(m)
		})
		if list && !items {
			w.Literal("items", "{}")
			w.added = true
		}
		w.Close('}')
	}
	w.depth--
}

// isList reports whether a type is, or may be, that of a list.
func isList(kind []byte) bool { return bytes.Contains(kind, []byte(`"array"`)) }
