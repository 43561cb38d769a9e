package anthropic

import (
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what an answer has said so far of its cost. Figures that cannot be read are no reason to withhold an answer from a
// client that may well understand them: they are as if they were not there.
type tally struct{ input, created, cached, output, thinking int64 }

// note reads a usage value; nil is none. Later figures correct earlier ones, up or down (those of message_delta are the final
// ones), but zeros alone do not: some servers end a stream with a usage of which they know nothing any more.
func (t *tally) note(usage []byte) {
	if len(usage) == 0 {
		return
	}
	n, input := *t, int64(0)
	_ = jsonscan.Object(usage, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "input_tokens":
			input += read(m.Value, &n.input)
		case "cache_creation_input_tokens":
			input += read(m.Value, &n.created)
		case "cache_read_input_tokens":
			input += read(m.Value, &n.cached)
		case "output_tokens":
			read(m.Value, &n.output)
		case "output_tokens_details":
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
				if string(m.Key) == "thinking_tokens" {
					read(m.Value, &n.thinking)
				}
			})
		}
	})
	if input > 0 {
		t.input, t.created, t.cached = n.input, n.created, n.cached
	}
	if n.output > 0 {
		t.output, t.thinking = n.output, n.thinking
	}
}

func read(value []byte, to *int64) int64 {
	n, ok := jsonscan.Int(value)
	if !ok || n < 0 {
		return 0
	}
	*to = n
	return n
}

// neutral is the usage without its format: for Anthropic, what the cache had is no part of the input.
func (t *tally) neutral() wire.Usage {
	return wire.Usage{Input: t.input + t.created + t.cached, Output: t.output, Cached: t.cached, Reasoning: t.thinking}
}
