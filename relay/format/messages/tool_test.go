package messages_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const oneTool = `,"tools":[{"type":"function","function":{"name":"f"}}]`

func TestToolsAreConverted(t *testing.T) {
	for name, c := range map[string]struct{ tools, want string }{
		"in full": {
			`{"type":"function","function":{"name":"f","description":"does f","parameters":{"type":"object","properties":{"a":{"type":"string"}}},"strict":true}}`,
			`{"name":"f","description":"does f","input_schema":{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false},"strict":true}`,
		},
		"without parameters":     {`{"type":"function","function":{"name":"f"}}`, `{"name":"f","input_schema":{"type":"object","properties":{}}}`},
		"with null parameters":   {`{"type":"function","function":{"name":"f","parameters":null}}`, `{"name":"f","input_schema":{"type":"object","properties":{}}}`},
		"with empty parameters":  {`{"type":"function","function":{"name":"f","parameters":{ }}}`, `{"name":"f","input_schema":{"type":"object","properties":{}}}`},
		"with an untyped schema": {`{"type":"function","function":{"name":"f","parameters":{ "properties":{}}}}`, `{"name":"f","input_schema":{"type":"object","properties":{}}}`},
		"that are not strict":    {`{"type":"function","function":{"name":"f","strict":false}}`, `{"name":"f","input_schema":{"type":"object","properties":{}},"strict":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct{ Tools []json.RawMessage }
			require.NoError(t, json.Unmarshal([]byte(convert(t, hello+`,"tools":[`+c.tools+`]`)), &got))
			require.Len(t, got.Tools, 1)
			assert.JSONEq(t, c.want, string(got.Tools[0]))
		})
	}
}

func TestToolChoicesAreConverted(t *testing.T) {
	for name, c := range map[string]struct{ members, want string }{
		"unsaid":                      {oneTool, ``},
		"null":                        {oneTool + `,"tool_choice":null`, ``},
		"auto":                        {oneTool + `,"tool_choice":"auto"`, `{"type":"auto"}`},
		"none":                        {oneTool + `,"tool_choice":"none"`, `{"type":"none"}`},
		"required":                    {oneTool + `,"tool_choice":"required"`, `{"type":"any"}`},
		"named":                       {oneTool + `,"tool_choice":{"type":"function","function":{"name":"f"}}`, `{"type":"tool","name":"f"}`},
		"parallel":                    {oneTool + `,"parallel_tool_calls":true`, ``},
		"not parallel, unsaid":        {oneTool + `,"parallel_tool_calls":false`, `{"type":"auto","disable_parallel_tool_use":true}`},
		"not parallel, required":      {oneTool + `,"parallel_tool_calls":false,"tool_choice":"required"`, `{"type":"any","disable_parallel_tool_use":true}`},
		"not parallel, none":          {oneTool + `,"parallel_tool_calls":false,"tool_choice":"none"`, `{"type":"none"}`},
		"not parallel, without tools": {`,"parallel_tool_calls":false`, ``},
		"auto without tools":          {`,"tool_choice":"auto"`, ``},
		"none without tools":          {`,"tools":[],"tool_choice":"none"`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Choice json.RawMessage `json:"tool_choice"`
			}
			require.NoError(t, json.Unmarshal([]byte(convert(t, hello+c.members)), &got))
			if c.want == "" {
				assert.Nil(t, got.Choice)
			} else {
				assert.JSONEq(t, c.want, string(got.Choice))
			}
		})
	}
}

func TestToolsThatCannotBeSaidAreRefused(t *testing.T) {
	for _, c := range []struct{ members, param string }{
		{`,"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}]`, "tools[1].type"},
		{`,"tools":[{"function":{"name":"f"}}]`, "tools[0].type"},
		{`,"tools":[{"type":"function","function":{}}]`, "tools[0].function.name"},
		{`,"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]`, "tools[0].function.parameters"},
		{oneTool + `,"tool_choice":"maybe"`, "tool_choice"},
		{oneTool + `,"tool_choice":1`, "tool_choice"},
		{oneTool + `,"tool_choice":{"type":"function"}`, "tool_choice"},
		{oneTool + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{}}`, "tool_choice.allowed_tools.tools"},
		{`,"tool_choice":"required"`, "tool_choice"},
	} {
		t.Run(c.members, func(t *testing.T) {
			assert.Equal(t, c.param, refused(t, hello+c.members).Param)
		})
	}
}
