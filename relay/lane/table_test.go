package lane_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/chat"
	"one-api/relay/format/gemini"
	"one-api/relay/format/messages"
	"one-api/relay/format/responses"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// saying is something that a client can say in its format. What carries it has the mark in it; feature is what it is in the table.
type saying struct {
	members, mark string
	feature       llm.Feature
	carried       bool
}

func carried(members, mark string) saying { return saying{members: members, mark: mark, carried: true} }

// rules is something that the table has a rule for; without members it is nothing that such a client can say, or in a test of its own.
func rules(f llm.Feature, members string) saying { return saying{members: members, feature: f} }

func userSays(part string) string {
	return `"messages":[{"role":"user","content":[` + part + `]}]`
}

// inChat is what a client of chat completions can say, to Anthropic.
var inChat = []saying{
	carried(`"messages":[{"role":"system","content":"MARK"},{"role":"user","content":"x"}]`, "MARK"), carried(userSays(`{"type":"text","text":"MARK"}`), "MARK"),
	carried(userSays(`{"type":"image_url","image_url":{"url":"https://MARK/x.png","detail":"low"}}`), "https://MARK/x.png"),
	carried(userSays(`{"type":"image_url","image_url":{"url":"data:image/png;base64,TUFSSw=="}}`), "TUFSSw=="),
	carried(userSays(`{"type":"file","file":{"filename":"MARK.pdf","file_data":"data:application/pdf;base64,TUFSSw=="}}`), "TUFSSw=="),
	carried(userSays(`{"type":"file","file":{"filename":"MARK.txt","file_data":"data:text/plain,MARK"}}`), "MARK"),
	carried(`"tools":[{"type":"function","function":{"name":"f","description":"MARK","parameters":{"type":"object","properties":{"MARK2":{}}},"strict":true}}]`, "MARK2"),
	carried(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}`, `"tool_choice":{"type":"tool","name":"f"}`),
	carried(`"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false`, "disable_parallel_tool_use"),
	carried(`"stop":["MARK"]`, "MARK"), carried(`"max_completion_tokens":777`, "777"), carried(`"max_tokens":777`, "777"),
	carried(`"temperature":0.25`, "0.25"), carried(`"top_p":0.25`, "0.25"), carried(`"top_k":25`, `"top_k":25`),
	carried(`"user":"MARK"`, "MARK"), carried(`"safety_identifier":"MARK"`, "MARK"), carried(`"stream":true,"stream_options":{"include_usage":true}`, `"stream":true`),
	carried(`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","title":"MARK"}}}`, "MARK"),
	carried(`"reasoning_effort":"low"`, `"thinking"`), carried(`"thinking":{"type":"enabled","budget_tokens":2048}`, "2048"), carried(`"reasoning":{"max_tokens":2048}`, "2048"),
	carried(`"reasoning":{"enabled":true}`, `"thinking"`), carried(`"enable_thinking":true,"thinking_budget":2048`, "2048"),
	carried(`"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`, `"ttl":"1h"`),

	rules(llm.MidSystem, `"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"},{"role":"user","content":"z"}]`),
	rules(llm.ImageFile, ""), // a client of chat completions cannot say it
	rules(llm.AudioInput, userSays(`{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}`)),
	rules(llm.VideoInput, userSays(`{"type":"video_url","video_url":{"url":"https://x/y.mp4"}}`)),
	rules(llm.OtherParts, `"messages":[{"role":"user","content":"x"},{"role":"assistant","audio":{"id":"audio_1"}},{"role":"user","content":"y"}]`),
	rules(llm.DocumentFile, userSays(`{"type":"file","file":{"file_id":"f"}}`)),
	rules(llm.OtherDocuments, userSays(`{"type":"file","file":{"filename":"x.docx","file_data":"data:application/msword;base64,AA=="}}`)),
	rules(llm.OtherParts, userSays(`{"type":"hologram","hologram":{"url":"https://x"}}`)),
	rules(llm.EarlierReasoning, `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","reasoning_content":"MARK"},{"role":"user","content":"z"}]`),
	rules(llm.EarlierReasoning, `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]`),
	rules(llm.EarlierRefusal, `"messages":[{"role":"user","content":"x"},{"role":"assistant","refusal":"MARK"},{"role":"user","content":"z"}]`),
	rules(llm.OddArguments, `"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"half"}}]},{"role":"tool","tool_call_id":"a","content":"no JSON"}]`),
	rules(llm.MessageName, `"messages":[{"role":"user","name":"MARK","content":"x"}]`),
	rules(llm.CustomTools, `"tools":[{"type":"custom","custom":{"name":"f"}}]`),
	rules(llm.CustomTools, `"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"custom","custom":{"name":"f"}}`),
	rules(llm.CustomTools, `"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{"name":"f","input":"i"}}]},{"role":"tool","tool_call_id":"a","content":"r"}]`),
	rules(llm.OldFunctions, `"functions":[{"name":"f"}]`), rules(llm.OldFunctions, `"function_call":"auto"`),
	rules(llm.OldFunctions, `"messages":[{"role":"user","content":"x"},{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"r"}]`),
	rules(llm.OldFunctions, `"messages":[{"role":"user","content":"x"},{"role":"function","name":"f","content":"r"}]`),
	rules(llm.MaxTokens, `"max_tokens":100000`), rules(llm.StrictTools, ""), rules(llm.JSONSchema, `"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","additionalProperties":true}}}`),
	rules(llm.LeadingAnswer, `"messages":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]`), rules(llm.Prefill, `"messages":[{"role":"user","content":"b"},{"role":"assistant","content":"a "}]`),
	rules(llm.ForcedTools, ""), // it is carried, and thinking is not
	rules(llm.AllowedTools, `"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}`),
	rules(llm.Temperature, `"temperature":1.5`), rules(llm.SamplingTopP, `"temperature":0.5,"top_p":0.5`), rules(llm.SamplingTopK, `"reasoning_effort":"high","top_k":5`),
	rules(llm.ImageDetail, userSays(lowDetail)),
	rules(llm.Seed, `"seed":1`), rules(llm.Penalties, `"frequency_penalty":1`), rules(llm.Penalties, `"presence_penalty":1`), rules(llm.LogitBias, `"logit_bias":{"1":1}`),
	rules(llm.Logprobs, `"logprobs":true,"top_logprobs":3`), rules(llm.ManyChoices, `"n":2`), rules(llm.JSONObject, `"response_format":{"type":"json_object"}`),
	rules(llm.OtherForms, `"response_format":{"type":"grammar","grammar":"g"}`),
	rules(llm.ReasoningEffort, `"reasoning_effort":"high","max_tokens":10`), rules(llm.ThinkingBudget, `"thinking":{"type":"enabled","budget_tokens":2048},"max_tokens":10`),
	rules(llm.ThinkingBudget, `"thinking":{"type":"enabled","budget_tokens":2048},"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`),
	rules(llm.EndUser, `"user":"someone@example.com"`), rules(llm.CacheKeys, `"prompt_cache_key":"k"`), rules(llm.CacheKeys, `"prompt_cache_retention":"24h"`),
	rules(llm.CacheHints, userSays(strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},`, 5), ","))),
	rules(llm.ServiceTier, `"service_tier":"flex"`), rules(llm.AudioOutput, `"modalities":["text","audio"]`), rules(llm.AudioOutput, `"audio":{"voice":"a","format":"wav"}`),
	rules(llm.WebSearch, `"web_search_options":{}`), rules(llm.Prediction, `"prediction":{"type":"content","content":"c"}`), rules(llm.Verbosity, `"verbosity":"low"`),
	rules(llm.StoredAnswers, `"store":true`), rules(llm.Labels, `"metadata":{"a":"b"}`), rules(llm.OtherMembers, `"repetition_penalty":1.2`), rules(llm.OtherMembers, `"min_p":0.1`),
}

// inMessages is what a client of the Messages API can say, to a server of which nobody knows more than that it is like OpenAI's.
var inMessages = []saying{
	carried(`"system":"MARK"`, "MARK"), carried(`"system":[{"type":"text","text":"MARK"}]`, "MARK"), carried(userSays(`{"type":"text","text":"MARK"}`), "MARK"),
	carried(userSays(`{"type":"image","source":{"type":"url","url":"https://MARK/x.png"}}`), "https://MARK/x.png"), carried(userSays(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"TUFSSw=="}}`), "TUFSSw=="),
	carried(userSays(`{"type":"document","title":"MARK","source":{"type":"base64","media_type":"application/pdf","data":"TUFSSw=="}}`), "TUFSSw=="),
	carried(`"tools":[{"name":"f","description":"MARK","input_schema":{"type":"object","properties":{"MARK2":{}}}}]`, "MARK2"),
	carried(`"tools":[{"name":"f"}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`, `"parallel_tool_calls":false`),
	carried(`"stop_sequences":["MARK"]`, "MARK"), carried(`"max_tokens":777`, "777"), carried(`"temperature":0.25`, "0.25"), carried(`"top_p":0.25`, "0.25"),
	carried(`"metadata":{"user_id":"MARK"}`, "MARK"), carried(`"output_config":{"effort":"low"}`, `"reasoning_effort":"low"`), carried(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","title":"MARK"}}}`, "MARK"),

	rules(llm.MidSystem, `"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]`),
	rules(llm.BillingNote, `"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.0.abc;"},{"type":"text","text":"x"}]`),
	rules(llm.ImageFile, userSays(`{"type":"image","source":{"type":"file","file_id":"f"}}`)), rules(llm.DocumentFile, userSays(`{"type":"document","source":{"type":"file","file_id":"f"}}`)),
	rules(llm.DocumentURL, userSays(`{"type":"document","source":{"type":"url","url":"https://x"}}`)), rules(llm.DocumentText, userSays(`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"MARK"}}`)),
	rules(llm.DocumentNotes, userSays(`{"type":"document","title":"T","context":"C","source":{"type":"text","media_type":"text/plain","data":"d"}}`)), rules(llm.OtherDocuments, ""),
	rules(llm.OtherParts, userSays(`{"type":"container_upload","file_id":"f"}`)), rules(llm.OtherParts, userSays(`{"type":"image","source":{"type":"s3","uri":"s3://x"}}`)),
	rules(llm.OtherParts, `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"brandnew"}]},{"role":"user","content":"y"}]`),
	rules(llm.SearchResults, userSays(`{"type":"search_result","title":"T","source":"https://s","content":[{"type":"text","text":"found"}]}`)),
	rules(llm.ResultMedia, toolsAnswer(`[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"TUFSSw=="}}]`)), rules(llm.ResultFailure, toolsAnswer(`"no","is_error":true`)),
	rules(llm.EarlierReasoning, `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"MARK","signature":"S"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]`),
	rules(llm.EarlierServerTools, `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},`+
		`{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"https://u","title":"t","encrypted_content":"e"}]},{"type":"text","text":"found","citations":[{"type":"web_search_result_location"}]}]},{"role":"user","content":"z"}]`),
	rules(llm.EarlierServerTools, `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"mcp_tool_use","id":"m","name":"n","server_name":"s","input":{}},{"type":"mcp_tool_result","tool_use_id":"m","content":[]}]},{"role":"user","content":"z"}]`),
	rules(llm.ProviderTools, `"tools":[{"type":"web_search_20250305","name":"web_search"}]`), rules(llm.ToolReferences, toolsAnswer(`[{"type":"tool_reference","tool_name":"MARK"}]`)),
	rules(llm.ToolHints, `"tools":[{"name":"f","defer_loading":true}]`), rules(llm.ToolHints, `"tools":[{"name":"f","input_examples":[{}]}]`), rules(llm.ToolHints, `"tools":[{"name":"f","eager_input_streaming":true}]`),
	rules(llm.ForcedTools, ""), rules(llm.StrictTools, `"tools":[{"name":"f","strict":true,"input_schema":{"type":"object"}}]`),
	rules(llm.StrictSchemas, `"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{}}}}}`), rules(llm.JSONSchema, ""), rules(llm.LongToolNames, `"tools":[{"name":"`+strings.Repeat("n", 65)+`"}]`),
	rules(llm.MaxTokens, ""), rules(llm.Temperature, ""), rules(llm.SamplingTopP, ""), rules(llm.SamplingTopK, `"top_k":5`), rules(llm.StopSequences, ""), rules(llm.ReasoningEffort, ""),
	rules(llm.ThinkingBudget, `"thinking":{"type":"enabled","budget_tokens":2048}`), rules(llm.ThinkingBudget, `"thinking":{"type":"adaptive"}`),
	rules(llm.EndUser, `"metadata":{"user_id":"`+strings.Repeat("u", 65)+`"}`), rules(llm.CacheHints, `"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]`), rules(llm.CacheHints, `"cache_control":{"type":"ephemeral"}`),
	rules(llm.Threads, `"thread":{"type":"create"}`), rules(llm.Threads, `"thread":{"type":"continue","previous_message_id":"msg_1"}`),
	rules(llm.ServiceTier, `"service_tier":"auto"`), rules(llm.MCPServers, `"mcp_servers":[{"type":"url","url":"https://x","name":"x"}]`), rules(llm.Containers, `"container":"c"`),
	rules(llm.ContextEditing, `"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}`), rules(llm.InferenceGeo, `"inference_geo":"us"`),
	rules(llm.Citations, userSays(`{"type":"document","citations":{"enabled":true},"source":{"type":"text","media_type":"text/plain","data":"d"}}`)),
	rules(llm.OtherMembers, `"speed":"fast"`), rules(llm.OtherMembers, `"output_config":{"task_budget":{"type":"tokens","total":1}}`),
}

func toolsAnswer(content string) string {
	return `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":` + content + `}]}]`
}

// inResponses is what a client of the Responses API can say, to others.
var inResponses = []saying{
	carried(`"instructions":"MARK"`, "MARK"), carried(`"input":"MARK"`, "MARK"), carried(`"input":[{"role":"user","content":"MARK"}]`, "MARK"),
	carried(itemsSay(`{"type":"input_text","text":"MARK"}`), "MARK"), carried(itemsSay(`{"type":"input_image","image_url":"https://MARK/x.png"}`), "https://MARK/x.png"),
	carried(itemsSay(`{"type":"input_image","image_url":"data:image/png;base64,TUFSSw=="}`), "TUFSSw=="), carried(itemsSay(`{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,TUFSSw=="}`), "TUFSSw=="),
	carried(`"tools":[{"type":"function","name":"f","description":"MARK","parameters":{"type":"object","properties":{"MARK2":{}}}}]`, "MARK2"),
	carried(`"max_output_tokens":777`, "777"), carried(`"temperature":0.25`, "0.25"), carried(`"top_p":0.25`, "0.25"), carried(`"user":"MARK"`, "MARK"), carried(`"safety_identifier":"MARK"`, "MARK"),
	carried(`"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object","title":"MARK"}}}`, "MARK"), carried(`"stream":true`, `"stream":true`),
	carried(`"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":\"MARK\"}"},{"type":"function_call_output","call_id":"c1","output":"r"}]`, "MARK"),
	carried(`"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"MARK"}]`, "MARK"),

	rules(llm.MidSystem, `"input":[{"role":"user","content":"x"},{"role":"developer","content":"y"}]`), rules(llm.AudioInput, itemsSay(`{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}`)),
	rules(llm.ImageFile, itemsSay(`{"type":"input_image","file_id":"f"}`)), rules(llm.DocumentFile, itemsSay(`{"type":"input_file","file_id":"f"}`)),
	rules(llm.OtherDocuments, itemsSay(`{"type":"input_file","filename":"x.docx","file_data":"data:application/msword;base64,AA=="}`)),
	rules(llm.OtherParts, itemsSay(`{"type":"input_video","video_url":"https://x"}`)), rules(llm.OtherParts, `"input":[{"role":"user","content":"x"},{"type":"brandnew"}]`),
	rules(llm.EarlierReasoning, `"input":[{"role":"user","content":"x"},{"type":"reasoning","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"e"},{"role":"assistant","content":"y"},{"role":"user","content":"z"}]`),
	rules(llm.EarlierServerTools, `"input":[{"role":"user","content":"x"},{"type":"web_search_call","id":"ws_1","status":"completed"},{"role":"assistant","content":"y"},{"role":"user","content":"z"}]`),
	rules(llm.OddArguments, `"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{half"},{"type":"function_call_output","call_id":"c1","output":"no JSON"}]`),
	rules(llm.SpareSearch, `"tools":[{"type":"web_search","external_web_access":true},{"type":"function","name":"f"}],"tool_choice":"auto"`),
	rules(llm.ProviderTools, `"tools":[{"type":"web_search"}]`), rules(llm.ProviderTools, `"tools":[{"type":"web_search"},{"type":"function","name":"f"}],"tool_choice":"required"`), rules(llm.ProviderTools, `"tools":[{"type":"function","name":"f"},{"type":"mcp","server_label":"x"}]`),
	rules(llm.TextTools, `"tools":[{"type":"custom","name":"patch"}]`), rules(llm.ToolNamespaces, `"tools":[{"type":"namespace","name":"n","description":"d","tools":[{"type":"function","name":"f"}]}]`),
	rules(llm.KeptState, `"previous_response_id":"resp_1"`), rules(llm.KeptState, `"conversation":"conv_1"`), rules(llm.KeptState, `"background":true`), rules(llm.KeptState, `"prompt":{"id":"p"}`),
	rules(llm.KeptState, `"input":[{"type":"item_reference","id":"rs_1"}]`), rules(llm.KeptState, `"input":[{"role":"user","content":"x"},{"type":"compaction","encrypted_content":"e"}]`),
	rules(llm.OtherForms, `"text":{"format":{"type":"grammar"}}`), rules(llm.JSONObject, ""), rules(llm.JSONSchema, ""), rules(llm.Temperature, ""), rules(llm.SamplingTopP, ""), rules(llm.ReasoningEffort, ""),
	rules(llm.EndUser, ""), rules(llm.EarlierRefusal, ""), rules(llm.CacheKeys, `"prompt_cache_key":"k"`), rules(llm.CacheKeys, `"prompt_cache_retention":"24h"`), rules(llm.Verbosity, `"text":{"verbosity":"low"}`),
	rules(llm.StoredAnswers, `"store":true`), rules(llm.Labels, `"metadata":{"a":"b"}`), rules(llm.Logprobs, `"top_logprobs":2`), rules(llm.Logprobs, `"include":["message.output_text.logprobs"]`),
	rules(llm.ServiceTier, `"service_tier":"flex"`), rules(llm.ContextEditing, `"truncation":"auto"`), rules(llm.ContextEditing, `"context_management":[{"type":"compaction"}]`), rules(llm.OtherMembers, `"speed":"fast"`),
}

// inResponsesToChat is what only chat completions cannot have as it is.
var inResponsesToChat = []saying{
	carried(itemsSay(lowItem), `"detail":"low"`),
	rules(llm.DocumentText, itemsSay(`{"type":"input_file","filename":"a.txt","file_data":"data:text/plain,MARK"}`)), rules(llm.DocumentURL, itemsSay(`{"type":"input_file","file_url":"https://x/a.pdf"}`)),
	rules(llm.ResultMedia, `"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:image/png;base64,TUFSSw=="}]}]`),
	rules(llm.StrictTools, `"tools":[{"type":"function","name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{}}}}]`),
	rules(llm.StrictSchemas, `"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object","properties":{"a":{}}}}}`),
}

// lowDetail is an image of a chat completion that need not be looked at closely, and lowItem one of the Responses API.
const (
	lowDetail = `{"type":"image_url","image_url":{"url":"https://x/a.png","detail":"low"}}`
	lowItem   = `{"type":"input_image","image_url":"https://x/a.png","detail":"low"}`
)

func itemsSay(part string) string { return `"input":[{"role":"user","content":[` + part + `]}]` }

// TestWhatAClientSaysIsCarriedOrStandsInTheTable has everything that a client can say: it reaches the provider, or the table says what
// becomes of it, in the words that the client gets, and nothing is lost without a word.
func TestWhatAClientSaysIsCarriedOrStandsInTheTable(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, model string
		own         bool
		client      wire.Endpoint
		from, to    *format.Format
		all         []saying
	}{
		"from chat to messages": {"anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions, chat.Format, messages.Format, inChat},
		"from messages to chat": {"openai", "gpt-x", false, wire.Messages, messages.Format, chat.Format, inMessages},

		"from responses to chat":     {"openai", "gpt-x", false, wire.ResponsesCreate, responses.Format, chat.Format, append(inResponses, inResponsesToChat...)},
		"from responses to messages": {"anthropic", "claude-sonnet-4-5", true, wire.ResponsesCreate, responses.Format, messages.Format, append(inResponses, rules(llm.ImageDetail, itemsSay(lowItem)))},

		"from gemini to chat":      {"openai", "gpt-x", false, wire.GeminiGenerate, gemini.Format, chat.Format, append(inGemini, inGeminiToChat...)},
		"from gemini to messages":  {"anthropic", "claude-sonnet-4-5", true, wire.GeminiGenerate, gemini.Format, messages.Format, append(inGemini, inGeminiToMessages...)},
		"from gemini to responses": {"openai/responses", "gpt-4.1", true, wire.GeminiGenerate, gemini.Format, responses.Format, append(inGemini, inGeminiToResponses...)},

		"from chat to gemini":      {"gemini", "gemini-2.5-flash", true, wire.ChatCompletions, chat.Format, gemini.Format, inChatToGemini},
		"from messages to gemini":  {"gemini", "gemini-2.5-flash", true, wire.Messages, messages.Format, gemini.Format, inMessagesToGemini},
		"from responses to gemini": {"gemini", "gemini-2.5-flash", true, wire.ResponsesCreate, responses.Format, gemini.Format, inResponsesToGemini},
	} {
		t.Run(name, func(t *testing.T) {
			met := map[llm.Feature]bool{}
			for _, said := range tc.all {
				met[said.feature] = met[said.feature] || !said.carried
				if said.members == "" {
					continue
				}
				s := to(t, tc.kind, tc.model, tc.own, tc.client)
				err := s.ask(said.members)
				rule := tc.to.Column[said.feature]
				if said.carried {
					require.NoError(t, err, said.members)
					require.Contains(t, string(s.sent.Body), said.mark)
					continue
				}
				require.NotEqual(t, format.Carry, rule.Fate, said.members)
				var refused *wire.Error
				switch {
				case rule.Fate == format.Refuse:
					require.True(t, errors.As(err, &refused), said.members)
					require.Equal(t, 400, refused.Status)
					require.NotEmpty(t, refused.Param, said.members)
					require.True(t, strings.HasPrefix(refused.Message, refused.Param+" "+rule.Why), "%s: %s", said.members, refused.Message)
					continue
				case rule.Fate == format.Cost || rule.Fate == format.Adapt && strings.Contains(rule.Why, "counted"):
				default:
					require.NoError(t, err, said.members)
					require.Empty(t, s.sent.Converted.Dropped, said.members)
					continue
				}
				require.NoError(t, err, said.members)
				if rule.Fate == format.Cost {
					require.Equal(t, []string{said.feature.String()}, s.sent.Converted.Dropped, said.members)
				}
			}
			for feature, rule := range tc.to.Column {
				require.True(t, met[feature] || rule.Fate == format.Carry || cannotSay[tc.from.Name][feature], "%s is in the table, and nothing here says it", feature)
			}
		})
	}
}

// cannotSay is what a format's clients have no way to say.
var cannotSay = map[string]map[llm.Feature]bool{
	"chat":     {llm.KeptPrompts: true, llm.SafetySettings: true, llm.ImageOutput: true, llm.SpareSearch: true, llm.TextTools: true, llm.ToolNamespaces: true, llm.KeptState: true, llm.EarlierServerTools: true, llm.ProviderTools: true, llm.ContextEditing: true, llm.DocumentURL: true, llm.BillingNote: true, llm.SearchResults: true, llm.ResultFailure: true, llm.ToolReferences: true, llm.ToolHints: true, llm.MCPServers: true, llm.Containers: true, llm.Citations: true, llm.InferenceGeo: true, llm.Threads: true},
	"messages": {llm.ImageDetail: true, llm.KeptPrompts: true, llm.SafetySettings: true, llm.ImageOutput: true, llm.SpareSearch: true, llm.TextTools: true, llm.ToolNamespaces: true, llm.KeptState: true, llm.OddArguments: true, llm.OtherForms: true, llm.CacheKeys: true, llm.Verbosity: true, llm.StoredAnswers: true, llm.Labels: true, llm.Logprobs: true, llm.AudioInput: true, llm.VideoInput: true, llm.OldFunctions: true, llm.CustomTools: true, llm.AllowedTools: true, llm.LeadingAnswer: true, llm.Seed: true, llm.Penalties: true, llm.LogitBias: true, llm.ManyChoices: true, llm.JSONObject: true, llm.AudioOutput: true, llm.WebSearch: true, llm.Prediction: true, llm.MessageName: true, llm.EarlierRefusal: true, llm.Prefill: true},
	"responses": {
		llm.KeptPrompts: true, llm.SafetySettings: true, llm.ImageOutput: true, llm.VideoInput: true,
		llm.MaxTokens: true, llm.LeadingAnswer: true, llm.Prefill: true, llm.StrictTools: true, llm.JSONSchema: true,
		llm.BillingNote: true, llm.DocumentNotes: true, llm.SearchResults: true, llm.ResultFailure: true, llm.MessageName: true, llm.CustomTools: true, llm.OldFunctions: true,
		llm.ToolReferences: true, llm.ToolHints: true, llm.ForcedTools: true, llm.AllowedTools: true, llm.StopSequences: true, llm.Seed: true, llm.Penalties: true, llm.LogitBias: true,
		llm.ManyChoices: true, llm.ThinkingBudget: true, llm.CacheHints: true, llm.AudioOutput: true, llm.WebSearch: true, llm.Prediction: true, llm.MCPServers: true,
		llm.Containers: true, llm.Citations: true, llm.InferenceGeo: true, llm.Threads: true, llm.SamplingTopK: true, llm.LongToolNames: true,
	},
}

func init() {
	cannotSay["gemini"] = map[llm.Feature]bool{}
	for _, feature := range geminiCannotSay {
		cannotSay["gemini"][feature] = true
	}
}

// TestARefusalHasItsWordsFromTheTable looks at the code that reads requests: what it refuses itself is wrong in the client's own format,
// and what another format cannot say is refused by the table of that one.
func TestARefusalHasItsWordsFromTheTable(t *testing.T) {
	columns := map[string]format.Column{"chat": messages.Format.Column, "messages": chat.Format.Column, "responses": chat.Format.Column, "gemini": chat.Format.Column}
	words := regexp.MustCompile("(?:format\\.Wrong\\(|What: )([\"`].*?[\"`])")
	asks := regexp.MustCompile(`format\.Asks\(llm\.(\w+)\)`)
	names := namesOfFeatures(t)
	for client, column := range columns {
		files, err := filepath.Glob(filepath.Join("..", "format", client, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range words.FindAllStringSubmatch(string(text), -1) {
				require.NotRegexp(t, `provider|support|cannot|converted|take`, m[1], "%s refuses what its own format has: that belongs into the table (format.Asks)", file)
			}
			for _, m := range asks.FindAllStringSubmatch(string(text), -1) {
				feature, known := names[m[1]]
				require.True(t, known, m[1])
				require.Equal(t, format.Refuse, column[feature].Fate, "%s refuses %s, and the table does not", file, m[1])
			}
		}
	}
}

// namesOfFeatures is the features by their names in the code.
func namesOfFeatures(t *testing.T) map[string]llm.Feature {
	t.Helper()
	text, err := os.ReadFile("../llm/feature.go")
	require.NoError(t, err)
	_, list, _ := strings.Cut(string(text), "MidSystem Feature = iota")
	list, _, _ = strings.Cut("MidSystem"+list, "\n\n")
	names := map[string]llm.Feature{}
	for i, name := range strings.Fields(list) {
		names[name] = llm.Feature(i)
	}
	require.Len(t, names, int(llm.Features))
	return names
}
