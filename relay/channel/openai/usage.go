package openai

import (
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what the last usage of an answer says. Figures that cannot be read are no reason to fail an answer that can: they
// are zero.
type tally struct{ prompt, completion, total, cached, reasoning int64 }

// longestUsage is how many bytes a usage value may have: it is read with every event that has one, and real ones have a few
// hundred.
const longestUsage = 16 << 10

// note reads a usage value; nil is none, and changes nothing. Later figures correct earlier ones, up or down, but zeros do not:
// some servers end a stream with a usage of which they know nothing any more.
func (t *tally) note(value []byte) {
	if value == nil || len(value) > longestUsage {
		return
	}
	var n tally
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "prompt_tokens":
			n.prompt, _ = jsonscan.Int(m.Value)
		case "completion_tokens":
			n.completion, _ = jsonscan.Int(m.Value)
		case "total_tokens":
			n.total, _ = jsonscan.Int(m.Value)
		case "prompt_tokens_details":
			n.cached = memberInt(m.Value, "cached_tokens")
		case "completion_tokens_details":
			n.reasoning = memberInt(m.Value, "reasoning_tokens")
		}
	})
	if n.prompt > 0 {
		t.prompt, t.cached = n.prompt, n.cached
	}
	if n.completion > 0 || n.reasoning > 0 {
		t.completion, t.reasoning = n.completion, n.reasoning
	}
	if n.total > 0 {
		t.total = n.total
	}
}

// memberInt is a number in an object; 0: it is not there.
func memberInt(object []byte, name string) (n int64) {
	_ = jsonscan.Object(object, func(m jsonscan.Member) {
		if string(m.Key) == name {
			n, _ = jsonscan.Int(m.Value)
		}
	})
	return n
}

// neutral is the usage without its format. OpenAI counts reasoning into completion_tokens, xAI and some others beside it
// (https://docs.x.ai/docs/key-information/consumption-and-rate-limits); the total tells which.
func (t *tally) neutral() wire.Usage {
	n := wire.Usage{Input: max(t.prompt, 0), Output: max(t.completion, 0), Cached: max(t.cached, 0), Reasoning: max(t.reasoning, 0)}
	if n.Reasoning > 0 && t.total-n.Input-n.Output == n.Reasoning {
		n.Output += n.Reasoning
	}
	return n
}

// messagesUsage is the usage as Anthropic counts: what came from the cache is not part of the input.
func messagesUsage(u wire.Usage) wire.MessagesUsage {
	usage := wire.MessagesUsage{
		InputTokens: max(u.Input-u.Cached, 0), CacheReadInputTokens: u.Cached, OutputTokens: u.Output,
	}
	if u.Reasoning > 0 {
		usage.OutputTokensDetails = &wire.OutputTokensDetails{ThinkingTokens: u.Reasoning}
	}
	return usage
}
