package gemini

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

// A Schema of Gemini's is a part of OpenAPI's (https://ai.google.dev/api/caching#Schema): types in capitals, nullable, whole numbers as
// text, and an order of properties. Everybody else, and Gemini under another name, takes JSON schema.

// deepestSchema is how deep a schema is looked into.
const deepestSchema = 64

// jsonSchema is a Schema as JSON schema.
func jsonSchema(value []byte) (json.RawMessage, *format.Problem) {
	if !format.IsObject(value) {
		return nil, format.MustBe("an object", value)
	}
	s := translation{JSON: make(format.JSON, 0, len(value))}
	s.schema(value, deepestSchema)
	if s.tooDeep {
		return nil, format.Wrong("is nested too deeply")
	}
	return json.RawMessage(s.JSON), nil
}

// translation is a JSON schema that is being made of a Schema.
type translation struct {
	format.JSON
	tooDeep bool
}

// openAPIFormats are formats that JSON schema does not have, or has no need of.
var openAPIFormats = []string{`"int32"`, `"int64"`, `"float"`, `"double"`, `"enum"`}

func (s *translation) schema(value []byte, depth int) {
	if depth == 0 {
		s.tooDeep = true
		return
	}
	if !format.IsObject(value) { // additionalProperties may be true or false
		s.Raw(string(value))
		return
	}
	nullable := false
	var order []string
	read := func(visit func(name string, value []byte)) {
		_ = jsonscan.Object(value, func(m jsonscan.Member) { // it was read with the request
			if format.Given(m.Value) {
				visit(camel(string(m.Key)), m.Value)
			}
		})
	}
	read(func(name string, value []byte) {
		switch name {
		case "nullable":
			nullable = string(value) == "true"
		case "propertyOrdering":
			_ = texts(value, &order) // it is a wish
		}
	})
	s.Open('{')
	read(func(name string, value []byte) { s.member(name, value, nullable, order, depth) })
	s.Close('}')
}

func (s *translation) member(name string, value []byte, nullable bool, order []string, depth int) {
	switch name {
	case "nullable", "propertyOrdering", "example":
	case "type":
		s.kind(value, nullable)
	case "format":
		if !slices.Contains(openAPIFormats, string(value)) {
			s.Value(name, value)
		}
	case "enum":
		s.Key(name)
		s.Open('[')
		jsonscan.Elements(value, func(element []byte) { s.Raw(string(element)) })
		if nullable {
			s.Raw("null")
		}
		s.Close(']')
	case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
		if n, ok := jsonscan.Count(value); ok { // a text, as protobuf's JSON has it
			s.Int(name, n)
		}
	case "items", "additionalProperties":
		s.Key(name)
		s.schema(value, depth-1)
	case "anyOf":
		s.Key(name)
		s.Open('[')
		jsonscan.Elements(value, func(element []byte) { s.schema(element, depth-1) })
		if nullable {
			s.Raw(`{"type":"null"}`)
		}
		s.Close(']')
	case "properties", "defs", "$defs":
		if name == "defs" {
			name = "$defs"
		}
		s.Key(name)
		s.properties(value, order, depth)
	case "ref":
		s.String("$ref", strings.Replace(textOf(value), "#/defs/", "#/$defs/", 1))
	default:
		s.Value(name, value)
	}
}

// kind is the type, in JSON schema's words.
func (s *translation) kind(value []byte, nullable bool) {
	word := strings.ToLower(textOf(value))
	switch {
	case word == "":
		s.Value("type", value) // a list of JSON schema's
	case word == "type_unspecified":
	case nullable && word != "null":
		s.Key("type")
		s.Open('[')
		s.Text(word)
		s.Raw(`"null"`)
		s.Close(']')
	default:
		s.String("type", word)
	}
}

// properties are in the order that is asked for, since models answer in it.
func (s *translation) properties(value []byte, order []string, depth int) {
	var all []jsonscan.Member
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		m.Key = bytes.Clone(m.Key)
		all = append(all, m)
	})
	if len(order) > 0 {
		places := make(map[string]int, len(order))
		for i, name := range order {
			places[name] = i - len(order) // those that are not named come last
		}
		slices.SortStableFunc(all, func(x, y jsonscan.Member) int { return places[string(x.Key)] - places[string(y.Key)] })
	}
	s.Open('{')
	for _, m := range all {
		s.Text(string(m.Key))
		s.JSON = append(s.JSON, ':')
		s.schema(m.Value, depth-1)
	}
	s.Close('}')
}
