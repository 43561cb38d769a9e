package lane

import (
	"bytes"

	"one-api/relay/format/chat"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// What asks for the usage of a stream (https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options).
const (
	usageAsked  = `"include_usage":true`
	usageObject = `{` + usageAsked + `}`
)

// nativeBody is the client's body with the channel's model in it and, if that is wanted and can be said, the question for the
// stream's usage. All else stays as it is but for what only this relay has put there, and nothing is copied if nothing changes. lost: what
// another provider has thought is left out.
func openAIBody(call *Call, target Destination) (body []byte, asksUsage, lost bool) {
	body, asksUsage = asOpenAI(call, target)
	if call.Endpoint == wire.ChatCompletions {
		body, lost = chat.Clean(body, target.Quirks)
	}
	return body, asksUsage, lost
}

func asOpenAI(call *Call, target Destination) (body []byte, asksUsage bool) {
	var edits [2]jsonscan.Edit
	n := 0
	if target.Model != call.Model && call.ModelTo == 0 { // it names none, and another one is meant than the usual
		begin := bytes.IndexByte(call.Body, '{') + 1
		edits[0] = jsonscan.Edit{From: begin, To: begin, Text: `"model":` + string(jsonscan.AppendString(nil, target.Model))}
		if rest := bytes.TrimLeft(call.Body[begin:], " \t\r\n"); len(rest) > 0 && rest[0] != '}' {
			edits[0].Text += ","
		}
		n++
	} else if target.Model != call.Model {
		edits[0] = jsonscan.Edit{From: call.ModelFrom, To: call.ModelTo, Text: target.Model, Quote: true}
		n++
	}
	if target.AskUsage {
		if edits[n], asksUsage = askForUsage(call); asksUsage {
			n++
		}
	}
	if n == 0 {
		return call.Body, false
	}
	if n == 2 && edits[1].From < edits[0].From {
		edits[0], edits[1] = edits[1], edits[0]
	}
	return jsonscan.Splice(call.Body, edits[:n]...), asksUsage
}

// askForUsage says where in a call the usage is asked for; false if the client's stream_options cannot be extended.
func askForUsage(call *Call) (jsonscan.Edit, bool) {
	o := &call.Options
	if o.To == 0 {
		end := bytes.LastIndexByte(call.Body, '}') // the object has a model, so that this is not its first member
		return jsonscan.Edit{From: end, To: end, Text: `,"stream_options":` + usageObject}, true
	}
	value := call.Body[o.From:o.To]
	switch {
	case o.UsageTo > 0:
		return jsonscan.Edit{From: o.UsageFrom, To: o.UsageTo, Text: "true"}, true
	case jsonscan.IsNull(value):
		return jsonscan.Edit{From: o.From, To: o.To, Text: usageObject}, true
	case value[0] != '{':
		return jsonscan.Edit{}, false
	case len(bytes.TrimSpace(value[1:len(value)-1])) == 0:
		return jsonscan.Edit{From: o.From, To: o.To, Text: usageObject}, true
	}
	return jsonscan.Edit{From: o.From + 1, To: o.From + 1, Text: usageAsked + ","}, true
}
