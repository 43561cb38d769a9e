package openai

import (
	"encoding/json"

	"one-api/relay/wire"
)

// usageReader keeps the last usage that an answer gave. It is decoded when it is asked for: some servers repeat it in every
// chunk, and only the last one counts.
type usageReader struct {
	raw  []byte // not yet decoded
	last wire.Usage
}

// longestUsage is how many bytes a usage value may have: it is kept while the stream goes on, and real ones have a few hundred.
const longestUsage = 16 << 10

// keep copies a usage value; nil is none.
func (u *usageReader) keep(value []byte) {
	if value != nil && len(value) <= longestUsage {
		u.raw = append(u.raw[:0], value...)
	}
}

func (u *usageReader) read() wire.Usage {
	if len(u.raw) > 0 {
		var usage wire.ChatUsage
		// Figures that cannot be read are no reason to fail an answer that can: they stay zero.
		_ = json.Unmarshal(u.raw, &usage)
		u.last, u.raw = neutral(&usage), u.raw[:0]
	}
	return u.last
}

// neutral is the usage without its format. OpenAI counts reasoning into completion_tokens, xAI and some others beside it
// (https://docs.x.ai/docs/key-information/consumption-and-rate-limits); the total tells which.
func neutral(u *wire.ChatUsage) wire.Usage {
	n := u.Neutral()
	n = wire.Usage{Input: max(n.Input, 0), Output: max(n.Output, 0), Cached: max(n.Cached, 0), Reasoning: max(n.Reasoning, 0)}
	if n.Reasoning > 0 && u.TotalTokens-n.Input-n.Output == n.Reasoning {
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
