package format

import "one-api/relay/jsonscan"

// ObjectSchema adds a tool's JSON schema with the type that OpenAI lets clients leave out, and Anthropic and Bedrock require.
func (j *JSON) ObjectSchema(name string, schema []byte) {
	members, typed := 0, false
	_ = jsonscan.Object(schema, func(m jsonscan.Member) { // it was read with the request
		members++
		typed = typed || string(m.Key) == "type"
	})
	switch {
	case members == 0:
		j.Literal(name, `{"type":"object","properties":{}}`)
	case !typed:
		j.Literal(name, `{"type":"object",`)
		*j = append(*j, schema[1:]...)
	default:
		j.Value(name, schema)
	}
}
