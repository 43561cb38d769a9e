package openai

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"one-api/relay/channel"
	"one-api/relay/wire"
)

// longestMessage is how many bytes of a provider's message are passed on.
const longestMessage = 2000

func (adaptor) Failure(status int, header http.Header, body []byte) *channel.Failure {
	reported, _ := reportedError(body)
	if reported == nil && clientCanChange(status) {
		reported = plainError(body)
	}
	return channel.StatusFailure(status, header, reported)
}

// clientCanChange tells for which statuses plain text is the API's own word on the request, such as that of xAI's JSON parser.
// With the others it comes from a proxy in front of it and speaks of addresses and connections.
func clientCanChange(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// failureInside is the failure of an error in a 200 answer or in its stream.
func failureInside(body []byte) *channel.Failure {
	reported, status := reportedError(body)
	return channel.EventFailure(status, reported)
}

// errorBody covers the shapes of error bodies: OpenAI's {"error":{"message","type","param","code"}}, with a number as code at
// OpenRouter and Gemini; {"error":"…"} of small servers; xAI's {"code":"…","error":"…"}; {"message":"…"}; FastAPI's
// {"detail":"…"} and {"detail":[{"loc","msg"}]}; Mistral's {"object":"error","message":…}, where the message may be FastAPI's.
type errorBody struct {
	Error   json.RawMessage `json:"error"`
	Message json.RawMessage `json:"message"`
	Detail  json.RawMessage `json:"detail"`
	Type    json.RawMessage `json:"type"`
	Code    json.RawMessage `json:"code"`
	Param   json.RawMessage `json:"param"`
}

// reportedError reads what an error body says, and the HTTP status in it, 0 if there is none. It returns nil where the body
// says nothing that could be told to a client.
func reportedError(body []byte) (*wire.Error, int) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' { // Gemini's compatible API wraps its error in an array
		var list []json.RawMessage
		if json.Unmarshal(body, &list) != nil || len(list) == 0 {
			return nil, 0
		}
		body = list[0]
	}
	var top errorBody
	if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &top) != nil {
		return nil, 0
	}
	of := top
	if len(top.Error) > 0 && top.Error[0] == '{' {
		of = errorBody{}
		if json.Unmarshal(top.Error, &of) != nil {
			return nil, 0
		}
	}
	e := &wire.Error{Type: token(of.Type), Param: token(of.Param)}
	for _, level := range []errorBody{of, top} {
		if e.Message == "" {
			e.Message = presentable(words(level, 0))
		}
	}
	code, status := errorCode(of.Code)
	e.Code = code
	if e.Type == "" && e.Code == "" && e.Message == "" && status == 0 {
		return nil, 0
	}
	return e, status
}

// words finds the message among an error's members.
func words(e errorBody, depth int) string {
	for _, value := range []json.RawMessage{e.Message, e.Detail, e.Error} {
		if s := wordsOf(value, depth); s != "" {
			return s
		}
	}
	return ""
}

// wordsOf reads a message that is a string, an error object or a list of FastAPI's complaints.
func wordsOf(value json.RawMessage, depth int) string {
	if len(value) == 0 || depth > 3 {
		return ""
	}
	switch value[0] {
	case '"':
		return text(value)
	case '{':
		var inner errorBody
		if json.Unmarshal(value, &inner) == nil {
			return words(inner, depth+1)
		}
	case '[':
		var complaints []struct {
			Loc []any  `json:"loc"`
			Msg string `json:"msg"`
		}
		if json.Unmarshal(value, &complaints) != nil {
			return ""
		}
		var said []string
		for _, c := range complaints[:min(len(complaints), 3)] {
			if c.Msg != "" {
				said = append(said, at(c.Loc)+c.Msg)
			}
		}
		return strings.Join(said, "; ")
	}
	return ""
}

// at renders FastAPI's location of a mistake, such as ["body","messages",0,"role"].
func at(loc []any) string {
	var path []string
	for _, step := range loc {
		switch step := step.(type) {
		case string:
			path = append(path, step)
		case float64:
			path = append(path, strconv.FormatFloat(step, 'f', -1, 64))
		}
	}
	if len(path) == 0 {
		return ""
	}
	return strings.Join(path, ".") + ": "
}

// errorCode reads a code. A number that is an HTTP error status is that, not a code.
func errorCode(value json.RawMessage) (code string, status int) {
	if s := token(value); s != "" {
		return s, 0
	}
	var n json.Number
	if json.Unmarshal(value, &n) != nil || n == "" {
		return "", 0
	}
	if i, err := strconv.Atoi(n.String()); err == nil && i >= 400 && i <= 599 {
		return "", i
	}
	if len(n) > 20 {
		return "", 0
	}
	return n.String(), 0
}

// text is the value of a JSON string, and empty for anything else.
func text(value json.RawMessage) string {
	var s string
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// token is a type, a code or a parameter: short, and fit for a client.
func token(value json.RawMessage) string {
	s := text(value)
	if len(s) > 200 {
		return ""
	}
	return presentable(s)
}

// plainError reads an error that is not JSON. It returns nil for what is no plain text either, such as HTML or cut JSON.
func plainError(body []byte) *wire.Error {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || !utf8.Valid(body) || bytes.ContainsFunc(body, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return nil
	}
	switch body[0] {
	case '{', '[', '"':
		return nil
	}
	message := presentable(string(body))
	if message == "" {
		return nil
	}
	return &wire.Error{Message: message}
}

var (
	markup = regexp.MustCompile(`(?i)^\s*<|<!doctype|<html|<body|<head`)
	// account finds what names the relay's account or key in a provider's words, such as "Rate limit reached for gpt-4o in
	// organization org-…": that is the operator's, not the client's.
	account = regexp.MustCompile(`\b(?:(?:org|proj)[-_][A-Za-z0-9]{16,}|(?:sk|xai|gsk)-[A-Za-z0-9_*-]{8,})`)
)

// presentable makes a provider's words fit for a client: no markup, no account, of bounded length.
func presentable(s string) string {
	if markup.MatchString(s) {
		return ""
	}
	s = strings.TrimSpace(account.ReplaceAllString(s, "***"))
	if len(s) > longestMessage {
		end := longestMessage
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return s
}
