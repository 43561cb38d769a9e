package messages

import (
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
	case isClosed(f.Schema):
		b.answer = f.Schema
	default:
		if b.answer = closed(f.Schema); b.answer == nil {
			b.inWords = withSchema + string(f.Schema)
		}
	}
}

// deepestSchema is how deep a schema is looked into.
const deepestSchema = 32

// isClosed reports whether the API takes a schema: all objects in it say that they have no other properties than those that they name
// (https://docs.claude.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations).
func isClosed(schema []byte) bool {
	c := closing{}
	c.value(schema, deepestSchema)
	return format.IsObject(schema) && !c.changed && !c.open
}

// closed is a schema whose objects are all closed, its members in their order; nil if one of them is meant to be open.
func closed(schema []byte) []byte {
	c := closing{}
	if c.value(schema, deepestSchema); c.open {
		return nil
	}
	return c.JSON
}

// closing writes a schema whose objects are closed.
type closing struct {
	format.JSON
	changed bool // an object did not say anything of other properties
	open    bool // one says that it has some
}

func (c *closing) value(value []byte, depth int) {
	switch {
	case depth == 0:
		c.open = true
	case len(value) > 0 && value[0] == '[':
		c.Open('[')
		jsonscan.Elements(value, func(element []byte) { c.value(element, depth-1) })
		c.Close(']')
	case format.IsObject(value):
		c.object(value, depth)
	default:
		c.Raw(string(value))
	}
}

func (c *closing) object(value []byte, depth int) {
	object, said := false, false
	c.Open('{')
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // the request has been read
		c.Text(string(m.Key))
		c.JSON = append(c.JSON, ':')
		switch string(m.Key) {
		case "type":
			object = isText(m.Value, "object")
		case "additionalProperties":
			said = true
			c.open = c.open || string(m.Value) != "false"
		case "enum", "const", "default", "examples":
			c.JSON = append(c.JSON, m.Value...)
			return
		}
		c.value(m.Value, depth-1)
	})
	if object && !said {
		c.changed = true
		c.Literal("additionalProperties", "false")
	}
	c.Close('}')
}
