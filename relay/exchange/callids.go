package exchange

import (
	"bytes"
	"net/http"

	"one-api/relay/format"
	"one-api/relay/provider"
)

// A conversation that has moved has ids of tool calls in it as its first provider gave them. What a provider takes is known of its own
// address; of a server at another one it is learned from its refusal, and the request is sent once more with ids that fit.

// refusesIDs is the remedy for an error that says what is wrong with the ids of tool calls: OpenAI's "Invalid
// 'messages[1].tool_calls[0].id': string too long", Mistral's "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9"; 0
// if it says something else.
func (x *Exchange) refusesIDs(text []byte) remedies {
	if x.answer.Status != http.StatusBadRequest && x.answer.Status != http.StatusUnprocessableEntity || x.call == nil ||
		!bytes.Contains(x.call.Body, []byte("tool_call")) && !x.converts() {
		return 0
	}
	says := func(words ...string) bool {
		for _, word := range words {
			if !bytes.Contains(text, []byte(word)) {
				return false
			}
		}
		return true
	}
	text = bytes.ToLower(text)
	switch {
	case !x.has(nineSigns) && says("tool call id", "length of 9"):
		return nineSigns
	case !x.has(shorterIDs) && says("tool_call", ".id", "too long"):
		return shorterIDs
	}
	return 0
}

// quirks is in what the provider differs from others, with what it has just said of itself.
func (x *Exchange) quirks() *provider.Quirks {
	q := x.Channel.Of.QuirksAt(x.Channel.Official)
	if !x.has(nineSigns) && !x.has(shorterIDs) {
		return q
	}
	told := *q
	told.ShortIDs = told.ShortIDs || x.has(nineSigns)
	if told.LongestID == 0 && x.has(shorterIDs) {
		told.LongestID = format.LongestCallID
	}
	return &told
}
