package responses

import (
	"bytes"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
)

// Clean is the body of a request without what only this relay puts into the answers of others, and OpenAI refuses: its ids, reasoning
// that another provider has sealed, and what is sealed into the ids of tool calls. Nearly always that is the body itself. lost: some of it
// was what another provider has thought.
func Clean(body []byte) (clean []byte, lost bool) {
	unsealed, lost := format.Unseal(body)
	if len(unsealed) == len(body) && !bytes.Contains(body, []byte(ownMark)) {
		return body, false
	}
	clean = format.WithEach(unsealed, "input", func(item []byte) []byte {
		item = cleanItem(item)
		lost = lost || item == nil
		return item
	})
	return clean, lost
}

// cleanItem is an item as OpenAI takes it; nil if it is reasoning that only this relay, or another provider, can read.
func cleanItem(element []byte) []byte {
	if !format.IsObject(element) {
		return element
	}
	var id jsonscan.Member
	var kind, sealed []byte
	_ = jsonscan.Object(element, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "id":
			id = m
		case "type":
			kind = m.Value
		case "encrypted_content":
			sealed = m.Value
		}
	})
	own := strings.Contains(textOf(id.Value), ownMark)
	switch {
	case textOf(kind) == "reasoning" && (own || string(sealed) == `""`):
		return nil
	case own:
		return without(element, id)
	}
	return element
}

// without is an object without a member whose name is written as it usually is.
func without(object []byte, m jsonscan.Member) []byte {
	from, to := bytes.LastIndex(object[:m.Start], []byte(`"`+string(m.Key)+`"`)), m.End
	if from < 0 {
		return object
	}
	if rest := bytes.TrimLeft(object[to:], " \t\r\n"); rest[0] == ',' {
		to = len(object) - len(rest) + 1
	} else if before := bytes.TrimRight(object[:from], " \t\r\n"); before[len(before)-1] == ',' {
		from = len(before) - 1
	}
	return append(bytes.Clone(object[:from]), object[to:]...)
}
