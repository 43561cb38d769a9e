package responses

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what an answer has said of its cost. Figures that cannot be read are as if they were not there.
type tally struct {
	input, cached, written int64
	output, reasoning      int64
	cost                   int64 // what the provider itself says that it cost, in nano-dollars, and 1; 0 if it does not
}

// note reads a usage value; nil and null are none. Zeros alone do not undo what was said before.
func (t *tally) note(value []byte) {
	if len(value) == 0 || value[0] != '{' {
		return
	}
	var n tally
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "input_tokens", "prompt_tokens": // the latter as chat completions have it
			jsonscan.CountInto(m.Value, &n.input)
		case "output_tokens", "completion_tokens":
			jsonscan.CountInto(m.Value, &n.output)
		case "input_tokens_details", "prompt_tokens_details":
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
				switch string(m.Key) {
				case "cached_tokens":
					jsonscan.CountInto(m.Value, &n.cached)
				case "cache_write_tokens":
					jsonscan.CountInto(m.Value, &n.written)
				}
			})
		case "output_tokens_details", "completion_tokens_details":
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
				if string(m.Key) == "reasoning_tokens" {
					jsonscan.CountInto(m.Value, &n.reasoning)
				}
			})
		default:
			if cost, ok := format.SaidCost(m); ok {
				t.cost = cost + 1
			}
		}
	})
	if n.input > 0 {
		t.input, t.cached, t.written = n.input, n.cached, n.written
	}
	if n.output > 0 {
		t.output, t.reasoning = n.output, n.reasoning
	}
}

// neutral is the usage without its format: OpenAI counts the cache into the input, and reasoning into the output.
func (t *tally) neutral() wire.Usage {
	u := wire.Usage{
		Uncached: t.input - t.cached - t.written, CacheRead: t.cached, CacheWrite5m: t.written, Text: t.output, Reasoning: t.reasoning,
	}
	if u.Uncached < 0 {
		u.Uncached, u.Doubtful = t.input, true
	}
	u.Doubtful = u.Doubtful || u.Reasoning > u.Text
	if t.cost > 0 {
		u.Said, u.SaysCost = t.cost-1, true
	}
	return u
}
