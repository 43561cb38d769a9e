package lane_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// Kind E, further: what other providers are known to refuse, and what need not be refused.

func TestAnyJSONObjectIsAskedForWithTheWordThatOpenAIWants(t *testing.T) {
	const ofGemini = `"generationConfig":{"responseMimeType":"application/json"}`
	says := func(text string) string {
		return `"contents":[{"parts":[{"text":"` + text + `"}]}],` + ofGemini
	}
	for _, kind := range []string{"openai", "deepseek", "moonshot", "vllm"} {
		saw := to(t, kind, "m", true, wire.GeminiGenerate).saw(says("give me data"))
		require.Equal(t, "json_object", at(t, saw, "response_format", "type"), kind)
		require.Equal(t, "system: Answer with one JSON object and nothing else.|user: give me data", rolesIn(saw), kind)
		saw = to(t, kind, "m", true, wire.GeminiGenerate).saw(says("give me Json"))
		require.Equal(t, "user: give me Json", rolesIn(saw), "%s: it is there", kind)
	}
	saw := to(t, "openai", "gpt-4o", true, wire.GeminiGenerate).saw(`"systemInstruction":{"parts":[{"text":"say JSON"}]},` + ofGemini)
	require.Equal(t, "system: say JSON|user: go", rolesIn(saw), "instructions count for chat completions")

	for client, members := range map[wire.Endpoint]string{
		wire.ChatCompletions: `"messages":[{"role":"system","content":"say JSON"},{"role":"user","content":"go"}],"response_format":{"type":"json_object"}`,
		wire.GeminiGenerate:  `"systemInstruction":{"parts":[{"text":"say JSON"}]},` + ofGemini,
	} {
		saw := to(t, "openai/responses", "gpt-5", true, client).saw(members)
		require.Equal(t, "json_object", at(t, saw, "text", "format", "type"))
		require.Equal(t, "say JSON", saw["instructions"])
		require.Equal(t, "system", at(t, saw, "input", 0, "role"), "for the Responses API they do not")
		require.Equal(t, "Answer with one JSON object and nothing else.", at(t, saw, "input", 0, "content", 0, "text"))
	}
	saw = to(t, "openai/responses", "gpt-5", true, wire.ChatCompletions).saw(`"messages":[{"role":"user","content":"JSON, please"}],"response_format":{"type":"json_object"}`)
	require.Len(t, saw["input"], 1)
}

func TestOnlyTheToolsThatAChoiceAllowsAreThoseOfTheRequest(t *testing.T) {
	choice := func(mode string) string {
		return `"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"` + mode + `","tools":[{"type":"function","function":{"name":"g"}}]}},` +
			`"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]`
	}
	saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(choice("required"))
	require.Len(t, saw["tools"], 1)
	require.Equal(t, "g", at(t, saw, "tools", 0, "name"))
	require.Equal(t, "any", at(t, saw, "tool_choice", "type"))
	saw = to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions).saw(choice("auto"))
	require.Len(t, at(t, saw, "tools", 0, "functionDeclarations"), 1)
	require.Equal(t, "AUTO", at(t, saw, "toolConfig", "functionCallingConfig", "mode"))
	saw = to(t, "openai/responses", "gpt-5", true, wire.ChatCompletions).saw(choice("auto"))
	require.Len(t, saw["tools"], 1)
	require.Equal(t, "auto", saw["tool_choice"])

	var e *wire.Error
	require.ErrorAs(t, to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).ask(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}`), &e)
	require.Equal(t, "tool_choice", e.Param, "nothing is left that could be called")
	require.ErrorAs(t, to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).ask(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"tools":[{"function":{"name":1}}]}}`), &e)
	require.Equal(t, "tool_choice.allowed_tools.tools[0].function.name", e.Param)
}

func TestADocumentOfAMessageThatIsALinkIsCarriedToThoseWhoFetchIt(t *testing.T) {
	const members = `"messages":[{"role":"user","content":[{"type":"document","title":"T","source":{"type":"url","url":"https://x/a.pdf"}}]}]`
	saw := to(t, "openai/responses", "gpt-5", true, wire.Messages).saw(members)
	require.Equal(t, map[string]any{"type": "input_file", "file_url": "https://x/a.pdf"}, at(t, saw, "input", 0, "content", 0))
	saw = to(t, "gemini", "gemini-2.5-flash", true, wire.Messages).saw(members)
	require.Equal(t, map[string]any{"mimeType": "application/pdf", "fileUri": "https://x/a.pdf"}, at(t, saw, "contents", 0, "parts", 1, "fileData"))
	var e *wire.Error
	require.ErrorAs(t, to(t, "openai", "gpt-4o", true, wire.Messages).ask(members), &e)
	require.Equal(t, "messages[0].content[0].source", e.Param)
	require.Contains(t, e.Message, "send the document itself")
	require.ErrorAs(t, to(t, "openai/responses", "gpt-5", true, wire.Messages).ask(`"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url"}}]}]`), &e)
	require.Equal(t, "messages[0].content[0].source.url", e.Param)
}

func TestAnImageIsOfATypeThatProvidersKnow(t *testing.T) {
	const inlined = `"contents":[{"parts":[{"inlineData":{"mimeType":"image/jpg","data":"AAAA"}}]}]`
	require.Equal(t, "image/jpeg", at(t, to(t, "anthropic", "claude-sonnet-4-5", true, wire.GeminiGenerate).saw(inlined), "messages", 0, "content", 0, "source", "media_type"))
	require.Equal(t, "data:image/jpeg;base64,AAAA", at(t, to(t, "openai", "gpt-4o", true, wire.GeminiGenerate).saw(inlined), "messages", 0, "content", 0, "image_url", "url"))
	require.Equal(t, "data:image/jpeg;base64,AAAA", at(t, to(t, "openai/responses", "gpt-4o", true, wire.GeminiGenerate).saw(inlined), "input", 0, "content", 0, "image_url"))
	const linked = `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/jpg;base64,AAAA"}}]}]`
	require.Equal(t, "image/jpeg", at(t, to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(linked), "messages", 0, "content", 0, "source", "media_type"))
	require.Equal(t, "image/jpeg", at(t, to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions).saw(linked), "contents", 0, "parts", 0, "inlineData", "mimeType"))
}

func TestASeedIsOneThatTheProviderTakes(t *testing.T) {
	seed := func(model string) any {
		return at(t, to(t, "gemini", model, true, wire.ChatCompletions).saw(`"seed":9007199254740993`), "generationConfig", "seed")
	}
	require.EqualValues(t, 1, seed("gemini-2.5-flash"), "32 bits of it, the same every time")
	saw := to(t, "mistral", "mistral-large-latest", true, wire.GeminiGenerate).saw(`"generationConfig":{"seed":7}`)
	require.EqualValues(t, 7, saw["random_seed"], "which is what Mistral calls it, who refuses what it does not know")
	require.NotContains(t, saw, "seed")
	require.EqualValues(t, 7, to(t, "openai", "gpt-4o", true, wire.GeminiGenerate).saw(`"generationConfig":{"seed":7}`)["seed"])
}

func TestAConversationThatEndsWithAnAnswerIsGoneOnWithByModelsThatRefuseSuchAnEnd(t *testing.T) {
	const ends = `"messages":[{"role":"user","content":"go"},{"role":"assistant","content":"The answer is "}]`
	for model, turns := range map[string]int{"claude-sonnet-4-5": 2, "claude-opus-4-6": 3, "claude-sonnet-4-6": 3, "claude-opus-4-8": 3, "claude-sonnet-5": 3} {
		s := to(t, "anthropic", model, true, wire.ChatCompletions)
		messages := s.saw(ends)["messages"].([]any)
		require.Len(t, messages, turns, model)
		require.Equal(t, turns == 3, len(s.sent.Converted.Dropped) == 1 && s.sent.Converted.Dropped[0] == "prefill", "%s: it is counted", model)
		require.Equal(t, map[int]string{2: "The answer is", 3: "The answer is "}[turns], at(t, messages, 1, "content", 0, "text"), model)
		if turns == 3 {
			require.Equal(t, map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "Continue."}}}, messages[2], model)
		}
	}
	saw := to(t, "anthropic", "claude-opus-4-8", true, wire.GeminiGenerate).saw(`"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]}]`)
	require.Len(t, saw["messages"], 3)
	saw = to(t, "anthropic", "claude-opus-4-8", true, wire.ChatCompletions).saw(`"messages":[{"role":"user","content":"go"},{"role":"assistant","content":"x","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}],"tools":[{"type":"function","function":{"name":"f"}}]`)
	require.Len(t, saw["messages"], 2, "a call wants its result, and the API says so")
}

func TestInstructionsThatNobodyElseSaysAnythingBesideAreTheUsers(t *testing.T) {
	const alone = `"messages":[{"role":"system","content":"Write a haiku."},{"role":"developer","content":"In English."}]`
	want := []any{map[string]any{"type": "text", "text": "Write a haiku."}, map[string]any{"type": "text", "text": "In English."}}
	saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(alone)
	require.Equal(t, want, at(t, saw, "messages", 0, "content"))
	require.NotContains(t, saw, "system")
	saw = to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions).saw(alone)
	require.Len(t, at(t, saw, "contents", 0, "parts"), 2)
	require.NotContains(t, saw, "systemInstruction")
	saw = to(t, "openai/responses", "gpt-5", true, wire.ChatCompletions).saw(alone)
	require.Equal(t, "user", at(t, saw, "input", 0, "role"))
	saw = to(t, "anthropic", "claude-sonnet-4-5", true, wire.ResponsesCreate).saw(`"input":[{"role":"developer","content":"Write a haiku."}]`)
	require.Equal(t, want[:1], at(t, saw, "messages", 0, "content"))

	var e *wire.Error
	require.ErrorAs(t, to(t, "anthropic", "claude-sonnet-4-5", true, wire.ResponsesCreate).ask(`"instructions":"Write a haiku.","input":[]`), &e, "the API wants an input")
	require.Equal(t, "input", e.Param)
	require.ErrorAs(t, to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).ask(`"messages":[{"role":"system","content":""}]`), &e)
	require.Equal(t, "messages", e.Param)
}
