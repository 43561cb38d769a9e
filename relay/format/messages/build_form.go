package messages

import (
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

const (
	anyObject  = "Answer with one valid JSON object and nothing else: no other text, and no Markdown around it."
	withSchema = anyObject + " It has to be valid against this JSON schema:\n"
)

// form finds out how the form of the answer is asked for.
func (b *builder) form() {
	f := b.r.Format
	switch {
	case f == nil:
	case f.Schema == nil:
		b.inWords = anyObject
	case !b.habits.schemas:
		b.inWords = withSchema + string(f.Schema)
	default:
		if b.answer = closed(f.Schema); b.answer == nil {
			b.inWords = withSchema + string(f.Schema)
		}
	}
}

// deepestSchema is how deep a schema is looked into.
const deepestSchema = 32

// closed is a schema as the API takes it, its members in their order: its objects take no other properties than those that they name, and
// what models cannot be held to is said in descriptions; nil if there is more in it than that
// (https://docs.claude.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations).
func closed(schema []byte) []byte {
	c := closing{}
	switch c.schema(schema); {
	case c.open || !format.IsObject(schema):
		return nil
	case !c.changed:
		return schema
	}
	return c.JSON
}

// closing writes a schema whose objects are closed.
type closing struct {
	format.JSON
	changed bool // something in it is not as it was
	open    bool // there is something that the API does not take
	depth   int
}

func (c *closing) schema(value []byte) {
	if !format.IsObject(value) {
		c.Raw(string(value)) // true or false
		return
	}
	if c.depth++; c.depth > deepestSchema {
		c.open = true
		return
	}
	object, said, description := false, false, ""
	var unheld format.JSON
	c.Open('{')
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // the request has been read
		name := string(m.Key)
		switch name {
		case "type":
			object = isText(m.Value, "object")
		case "additionalProperties":
			said = true
			c.open = c.open || string(m.Value) != "false"
		case "patternProperties", "not", "if", "then", "else", "dependentSchemas", "prefixItems", "unevaluatedProperties":
			c.open = true
		case "$ref":
			c.open = c.open || isText(m.Value, "#") // a schema that has itself in it
		case "description":
			description, _ = jsonscan.String(m.Value)
			return
		case "oneOf":
			name, c.changed = "anyOf", true
		}
		if isUnheld(name, m.Value) {
			unheld.Text(name)
			unheld = append(unheld, ": "...)
			unheld = append(unheld, format.Compact(m.Value)...)
			return
		}
		c.Text(name)
		c.JSON = append(c.JSON, ':')
		c.Keyword(name, m.Value, c.schema)
	})
	if len(unheld) > 0 {
		c.changed = true
		description = strings.TrimSpace(description + "\n\n{" + string(unheld) + "}")
	}
	c.Said("description", description)
	if object && !said {
		c.changed = true
		c.Literal("additionalProperties", "false")
	}
	c.Close('}')
	c.depth--
}

// isUnheld reports whether a keyword is one that the API refuses since it cannot hold a model to it, such as "For 'integer' type, property
// 'minimum' is not supported".
func isUnheld(name string, value []byte) bool {
	switch name {
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems",
		"minProperties", "maxProperties", "contains", "minContains", "maxContains":
		return true
	case "minItems":
		return string(value) != "0" && string(value) != "1"
	case "format":
		word, _ := jsonscan.String(value)
		return !slices.Contains(formats, word)
	}
	return false
}

// formats are those of texts that the API holds a model to.
var formats = []string{"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
