package gemini

import (
	"encoding/json"
	"slices"
	"strconv"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// pending is a call of an earlier answer.
type pending struct {
	id, name string
	answered bool
}

// piece is a part of a request as it stands.
type piece struct {
	text, inline, file, call, result []byte
	signature                        string
	thought                          bool
	detail                           string // how much of an image is looked at, in others' words
	film                             bool   // it says which part of a film is looked at
	server                           bool   // a step of a tool that the provider runs itself
	other                            string // the name of something that nobody else has
}

func (p *piece) member(name string, value []byte) (problem *format.Problem) {
	switch name {
	case "text":
		if value[0] != '"' {
			return format.MustBe("a string", value).In(name)
		}
		p.text = value
	case "inlineData":
		p.inline = value
	case "fileData":
		p.file = value
	case "functionCall":
		p.call = value
	case "functionResponse":
		p.result = value
	case "thought":
		problem = format.Bool(value, &p.thought)
	case "thoughtSignature":
		problem = format.String(value, &p.signature)
	case "executableCode", "codeExecutionResult", "toolCall", "toolResponse":
		p.server = true
	case "mediaResolution":
		p.detail = details[textOf(jsonscan.MemberOf(value, "level"))]
	case "videoMetadata":
		p.film = true
	case "partMetadata": // it is the client's own
	default:
		p.other = name
	}
	return problem.In(name)
}

func (r *request) system(value []byte) *format.Problem {
	return members(value, func(name string, value []byte) *format.Problem {
		if name != "parts" {
			return nil // the role says nothing here
		}
		return Each(value, func(_ int, element []byte) *format.Problem {
			var p piece
			if problem := object(element, p.member); problem != nil {
				return problem
			}
			if p.text == nil {
				return format.Wrong("must be a text")
			}
			if text := textOf(p.text); text != "" {
				r.Instructions = append(r.Instructions, llm.Part{Text: text})
			}
			return nil
		}).In(name)
	})
}

// content reads an element of contents.
func (r *request) content(element []byte) *format.Problem {
	role, parts := "", []byte(nil)
	problem := object(element, func(name string, value []byte) *format.Problem {
		switch name {
		case "role":
			return format.String(value, &role).In(name)
		case "parts":
			parts = value
		}
		return nil
	})
	if problem != nil {
		return problem
	}
	turn := llm.Turn{}
	switch role {
	case "", "user", "function":
	case "model":
		turn.Role = llm.Assistant
	default:
		return format.Wrong("must be user or model, and not " + format.Quote(role)).In("role")
	}
	problem = Each(parts, func(i int, element []byte) *format.Problem {
		var p piece
		r.place.part = i
		if problem := object(element, p.member); problem != nil {
			return problem
		}
		if turn.Role == llm.Assistant {
			return r.answered(&turn, &p)
		}
		return r.shown(&turn, &p)
	}).In("parts")
	if len(turn.Parts) > 0 {
		r.Turns = append(r.Turns, turn)
	}
	return problem
}

// answered reads a part of an earlier answer.
func (r *request) answered(turn *llm.Turn, p *piece) *format.Problem {
	r.thought(turn, p)
	text := textOf(p.text)
	switch {
	case p.call != nil:
		return r.called(turn, p.call).In("functionCall")
	case p.server:
		r.Note(llm.EarlierServerTools, "contents")
	case p.inline != nil:
		return format.Asks(llm.OtherParts).Named("inlineData").In("inlineData")
	case p.file != nil:
		return format.Asks(llm.OtherParts).Named("fileData").In("fileData")
	case p.result != nil:
		return format.Wrong("has no place in what the model says").In("functionResponse")
	case p.other != "":
		return format.Asks(llm.OtherParts).Named(p.other).In(p.other)
	case text == "":
	case p.thought:
		r.Note(llm.EarlierReasoning, "contents")
		turn.Parts = append(turn.Parts, llm.Part{Kind: llm.Reasoning, Text: text})
	default:
		turn.Parts = append(turn.Parts, llm.Part{Text: text})
	}
	return nil
}

// thought puts the reasoning in front of a part that its signature holds. It is there in full: not every client keeps thoughts.
func (r *request) thought(turn *llm.Turn, p *piece) {
	held := openSigned(p.signature)
	if len(held) == 0 && isGooglesOwn(p.signature) && (p.call != nil || textOf(p.text) != "") {
		turn.Parts = append(turn.Parts, llm.Part{Kind: llm.Reasoning, Signature: p.signature}) // which nobody else reads
	}
	if len(held) == 0 {
		return
	}
	r.Note(llm.EarlierReasoning, "contents")
	turn.Parts = slices.DeleteFunc(turn.Parts, func(before llm.Part) bool { return before.Kind == llm.Reasoning && before.Signature == "" })
	for _, h := range held {
		if h.Redacted {
			turn.Parts = append(turn.Parts, llm.Part{Kind: llm.Redacted, Text: h.Sealed})
		} else {
			turn.Parts = append(turn.Parts, llm.Part{Kind: llm.Reasoning, Text: h.Text, Signature: h.Sealed})
		}
	}
}

func (r *request) called(turn *llm.Turn, value []byte) *format.Problem {
	part := llm.Part{Kind: llm.ToolCall, Input: json.RawMessage("{}")}
	problem := object(value, func(name string, value []byte) *format.Problem {
		switch name {
		case "id":
			return format.String(value, &part.ID).In(name)
		case "name":
			return format.String(value, &part.Name).In(name)
		case "args":
			if !format.IsObject(value) {
				return format.MustBe("an object", value).In(name)
			}
			part.Input = json.RawMessage(value)
		}
		return nil
	})
	switch {
	case problem != nil:
		return problem
	case part.Name == "":
		return format.Wrong("is required").In("name")
	case part.ID == "":
		part.ID = "call_of_" + strconv.Itoa(r.asked) // the same in every request of the conversation
		r.asked++
	}
	r.calls = append(r.calls, &pending{id: part.ID, name: part.Name})
	turn.Parts = append(turn.Parts, part)
	return nil
}

// shown reads a part of what the model is shown.
func (r *request) shown(turn *llm.Turn, p *piece) *format.Problem {
	var part llm.Part
	var problem *format.Problem
	switch {
	case p.result != nil:
		part, problem = r.result(p.result)
		problem = problem.In("functionResponse")
	case p.inline != nil:
		part, problem = r.inline(p.inline)
		problem = problem.In("inlineData")
		r.looked(&part, p)
	case p.file != nil:
		part, problem = r.file(p.file)
		problem = problem.In("fileData")
		r.looked(&part, p)
	case p.call != nil:
		return format.Wrong("has a place in what the model says only").In("functionCall")
	case p.server:
		r.Note(llm.EarlierServerTools, "contents")
		return nil
	case p.other != "":
		return format.Asks(llm.OtherParts).Named(p.other).In(p.other)
	default:
		if part.Text = textOf(p.text); part.Text == "" {
			return nil
		}
	}
	turn.Parts = append(turn.Parts, part)
	return problem
}

// result reads what a function has answered. Which call it is for its id says or, if there is none, its name and its place.
func (r *request) result(value []byte) (part llm.Part, problem *format.Problem) {
	part.Kind = llm.ToolResult
	id, name := "", ""
	var media []llm.Part
	problem = object(value, func(member string, value []byte) *format.Problem {
		switch member {
		case "id":
			return format.String(value, &id).In(member)
		case "name":
			return format.String(value, &name).In(member)
		case "response":
			if !format.IsObject(value) {
				return format.MustBe("an object", value).In(member)
			}
			part.Failed = r.said(&part, value)
			return nil
		case "parts":
			return Each(value, func(_ int, element []byte) (problem *format.Problem) {
				media, problem = r.resultMedia(media, element)
				return problem
			}).In(member)
		}
		return nil // willContinue and scheduling say when the model goes on
	})
	if problem != nil {
		return part, problem
	}
	part.Parts = append(part.Parts, media...)
	call := r.callOf(id, name)
	if call == nil {
		return part, format.Wrong("answers no call: the functionCall has to stand in front of it")
	}
	call.answered = true
	part.ID = call.id
	return part, nil
}

// callOf is the call that a result is for; nil if there is none.
func (r *request) callOf(id, name string) *pending {
	if id != "" {
		for _, c := range slices.Backward(r.calls) {
			if c.id == id || format.Unsealed(c.id) == id {
				return c
			}
		}
	}
	var first *pending
	for _, c := range r.calls {
		switch {
		case c.answered:
		case c.name == name:
			return c
		case first == nil:
			first = c
		}
	}
	return first
}

// said reads the object that a function has answered with: what is under output (or result, which Google's SDKs write), or error, or
// all of it. It reports whether the function has failed.
func (r *request) said(part *llm.Part, response []byte) (failed bool) {
	var only []byte
	n, text := 0, format.Compact(response)
	_ = jsonscan.Object(response, func(m jsonscan.Member) {
		n++
		switch name := string(m.Key); name {
		case "output", "result", "error":
			only, failed = m.Value, name == "error"
		}
	})
	switch {
	case n != 1 || only == nil:
		failed = false
	case only[0] == '"':
		text = textOf(only)
	default:
		text = format.Compact(only)
	}
	if failed {
		r.Note(llm.ResultFailure, "contents")
	}
	if text != "" {
		part.Parts = append(part.Parts, llm.Part{Text: text})
	}
	return failed
}
