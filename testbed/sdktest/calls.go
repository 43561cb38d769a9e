package sdktest

import (
	openaisdk "github.com/openai/openai-go/v3"
)

func OpenAIChat(extra ...func(*openaisdk.ChatCompletionNewParams)) openaisdk.ChatCompletionNewParams {
	p := openaisdk.ChatCompletionNewParams{
		Model: "m", MaxCompletionTokens: openaisdk.Int(100), Temperature: openaisdk.Float(0.5),
		Messages: []openaisdk.ChatCompletionMessageParamUnion{
			openaisdk.SystemMessage("Be brief."), openaisdk.UserMessage("How do you do?"),
			openaisdk.AssistantMessage("Well."), openaisdk.UserMessage("Good day <&> 世界!"),
		},
	}
	for _, e := range extra {
		e(&p)
	}
	return p
}

// TwoCalls are made at once; the second has no arguments.
var TwoCalls = []toolCall{
	{"call_A1b2", "get_weather", []string{`{"city":`, `"Par`, `is <&>","unit":"c","id":9007199254740993}`}},
	{"call_C3d4", "get_time", nil},
}
