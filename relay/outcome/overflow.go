package outcome

import (
	"regexp"

	"one-api/relay/wire"
)

// overflowCodes are of requests that are longer than their model's context.
var overflowCodes = words(
	"context_length_exceeded", "context_window_exceeded", "ContextWindowExceededError", "prompt_too_long", "input_too_long",
	"model_context_window_exceeded", "max_context_length_exceeded", "exceed_context_size_error", // llama.cpp
)

// overflowWords is how the rest of them say it: OpenAI, vLLM, DeepSeek and Mistral (maximum context length), Anthropic (prompt
// is too long; input length and max_tokens exceed context limit), xAI (maximum prompt length), Google (input token count
// exceeds), Bedrock (Input is too long for requested model), Groq and Cerebras (reduce the length of the messages), Ollama and
// llama.cpp (context window, context size), DashScope (Range of input length), Moonshot (exceeded model token limit).
var overflowWords = regexp.MustCompile(`(?i)maximum (?:context|prompt|input) length|context (?:length|window|limit|size)|` +
	`(?:prompt|input) is too long|input token count .{0,40}exceeds|reduce the length of the (?:messages|prompt|input)|` +
	`range of input length|exceeded model token limit|too many (?:input |prompt )?tokens`)

// mostJudged is how many bytes of a message are looked at: further on, it may quote the client.
const mostJudged = 512

// Overflows reports whether the upstream says that the request is longer than its model's context: one with a larger one may
// take it.
func (f *Failure) Overflows() bool {
	if f == nil || f.Class != ClassRequest || f.Err == nil || f.Outcome != UpstreamStatus && f.Outcome != UpstreamErrorEvent {
		return false
	}
	return isOneOf(overflowCodes, f.Err.Code) || isOneOf(overflowCodes, f.Err.Type) ||
		overflowWords.MatchString(wire.Clip(f.Err.Message, mostJudged))
}
