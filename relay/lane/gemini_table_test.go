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
	inChatToGemini = append(without(withoutRules(inChat, llm.AudioInput, llm.VideoInput, llm.Seed, llm.MaxTokens, llm.Temperature, llm.SamplingTopP, llm.SamplingTopK, llm.ForcedTools, llm.Prefill, llm.ReasoningEffort, llm.ThinkingBudget),
		`"tool_choice":{"type":"tool","name":"f"}`, "disable_parallel_tool_use", `"top_k":25`, `"stream":true`, `"thinking"`, `"ttl":"1h"`, "2048"),
		carried(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}`, `"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}`),
		carried(userSays(`{"type":"input_audio","input_audio":{"data":"TUFSSw==","format":"mp3"}}`), `{"mimeType":"audio/mp3","data":"TUFSSw=="}`), carried(userSays(`{"type":"video_url","video_url":{"url":"https://youtu.be/x"}}`), `{"fileUri":"https://youtu.be/x"}`),
		rules(llm.MaxTokens, `"max_tokens":100000`),
		carried(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none"`, `"mode":"NONE"`), carried(`"top_k":25`, `"topK":25`), carried(`"seed":7`, `"seed":7`), carried(`"reasoning_effort":"low"`, `"thinkingBudget":1024,"includeThoughts":true`),
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
	inResponsesToGemini = append(without(withoutRules(inResponses, llm.AudioInput), `"stream":true`), carried(itemsSay(`{"type":"input_audio","input_audio":{"data":"TUFSSw==","format":"wav"}}`), `{"mimeType":"audio/wav","data":"TUFSSw=="}`), rules(llm.ImageDetail, itemsSay(lowItem)),
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

func partsSay(part string) string { return `"contents":[{"role":"user","parts":[` + part + `]}]` }

const geminiTool = `"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}]`

func geminiChoice(members string) string {
	return geminiTool + `,"toolConfig":{"functionCallingConfig":{` + members + `}}`
}

func geminiResult(response string) string {
	return `"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":"MARK"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f",` + response + `}}]}]`
}

// inGemini is what a client of Gemini's can say, to others.
var inGemini = []saying{
	carried(`"systemInstruction":{"parts":[{"text":"MARK"}]}`, "MARK"), carried(`"system_instruction":{"parts":{"text":"MARK"}}`, "MARK"), carried(partsSay(`{"text":"MARK"}`), "MARK"),
	carried(`"contents":{"parts":{"text":"MARK"}}`, "MARK"), carried(partsSay(`{"inlineData":{"mimeType":"image/png","data":"TUFSSw=="}}`), "TUFSSw=="), carried(partsSay(`{"inline_data":{"mime_type":"IMAGE/PNG","data":"TUFSSw"}}`), "TUFSSw=="),
	carried(partsSay(`{"inlineData":{"mimeType":"application/pdf","data":"TUFSSw==","displayName":"a.pdf"}}`), "TUFSSw=="), carried(partsSay(`{"fileData":{"mimeType":"image/png","fileUri":"https://MARK/x"}}`), "https://MARK/x"),
	carried(partsSay(`{"file_data":{"file_uri":"https://MARK/x.png"}}`), "https://MARK/x.png"),
	carried(`"tools":[{"functionDeclarations":[{"name":"f","description":"MARK","parameters":{"type":"OBJECT","properties":{"MARK2":{"type":"STRING"}}}}]}]`, "MARK2"),
	carried(`"tools":{"function_declarations":{"name":"f","parameters_json_schema":{"type":"object","$defs":{"MARK":{}}}}}`, `"$defs":{"MARK":{}}`),
	carried(`"generationConfig":{"maxOutputTokens":777}`, "777"), carried(`"generation_config":{"max_output_tokens":777}`, "777"), carried(`"generationConfig":{"temperature":0.25}`, "0.25"), carried(`"generationConfig":{"topP":0.25}`, "0.25"),
	carried(geminiResult(`"response":{"output":"y"}`), "MARK"), carried(geminiResult(`"response":{"b":"MARK"}`), "MARK"), carried(geminiResult(`"response":{"result":["MARK"]}`), "MARK"),
	carried(`"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","title":"MARK","properties":{}}}`, "MARK"), carried(`"generationConfig":{"response_mime_type":"application/json","response_json_schema":{"type":"array","items":{"title":"MARK"}}}`, "MARK"),
	carried(`"generationConfig":{"responseModalities":["TEXT"],"candidateCount":1,"responseMimeType":"text/plain","logprobs":3}`, "go"),

	rules(llm.KeptPrompts, `"cachedContent":"cachedContents/x"`), rules(llm.SafetySettings, `"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]`),
	rules(llm.ImageOutput, `"generationConfig":{"responseModalities":["TEXT","IMAGE"]}`), rules(llm.AudioOutput, `"generationConfig":{"response_modalities":["AUDIO"]}`), rules(llm.AudioOutput, `"generationConfig":{"speechConfig":{}}`),
	rules(llm.ManyChoices, `"generationConfig":{"candidateCount":2}`), rules(llm.Logprobs, `"generationConfig":{"responseLogprobs":true}`), rules(llm.OtherForms, `"generationConfig":{"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}}`),
	rules(llm.ProviderTools, `"tools":[{"googleSearch":{}}]`), rules(llm.ProviderTools, `"tools":[{"code_execution":{}},{"functionDeclarations":[{"name":"f"}]}]`), rules(llm.ProviderTools, `"tools":[{"mcpServers":[]}]`),
	rules(llm.OtherMembers, `"generationConfig":{"mediaResolution":"MEDIA_RESOLUTION_LOW"}`), rules(llm.OtherMembers, `"brandNew":1`), rules(llm.OtherMembers, `"toolConfig":{"retrievalConfig":{}}`), rules(llm.OtherMembers, `"generationConfig":{"imageConfig":{}}`),
	rules(llm.Labels, `"labels":{"a":"b"}`), rules(llm.ServiceTier, `"serviceTier":"flex"`), rules(llm.StoredAnswers, `"store":true`),
	rules(llm.AudioInput, partsSay(`{"inlineData":{"mimeType":"audio/wav","data":"AA=="}}`)),
	rules(llm.OtherParts, partsSay(`{"fileData":{"mimeType":"model/obj","fileUri":"https://x/y"}}`)), rules(llm.OtherParts, partsSay(`{"hologram":{}}`)),
	rules(llm.OtherParts, `"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}]`),
	rules(llm.OtherDocuments, partsSay(`{"inlineData":{"mimeType":"application/msword","data":"AA=="}}`)), rules(llm.ImageFile, partsSay(`{"fileData":{"mimeType":"image/png","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}`)),
	rules(llm.DocumentFile, partsSay(`{"fileData":{"mimeType":"application/pdf","fileUri":"gs://bucket/a.pdf"}}`)),
	rules(llm.EarlierServerTools, `"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK"}},{"text":"y"}]},{"role":"user","parts":[{"text":"z"}]}]`),
	rules(llm.EarlierReasoning, `"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"text":"hm","thought":true},{"text":"y","thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"text":"z"}]}]`),
	rules(llm.ToolHints, `"tools":[{"functionDeclarations":[{"name":"f","behavior":"NON_BLOCKING","response":{"type":"STRING"}}]}]`),
	rules(llm.Temperature, ""), rules(llm.SamplingTopP, ""), rules(llm.ReasoningEffort, ""), rules(llm.ThinkingBudget, ""), rules(llm.StopSequences, ""), rules(llm.MaxTokens, ""), rules(llm.SamplingTopK, ""), rules(llm.JSONObject, ""), rules(llm.JSONSchema, ""), rules(llm.DocumentNotes, ""),
}

// inGeminiToChat, inGeminiToMessages and inGeminiToResponses are what not all of them have the same rule for.
var (
	inGeminiToChat = []saying{
		carried(geminiChoice(`"mode":"ANY"`), `"tool_choice":"required"`), carried(geminiChoice(`"mode":"ANY","allowedFunctionNames":["g"]`), `"tool_choice":{"type":"function","function":{"name":"g"}}`), carried(geminiChoice(`"mode":"NONE"`), `"tool_choice":"none"`),
		carried(geminiChoice(`"mode":"ANY","allowed_function_names":["g","h"]`), `"tools":[{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"h"}}],"tool_choice":"required"`),
		carried(`"generationConfig":{"seed":7}`, `"seed":7`), carried(`"generationConfig":{"presencePenalty":0.5,"frequencyPenalty":-0.5}`, `"presence_penalty":0.5,"frequency_penalty":-0.5`), carried(`"generationConfig":{"stopSequences":["MARK"]}`, "MARK"),
		carried(`"generationConfig":{"responseMimeType":"application/json"}`, `"response_format":{"type":"json_object"}`), carried(`"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}`, `"reasoning_effort":"low"`),
		rules(llm.DocumentText, partsSay(`{"inlineData":{"mimeType":"text/csv","data":"TUFSSw=="}}`)), rules(llm.DocumentURL, partsSay(`{"fileData":{"mimeType":"application/pdf","fileUri":"https://x/a.pdf"}}`)),
		rules(llm.ResultFailure, geminiResult(`"response":{"error":"no"}`)), rules(llm.ResultMedia, geminiResult(`"response":{},"parts":[{"inlineData":{"mimeType":"image/png","data":"TUFSSw=="}}]`)), rules(llm.SamplingTopK, `"generationConfig":{"topK":5}`),
		rules(llm.LongToolNames, `"tools":[{"functionDeclarations":[{"name":"`+strings.Repeat("n", 65)+`"}]}]`), rules(llm.StrictSchemas, `"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}`),
		rules(llm.ThinkingBudget, `"generationConfig":{"thinkingConfig":{"thinkingBudget":2048}}`), rules(llm.ThinkingBudget, `"generationConfig":{"thinkingConfig":{"includeThoughts":true}}`), rules(llm.Penalties, ""), rules(llm.ForcedTools, ""), rules(llm.VideoInput, ""),
	}
	inGeminiToMessages = []saying{
		rules(llm.AudioInput, partsSay(`{"fileData":{"mimeType":"audio/mp3","fileUri":"https://x/y"}}`)), rules(llm.VideoInput, partsSay(`{"inlineData":{"mimeType":"video/mp4","data":"AA=="}}`)), rules(llm.VideoInput, partsSay(`{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}}`)),
		carried(geminiChoice(`"mode":"ANY"`), `"tool_choice":{"type":"any"}`), carried(geminiChoice(`"mode":"ANY","allowedFunctionNames":["g"]`), `"tool_choice":{"type":"tool","name":"g"}`), carried(geminiChoice(`"mode":"VALIDATED"`), `"tool_choice":{"type":"auto"}`),
		carried(geminiResult(`"response":{"error":"no"}`), `"is_error":true`), carried(geminiResult(`"response":{},"parts":[{"inlineData":{"mimeType":"image/png","data":"TUFSSw=="}}]`), "TUFSSw=="),
		carried(`"generationConfig":{"topK":25.0}`, `"top_k":25`), carried(`"generationConfig":{"thinkingConfig":{"thinkingBudget":2048}}`, `"budget_tokens":2048`), carried(`"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}`, `"thinking"`),
		carried(`"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}`, `"thinking":{"type":"disabled"}`), carried(`"generationConfig":{"stopSequences":["MARK"]}`, "MARK"),
		carried(partsSay(`{"fileData":{"mimeType":"application/pdf","fileUri":"https://x/a.pdf"}}`), "https://x/a.pdf"), carried(partsSay(`{"inlineData":{"mimeType":"text/csv","data":"TUFSSw=="}}`), "MARK"),
		rules(llm.LeadingAnswer, `"contents":[{"role":"model","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":"b"}]}]`), rules(llm.Prefill, `"contents":[{"role":"user","parts":[{"text":"b"}]},{"role":"model","parts":[{"text":"a "}]}]`),
		rules(llm.Seed, `"generationConfig":{"seed":7}`), rules(llm.Penalties, `"generationConfig":{"presencePenalty":0.5}`), rules(llm.JSONObject, `"generationConfig":{"responseMimeType":"application/json"}`), rules(llm.ForcedTools, ""),
	}
	inGeminiToResponses = []saying{
		rules(llm.AudioInput, partsSay(`{"fileData":{"mimeType":"audio/mp3","fileUri":"https://x/y"}}`)), rules(llm.VideoInput, partsSay(`{"inlineData":{"mimeType":"video/mp4","data":"AA=="}}`)), rules(llm.VideoInput, partsSay(`{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}}`)),
		carried(geminiChoice(`"mode":"ANY"`), `"tool_choice":"required"`),
		rules(llm.DocumentText, partsSay(`{"inlineData":{"mimeType":"text/csv","data":"TUFSSw=="}}`)), rules(llm.DocumentNotes, ""), rules(llm.Seed, `"generationConfig":{"seed":7}`), rules(llm.Penalties, `"generationConfig":{"frequencyPenalty":0.5}`),
		rules(llm.ResultFailure, geminiResult(`"response":{"error":"no"}`)), rules(llm.SamplingTopK, `"generationConfig":{"topK":5}`), rules(llm.StopSequences, `"generationConfig":{"stopSequences":["a"]}`),
		rules(llm.LongToolNames, ""), rules(llm.StrictSchemas, `"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}`),
	}
)

// geminiCannotSay is what Gemini's clients have no way to say.
var geminiCannotSay = []llm.Feature{
	llm.ImageDetail,
	llm.MidSystem, llm.BillingNote, llm.OddArguments, llm.MessageName, llm.SpareSearch, llm.CustomTools, llm.TextTools, llm.ToolNamespaces, llm.OldFunctions, llm.ToolReferences, llm.StrictTools, llm.AllowedTools, llm.SerialTools,
	llm.LogitBias, llm.EndUser, llm.CacheHints, llm.CacheKeys, llm.WebSearch, llm.Prediction, llm.Verbosity, llm.MCPServers, llm.Containers, llm.ContextEditing, llm.Citations, llm.InferenceGeo, llm.Threads, llm.KeptState, llm.SearchResults, llm.EarlierRefusal,
}
