package lane_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// What a tool's schema says for one provider is not what another one takes.

func TestAToolsSchemaIsOneThatOpenAITakes(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"as it is":                  {`{"type":"object","properties":{"a":{"type":"array","items":{}}}}`, `{"type":"object","properties":{"a":{"type":"array","items":{}}}}`},
		"without properties":        {`{"type":"object"}`, `{"type":"object","properties":{}}`},
		"with nothing":              {`{}`, `{"type":"object","properties":{}}`},
		"without a type":            {`{"properties":{"a":{}}}`, `{"type":"object","properties":{"a":{}}}`},
		"with a list of anything":   {`{"type":"object","properties":{"a":{"type":"array"},"items":{"type":"string"}}}`, `{"type":"object","properties":{"a":{"type":"array","items":{}},"items":{"type":"string"}}}`},
		"with a list of such lists": {`{"type":"object","properties":{"a":{"type":["array","null"],"items":{"type":"array"}}}}`, `{"type":"object","properties":{"a":{"type":["array","null"],"items":{"type":"array","items":{}}}}}`},
		"with one among its definitions": {
			`{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"anyOf":[{"type":"array"},{"type":"null"}]}}}`,
			`{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"anyOf":[{"type":"array","items":{}},{"type":"null"}]}}}`,
		},
		"with a choice at its top": {
			`{"type":"object","properties":{"z":{}},"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"array"},"z":{"type":"null"}}}],"required":["z"]}`,
			`{"type":"object","required":["z"],"properties":{"z":{},"a":{"type":"string"},"b":{"type":"array","items":{}}}}`,
		},
		"of which a word is only a value": {`{"type":"object","properties":{"a":{"enum":["array"],"default":{"type":"array"}}}}`, `{"type":"object","properties":{"a":{"enum":["array"],"default":{"type":"array"}}}}`},
	} {
		for _, kind := range []string{"openai", "vllm", "openai/responses"} {
			saw := to(t, kind, "gpt-4o", true, wire.Messages).saw(`"tools":[{"name":"f","input_schema":` + c.schema + `}]`)
			function := at(t, saw, "tools", 0).(map[string]any)
			if inner, ok := function["function"].(map[string]any); ok {
				function = inner
			}
			require.JSONEq(t, c.want, mustEncode(t, function["parameters"]), "%s, %s", name, kind)
		}
	}
}

func TestAToolsSchemaIsOneThatAnthropicTakes(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"as it is":                 {`{"type":"object","properties":{"a":{"type":"array"}}}`, `{"type":"object","properties":{"a":{"type":"array"}}}`},
		"without properties":       {`{"type":"object"}`, `{"type":"object"}`},
		"with a choice at its top": {`{"type":"object","oneOf":[{"properties":{"a":{}}},{"properties":{"b":{}}},true]}`, `{"type":"object","properties":{"a":{},"b":{}}}`},
		"with one further inside":  {`{"type":"object","properties":{"a":{"oneOf":[{},{"type":"null"}]}}}`, `{"type":"object","properties":{"a":{"oneOf":[{},{"type":"null"}]}}}`},
	} {
		saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(`"tools":[{"type":"function","function":{"name":"f","parameters":` + c.schema + `}}]`)
		require.JSONEq(t, c.want, mustEncode(t, at(t, saw, "tools", 0, "input_schema")), name)
	}
}

const bounded = `{"type":"object","properties":{"n":{"type":"integer","minimum":0,"description":"how many"},"minimum":{"type":"string","maxLength":9,"format":"binary"},` +
	`"l":{"type":"array","items":{"type":"string","format":"email"},"minItems":2,"maxItems":3},"o":{"oneOf":[{"type":"string"},{"type":"null"}]}},"required":["n","minimum","l","o"],"additionalProperties":false}`

// heldTo is what is left of it, with what models cannot be held to in words.
const heldTo = `{"type":"object","properties":{"n":{"type":"integer","description":"how many\n\n{\"minimum\": 0}"},"minimum":{"type":"string","description":"{\"maxLength\": 9,\"format\": \"binary\"}"},` +
	`"l":{"type":"array","items":{"type":"string","format":"email"},"description":"{\"minItems\": 2,\"maxItems\": 3}"},"o":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["n","minimum","l","o"],"additionalProperties":false}`

func TestWhatAnthropicCannotHoldAModelToIsSaidInDescriptions(t *testing.T) {
	for client, members := range map[wire.Endpoint]string{
		wire.ChatCompletions: `"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":` + bounded + `}}`,
		wire.ResponsesCreate: `"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":` + bounded + `}}`,
		wire.GeminiGenerate:  `"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":` + bounded + `}`,
	} {
		saw := to(t, "anthropic", "claude-sonnet-4-5", true, client).saw(members)
		require.JSONEq(t, heldTo, mustEncode(t, at(t, saw, "output_config", "format", "schema")), "%v", client)
	}
	s := to(t, "anthropic", "claude-opus-4-8", true, wire.ChatCompletions)
	saw := s.saw(`"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":` + bounded + `}}]`)
	require.JSONEq(t, heldTo, mustEncode(t, at(t, saw, "tools", 0, "input_schema")))
	require.Equal(t, true, at(t, saw, "tools", 0, "strict"))

	const open = `{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}}`
	saw = s.saw(`"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":` + open + `}}]`)
	require.JSONEq(t, open, mustEncode(t, at(t, saw, "tools", 0, "input_schema")), "no model can be held to it")
	require.NotContains(t, at(t, saw, "tools", 0), "strict")
	require.Equal(t, []string{"strict_tools"}, s.sent.Converted.Dropped)
}

func TestASchemaThatIsNestedWithoutEndIsLeftAlone(t *testing.T) {
	deep := `{"type":"array"}`
	for range 200 {
		deep = `{"type":"object","properties":{"a":` + deep + `}}`
	}
	saw := to(t, "openai", "gpt-4o", true, wire.Messages).saw(`"tools":[{"name":"f","input_schema":` + deep + `}]`)
	require.JSONEq(t, deep, mustEncode(t, at(t, saw, "tools", 0, "function", "parameters")))
	saw = to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":` + deep + `}}`)
	require.NotContains(t, saw, "output_config")
	require.True(t, json.Valid([]byte(mustEncode(t, saw))))
}
