package lane_test

import (
	"slices"
	"strings"

	"one-api/relay/llm"
)

// without is what can be said but for what has one of these marks, which stand for the words of another provider, or is the end user's
// name, for which Gemini has no place.
func without(all []saying, marks ...string) []saying {
	return slices.DeleteFunc(slices.Clone(all), func(s saying) bool {
		return s.carried && (slices.Contains(marks, s.mark) || strings.Contains(s.members, `"user":"`) || strings.Contains(s.members, "safety_identifier") || strings.Contains(s.members, "user_id"))
	})
}

// inChatToGemini, inMessagesToGemini and inResponsesToGemini are what clients can say, in the words that Gemini has for it.
var (
	inChatToGemini = append(without(withoutRules(inChat, llm.MaxTokens, llm.Temperature, llm.SamplingTopP, llm.SamplingTopK, llm.ForcedTools, llm.Prefill, llm.ReasoningEffort, llm.ThinkingBudget),
		`"tool_choice":{"type":"tool","name":"f"}`, "disable_parallel_tool_use", `"top_k":25`, `"stream":true`, `"thinking"`, `"ttl":"1h"`, "2048"),
		carried(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}`, `"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}`),
		carried(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none"`, `"mode":"NONE"`), carried(`"top_k":25`, `"topK":25`), carried(`"reasoning_effort":"low"`, `"thinkingBudget":1024,"includeThoughts":true`),
		carried(`"thinking":{"type":"enabled","budget_tokens":2048}`, `"thinkingBudget":2048`), carried(`"enable_thinking":true,"thinking_budget":2048`, `"thinkingBudget":2048`), carried(`"reasoning_effort":"none"`, `"thinkingBudget":0`),
		carried(`"reasoning":{"enabled":true}`, `"thinkingBudget":-1`), carried(`"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","$defs":{"MARK":{}}}}}]`, `"parametersJsonSchema":{"type":"object","$defs":{"MARK":{}}}`),
		carried(`"response_format":{"type":"json_object"},"tools":[{"type":"function","function":{"name":"f"}}]`, "Answer with one valid JSON object"),
		rules(llm.ImageURL, userSays(`{"type":"image_url","image_url":{"url":"https://x/x.png"}}`)), rules(llm.DocumentText, userSays(`{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain,MARK"}}`)),
		rules(llm.DocumentNotes, userSays(`{"type":"file","file":{"filename":"MARK.pdf","file_data":"data:application/pdf;base64,TUFSSw=="}}`)),
		rules(llm.ResultMedia, `"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,TUFSSw=="}}]}]`),
		rules(llm.SerialTools, `"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false`), rules(llm.StrictTools, `"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object"}}}]`),
		rules(llm.StrictSchemas, `"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}`), rules(llm.LongToolNames, `"tools":[{"type":"function","function":{"name":"`+strings.Repeat("n", 65)+`"}}]`),
		rules(llm.StopSequences, `"stop":["a","b","c","d","e","f"]`), rules(llm.ReasoningEffort, `"reasoning_effort":"high"`), rules(llm.ThinkingBudget, `"thinking":{"type":"enabled","budget_tokens":2048}`),
	)
	inMessagesToGemini = append(without(withoutRules(inMessages, llm.DocumentFile, llm.ImageFile, llm.ImageURL, llm.DocumentURL, llm.SamplingTopK), `"parallel_tool_calls":false`, `"reasoning_effort":"low"`, `"stream":true`),
		carried(`"output_config":{"effort":"low"}`, `"thinkingBudget":1024`), carried(`"thinking":{"type":"enabled","budget_tokens":2048}`, `"thinkingBudget":2048`), carried(`"top_k":25`, `"topK":25`),
		rules(llm.SerialTools, `"tools":[{"name":"f"}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`),
		rules(llm.ImageFile, userSays(`{"type":"image","source":{"type":"file","file_id":"f"}}`)), rules(llm.DocumentFile, userSays(`{"type":"document","source":{"type":"file","file_id":"f"}}`)),
		rules(llm.ImageURL, userSays(`{"type":"image","source":{"type":"url","url":"https://x/x.webp"}}`)), rules(llm.DocumentURL, ""), carried(`"top_k":5`, `"topK":5`),
	)
	inResponsesToGemini = append(without(inResponses, `"stream":true`),
		rules(llm.SerialTools, `"tools":[{"type":"function","name":"f"}],"parallel_tool_calls":false`), rules(llm.StrictTools, `"tools":[{"type":"function","name":"f","strict":true,"parameters":{"type":"object"}}]`),
		rules(llm.ImageURL, itemsSay(`{"type":"input_image","image_url":"https://x/x.png"}`)), rules(llm.DocumentURL, itemsSay(`{"type":"input_file","file_url":"https://x/a.pdf"}`)),
		rules(llm.DocumentText, itemsSay(`{"type":"input_file","filename":"a.txt","file_data":"data:text/plain,MARK"}`)), rules(llm.LongToolNames, ""), rules(llm.StrictSchemas, ""),
		rules(llm.DocumentNotes, itemsSay(`{"type":"input_file","filename":"MARK.pdf","file_data":"data:application/pdf;base64,TUFSSw=="}`)),
		rules(llm.ResultMedia, `"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:image/png;base64,TUFSSw=="}]}]`),
	)
)

// withoutRules leaves out what is said of features for which another provider has a rule of its own.
func withoutRules(all []saying, features ...llm.Feature) []saying {
	return slices.DeleteFunc(slices.Clone(all), func(s saying) bool { return !s.carried && slices.Contains(features, s.feature) })
}
