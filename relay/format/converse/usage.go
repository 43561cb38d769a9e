package converse

import (
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what an answer has said of its cost. inputTokens has nothing in it of what was read from a cache or written to one.
type tally struct {
	input, cached      int64
	created, created1h int64 // all that was written to the cache, and the part that is kept for an hour
	output             int64
}

// note reads a usage value; nil is none.
func (t *tally) note(usage []byte) {
	if len(usage) == 0 || usage[0] != '{' {
		return
	}
	_ = jsonscan.Object(usage, func(m jsonscan.Member) { // it has been read with the answer
		switch string(m.Key) {
		case "inputTokens":
			jsonscan.CountInto(m.Value, &t.input)
		case "outputTokens":
			jsonscan.CountInto(m.Value, &t.output)
		case "cacheReadInputTokens":
			jsonscan.CountInto(m.Value, &t.cached)
		case "cacheWriteInputTokens":
			jsonscan.CountInto(m.Value, &t.created)
		case "cacheDetails":
			t.created1h = 0
			jsonscan.Elements(m.Value, func(element []byte) {
				var n int64
				if ttl, _ := jsonscan.String(jsonscan.MemberOf(element, "ttl")); ttl == "1h" {
					jsonscan.CountInto(jsonscan.MemberOf(element, "inputTokens"), &n)
				}
				t.created1h += n
			})
		}
	})
}

// neutral is the usage without its format.
func (t *tally) neutral() wire.Usage {
	hour := min(t.created1h, t.created)
	return wire.Usage{Uncached: t.input, CacheRead: t.cached, CacheWrite5m: t.created - hour, CacheWrite1h: hour, Text: t.output}
}
