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
	var input jsonscan.Member
	_ = jsonscan.Object(unsealed, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "input" {
			input = m
		}
	})
	if len(input.Value) == 0 || input.Value[0] != '[' {
		return unsealed, lost
	}
	list := append(make([]byte, 0, len(input.Value)), '[')
	jsonscan.Elements(input.Value, func(element []byte) {
		if element = cleanItem(element); element == nil {
			lost = true
			return
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = append(list, element...)
	})
	list = append(list, ']')
	return jsonscan.Splice(unsealed, jsonscan.Edit{From: input.Start, To: input.End, Text: string(list)}), lost
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
