package wire

import (
	"strings"

	"one-api/relay/jsonscan"
)

// EndReason is why an answer ended, whatever its provider calls it.
type EndReason uint8

// The end reasons.
const (
	// NotEnded is no reason at all: null, an empty string, or a word for one of these.
	NotEnded EndReason = iota
	// EndedItself is an answer that says all that it had to say.
	EndedItself
	// EndedByLength is an answer that was cut by a limit on its length or on the context.
	EndedByLength
	// EndedByCall is an answer that waits for the client's tools.
	EndedByCall
	// EndedByFilter is an answer that was refused or cut by the provider's filter, or by the model itself.
	EndedByFilter
	// EndedSomehow is a word in no table. The answer is complete, and the word is news for the operator.
	EndedSomehow
	// EndedBadly is a word for a failure of the provider's: the answer is not complete, and not good.
	EndedBadly
)

// endReasons is the one table of all providers' words, in lower case:
//
//   - OpenAI: https://platform.openai.com/docs/api-reference/chat/object (finish_reason), and status and
//     incomplete_details.reason of https://platform.openai.com/docs/api-reference/responses/object
//   - Anthropic: https://docs.claude.com/en/api/handling-stop-reasons
//   - Gemini: https://ai.google.dev/api/generate-content#FinishReason
//   - Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (stopReason)
//   - Mistral (model_length), Cohere (complete, error_limit, error_toxic), DeepSeek (insufficient_system_resource), Zhipu
//     (sensitive, network_error), Hugging Face's TGI (eos_token, stop_sequence), OpenRouter (error), vLLM and SGLang (abort).
var endReasons = map[string]EndReason{
	"": NotEnded, "null": NotEnded, "none": NotEnded, "unspecified": NotEnded, "finish_reason_unspecified": NotEnded, "in_progress": NotEnded,

	"stop": EndedItself, "end_turn": EndedItself, "stop_sequence": EndedItself, "pause_turn": EndedItself, "compaction": EndedItself,
	"eos": EndedItself, "eos_token": EndedItself, "end": EndedItself, "end_of_turn": EndedItself, "complete": EndedItself,
	"completed": EndedItself, "done": EndedItself, "finish": EndedItself, "finished": EndedItself, "normal": EndedItself,
	"success": EndedItself, "stop_str": EndedItself, "stop_token": EndedItself,
	// Gemini's for an answer that the model itself spoilt: there is nothing to wait for, and nobody else's key would help.
	"other": EndedItself, "language": EndedItself, "malformed_function_call": EndedItself, "unexpected_tool_call": EndedItself,
	"too_many_tool_calls": EndedItself, "no_image": EndedItself, "image_other": EndedItself,

	"length": EndedByLength, "max_tokens": EndedByLength, "max_output_tokens": EndedByLength, "max_completion_tokens": EndedByLength,
	"max_length": EndedByLength, "token_limit": EndedByLength, "model_length": EndedByLength, "context_length": EndedByLength,
	"context_length_exceeded": EndedByLength, "model_context_window_exceeded": EndedByLength, "incomplete": EndedByLength,
	"continuation": EndedByLength,

	"tool_calls": EndedByCall, "tool_call": EndedByCall, "tool_use": EndedByCall, "function_call": EndedByCall, "function_calls": EndedByCall,

	"content_filter": EndedByFilter, "content_filtered": EndedByFilter, "contentfilter": EndedByFilter, "refusal": EndedByFilter,
	"safety": EndedByFilter, "recitation": EndedByFilter, "blocklist": EndedByFilter, "prohibited_content": EndedByFilter,
	"spii": EndedByFilter, "image_safety": EndedByFilter, "image_prohibited_content": EndedByFilter, "image_recitation": EndedByFilter,
	"model_armor": EndedByFilter, "jailbreak": EndedByFilter, "guardrail_intervened": EndedByFilter, "sensitive": EndedByFilter,
	"moderation": EndedByFilter,

	"error": EndedBadly, "insufficient_system_resource": EndedBadly, "abort": EndedBadly, "network_error": EndedBadly,
	"malformed_model_output": EndedBadly, "malformed_tool_use": EndedBadly,
}

// signsOfFailure are in every other word for a failure that has been seen.
var signsOfFailure = [...]string{"error", "fail", "abort", "overload", "timeout", "insufficient"}

// longestEndReason is how many bytes a word for an end may have to be looked at. Real ones have at most thirty.
const longestEndReason = 100

// ReadEndReason looks a provider's word up.
func ReadEndReason(word string) EndReason {
	if reason, ok := endReasons[word]; ok {
		return reason
	}
	if len(word) > longestEndReason {
		return EndedSomehow
	}
	word = strings.ToLower(strings.TrimSpace(word))
	if reason, ok := endReasons[word]; ok {
		return reason
	}
	for _, sign := range signsOfFailure {
		if strings.Contains(word, sign) {
			return EndedBadly
		}
	}
	return EndedSomehow
}

// EndReasonOf reads an end reason that is a JSON value, or nil: a string, null, or an object that has the word under "type" or
// "reason". A known word costs no allocation.
func EndReasonOf(value []byte) EndReason {
	if len(value) == 0 {
		return NotEnded
	}
	switch value[0] {
	case '"':
		if reason, ok := endReasons[string(value[1:len(value)-1])]; ok {
			return reason
		}
		return ReadEndReason(EndWord(value))
	case '{':
		if word := EndWord(value); word != "" {
			return ReadEndReason(word)
		}
	case 'n', 'f': // null, false
		return NotEnded
	}
	return EndedSomehow
}

// EndWord is the word in an end reason that is a JSON value, as the provider wrote it; of what is neither text nor an object
// with one, the value itself.
func EndWord(value []byte) string {
	if len(value) > longestEndReason {
		return Clip(string(value[:longestEndReason]), longestEndReason-1)
	}
	if word, ok := jsonscan.String(value); ok {
		return word
	}
	if len(value) == 0 || value[0] != '{' {
		return string(value)
	}
	var found string
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // a value of an object that was read before
		if name := string(m.Key); found == "" && (name == "type" || name == "reason") {
			found, _ = jsonscan.String(m.Value)
		}
	})
	return found
}

// Chat is the finish_reason of a chat completion (https://platform.openai.com/docs/api-reference/chat/object). calls reports
// whether the answer has tool calls for the client to run, which some servers end with another word.
func (e EndReason) Chat(calls bool) string {
	switch e {
	case EndedByLength:
		return "length"
	case EndedByFilter:
		return "content_filter"
	case EndedByCall:
		return "tool_calls"
	case NotEnded, EndedItself, EndedSomehow, EndedBadly:
		if calls {
			return "tool_calls"
		}
	}
	return "stop"
}

// Messages is the stop_reason of an Anthropic message (https://docs.claude.com/en/api/handling-stop-reasons). calls is as in
// Chat.
func (e EndReason) Messages(calls bool) string {
	switch e {
	case EndedByLength:
		return "max_tokens"
	case EndedByFilter:
		return "refusal"
	case EndedByCall:
		return "tool_use"
	case NotEnded, EndedItself, EndedSomehow, EndedBadly:
		if calls {
			return "tool_use"
		}
	}
	return "end_turn"
}

// Gemini is the finishReason of a candidate (https://ai.google.dev/api/generate-content#FinishReason), which has none for calls.
func (e EndReason) Gemini() string {
	switch e {
	case EndedByLength:
		return "MAX_TOKENS"
	case EndedByFilter:
		return "SAFETY"
	case NotEnded, EndedItself, EndedByCall, EndedSomehow, EndedBadly:
	}
	return "STOP"
}
