package exchange_test

import (
	"bytes"
	"fmt"
	"strings"

	"one-api/relay/wire"
)

// shape is a text of a given size that costs a decoder as much as it can.
type shape struct {
	name, before, piece, after string
	kind
}

func (s shape) text() []byte {
	var b bytes.Buffer
	b.WriteString(s.before)
	for b.Len() < s.size {
		b.WriteString(s.piece)
	}
	b.WriteString(s.after)
	return b.Bytes()
}

// place is the text with a $ where it is filled.
func (s shape) place() string { return s.before + "$" + s.after }

// everywhere puts pieces into each place of a text that is marked with a $.
func everywhere(text string, pieces map[string]string, end string, of kind) (all []shape) {
	places := strings.Split(text, "$")
	for at := 1; at < len(places); at++ {
		for name, piece := range pieces {
			all = append(all, shape{fmt.Sprintf("%s in place %d", name, at), strings.Join(places[:at], ""), piece, end + strings.Join(places[at:], ""), of})
		}
	}
	return all
}

// kind is of texts that are alike in what they do to a decoder. What grows leaves behind what it has outgrown: a buffer that
// doubles as much as it has in the end, and a list that grows by a quarter four times as much.
type kind struct {
	size  int     // bytes
	alive float64 // how much of all that is allocated is alive at once, at the most
}

var (
	ofText = kind{64 << 10, 0.5}
	ofList = kind{16 << 10, 0.36}
)

var (
	asText = map[string]string{"letters": "a", "escapes": `\u0001`, "quotes": `\"`, "no UTF-8": "\xff", "separators": "\u2028", "pairs": `\ud83d\ude00`, "lone surrogates": `\ud83d`, "backslashes": `\\`}
	asList = map[string]string{"objects": `{},`, "numbers": `0,`, "lists": `[],`, "texts": `"",`, "nulls": `null,`}
	asKeys = map[string]string{"keys": `"":0,`, "escaped keys": `"\u0061":0,`, "keys with objects": `"a":{},`}
)

func shapes(texts, lists, objects string) (all []shape) {
	all = append(all, everywhere(texts, asText, "", ofText)...)
	all = append(all, everywhere(lists, asList, "0", ofList)...)
	return append(all, everywhere(objects, asKeys, `"z":0`, ofList)...)
}

// hostileRequests, hostileAnswers and hostileEvents are by the format that they are in.
func hostileRequests(endpoint wire.Endpoint) []shape {
	if endpoint == wire.Messages {
		return shapes(
			`{"model":"$","max_tokens":1,"system":"$","stop_sequences":["$"],"metadata":{"user_id":"$"},"messages":[{"role":"user","content":"$"},`+
				`{"role":"assistant","content":[{"type":"text","text":"$"},{"type":"tool_use","id":"a","name":"f","input":{"a":"$"}}]},`+
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"$"},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"$"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"$"}}]}],`+
				`"tools":[{"name":"f","description":"$","input_schema":{"type":"object","x":"$"}}]}`,
			`{"model":"m","max_tokens":1,"x":[$],"system":[$],"stop_sequences":[$],"messages":[{"role":"user","content":[$]},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"a":[$]}}]},`+
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[$]}]},$],"tools":[$]}`,
			`{"model":"m",$"max_tokens":1,"messages":[{$"role":"user","content":[{$"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{$"z":0}}]}],"tools":[{"name":"f","input_schema":{$"type":"object"}}]}`)
	}
	return shapes(
		`{"model":"$","stop":["$"],"user":"$","messages":[{"role":"system","content":"$"},{"role":"user","content":[{"type":"text","text":"$"},{"type":"image_url","image_url":{"url":"data:image/png;base64,$"}},`+
			`{"type":"file","file":{"filename":"$","file_data":"data:text/plain,$"}}]},{"role":"assistant","content":"$","refusal":"$","tool_calls":[{"id":"$","type":"function","function":{"name":"f","arguments":"{\"a\":0}"}}]},`+
			`{"role":"tool","tool_call_id":"a","content":"$"},{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","description":"$","parameters":{"x":"$"}}}]}`,
		`{"model":"m","x":[$],"stop":[$],"messages":[{"role":"user","content":[$]},{"role":"assistant","content":null,"tool_calls":[$]},{"role":"user","content":"a"},$],"tools":[$],`+
			`"response_format":{"type":"json_schema","json_schema":{"schema":{"a":[$]}}}}`,
		`{"model":"m",$"messages":[{$"role":"user","content":[{$"type":"text","text":"a"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{$"type":"object"}}}]}`)
}

func hostileAnswers(endpoint wire.Endpoint) []shape {
	if endpoint == wire.Messages {
		return shapes(
			`{"id":"$","type":"message","role":"assistant","model":"$","content":[{"type":"thinking","thinking":"$","signature":"$"},{"type":"text","text":"$"},{"type":"tool_use","id":"$","name":"$","input":{"a":"$"}}],"stop_reason":"end_turn","usage":{"input_tokens":1}}`,
			`{"id":"a","type":"message","role":"assistant","model":"m","content":[$,{"type":"text","text":"a","citations":[$]},{"type":"tool_use","id":"a","name":"f","input":{"a":[$]}}],"stop_reason":"end_turn","usage":{"x":[$]},"x":[$]}`,
			`{"id":"a","type":"message",$"role":"assistant","content":[{$"type":"text","text":"a"},{"type":"tool_use","id":"a","name":"f","input":{$"a":0}}],"stop_reason":"end_turn","usage":{$"input_tokens":1}}`)
	}
	return shapes(
		`{"id":"$","model":"$","choices":[{"index":0,"message":{"role":"assistant","content":"$","reasoning_content":"$","refusal":"$","tool_calls":[{"id":"$","type":"function","function":{"name":"$","arguments":"{\"a\":0}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`,
		`{"id":"a","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":[$],"tool_calls":[$]},"finish_reason":"stop"},$],"usage":{"x":[$]},"x":[$]}`,
		`{"id":"a",$"model":"m","choices":[{$"index":0,"message":{$"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{$"prompt_tokens":1}}`)
}

func hostileEvents(endpoint wire.Endpoint) []shape {
	if endpoint == wire.Messages {
		var all []shape
		for _, event := range []string{
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"$"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"$"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"$"}}`,
			`{"type":"message_start","message":{"id":"$","model":"$"}}`,
			`{"type":"message_delta","delta":{"stop_reason":"$"}}`,
		} {
			all = append(all, everywhere(event, asText, "", ofText)...)
		}
		for _, event := range []string{
			`{"type":"message_start","message":{"id":"a","content":[$],"usage":{"x":[$]}}}`, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"a":[$]}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a","citations":[$]}}`,
		} {
			all = append(all, everywhere(event, asList, "0", ofList)...)
		}
		return append(all, everywhere(`{"type":"content_block_delta",$"index":0,"delta":{$"type":"text_delta","text":"a"}}`, asKeys, `"z":0`, ofList)...)
	}
	return shapes(
		`{"id":"$","model":"$","choices":[{"index":0,"delta":{"role":"assistant","content":"$","reasoning_content":"$","refusal":"$","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"$","arguments":"$"}}]},"finish_reason":null}]}`,
		`{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":[$],"tool_calls":[$]},"finish_reason":null},$],"usage":{"x":[$]},"x":[$]}`,
		`{"id":"a",$"model":"m","choices":[{$"index":0,"delta":{$"content":"a"},"finish_reason":null}]}`)
}
