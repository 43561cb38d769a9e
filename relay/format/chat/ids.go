package chat

import (
	"crypto/sha256"
	"strings"

	"one-api/relay/format"
	"one-api/relay/provider"
)

// What providers of this format take as the id of a tool call differs, and conversations move from one to another: an id that the next one
// does not take becomes another one, the same in the call, in its result and in every later turn.

// fitOf makes ids such as a provider takes; nil: it takes all.
func fitOf(q *provider.Quirks) func(id string) string {
	switch {
	case q == nil:
		return nil
	case q.ShortIDs:
		return shortID
	case q.LongestID > 0:
		return func(id string) string {
			if len(id) <= q.LongestID {
				return id
			}
			return format.FitID(id, q.LongestID)
		}
	}
	return nil
}

// shortID is an id of nine letters and digits, as Mistral has it.
func shortID(id string) string {
	const letters, length = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 9
	if len(id) == length && strings.Trim(id, letters) == "" {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	short := make([]byte, length)
	for i := range short {
		short[i] = letters[int(sum[i])%len(letters)]
	}
	return string(short)
}

// withFittingIDs is a native request whose ids of tool calls are such as the provider takes. Nearly always it is the request itself.
func withFittingIDs(body []byte, q *provider.Quirks) []byte {
	fit := fitOf(q)
	if fit == nil {
		return body
	}
	odd := func(id []byte) bool { return fit(string(id)) != string(id) }
	if !format.HoldsID(body, odd, `"id"`, `"tool_call_id"`) {
		return body
	}
	return format.WithEach(body, "messages", func(message []byte) []byte {
		message = format.WithIDs(message, fit, "tool_call_id")
		return format.WithEach(message, "tool_calls", func(call []byte) []byte { return format.WithIDs(call, fit, "id") })
	})
}
