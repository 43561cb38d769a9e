package messages

import (
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what an answer has said so far of its cost. Figures that cannot be read are no reason to withhold an answer from a
// client that may well understand them: they are as if they were not there.
type tally struct {
	input, cached      int64
	created, created1h int64 // all that was written to the cache, and the part that is kept for an hour
	output, thinking   int64
}

// note reads a usage value; nil is none. Later figures correct earlier ones, up or down (those of message_delta are the final
// ones), but zeros alone do not: some servers end a stream with a usage of which they know nothing any more.
func (t *tally) note(usage []byte) {
	if len(usage) == 0 {
		return
	}
	n, input, kept := *t, int64(0), int64(0)
	_ = jsonscan.Object(usage, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "input_tokens":
			input += read(m.Value, &n.input)
		case "cache_creation_input_tokens":
			input += read(m.Value, &n.created)
		case "cache_creation":
			kept = n.noteKept(m.Value)
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
	if input > 0 || kept > 0 {
		n.created = max(n.created, kept)
		t.input, t.created, t.created1h, t.cached = n.input, n.created, n.created1h, n.cached
	}
	if n.output > 0 {
		t.output, t.thinking = n.output, n.thinking
	}
}

// noteMetrics reads what Bedrock says of the cost behind the end of a stream
// (amazon-bedrock-invocationMetrics), for what the stream itself has not said.
func (t *tally) noteMetrics(value []byte) {
	if len(value) == 0 || t.output > 0 && t.input+t.cached+t.created > 0 {
		return
	}
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // it has been read with the event
		switch string(m.Key) {
		case "inputTokenCount":
			read(m.Value, &t.input)
		case "outputTokenCount":
			read(m.Value, &t.output)
		case "cacheReadInputTokenCount":
			read(m.Value, &t.cached)
		case "cacheWriteInputTokenCount":
			read(m.Value, &t.created)
		}
	})
}

// noteKept reads for how long what was written to the cache is kept, and returns how much that is.
func (t *tally) noteKept(value []byte) (all int64) {
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "ephemeral_5m_input_tokens":
			var short int64
			all += read(m.Value, &short)
		case "ephemeral_1h_input_tokens":
			all += read(m.Value, &t.created1h)
		}
	})
	return all
}

func read(value []byte, to *int64) int64 {
	n, ok := jsonscan.Count(value)
	if ok {
		*to = n
	}
	return n
}

// neutral is the usage without its format. Anthropic's classes of input do not overlap.
func (t *tally) neutral() wire.Usage {
	u := wire.Usage{
		Uncached: t.input, CacheRead: t.cached, CacheWrite5m: t.created - t.created1h, CacheWrite1h: t.created1h,
		Text: t.output, Reasoning: t.thinking,
	}
	if u.CacheWrite5m < 0 { // corrected downwards, without a word on the hour
		u.CacheWrite5m, u.CacheWrite1h = 0, t.created
	}
	u.Doubtful = u.Reasoning > u.Text
	return u
}
