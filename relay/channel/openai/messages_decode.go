package openai

import (
	"encoding/json"
	"errors"
	"fmt"

	"one-api/relay/wire"
)

// decodeMessagesRequest reads the body of a Messages call. What has the wrong type is named as the client wrote it.
func decodeMessagesRequest(body []byte) (*wire.MessagesRequest, *wire.Error) {
	var in wire.MessagesRequest
	err := json.Unmarshal(body, &in)
	if err == nil {
		return &in, nil
	}
	// The error does not say which message or which tool, so those are looked at one by one.
	var lists struct {
		Messages json.RawMessage `json:"messages"`
		Tools    json.RawMessage `json:"tools"`
	}
	if json.Unmarshal(body, &lists) == nil {
		if _, problem := decodeList[wire.Message](lists.Messages, "messages"); problem != nil {
			return nil, problem
		}
		if _, problem := decodeList[wire.Tool](lists.Tools, "tools"); problem != nil {
			return nil, problem
		}
	}
	return nil, mistyped("", err)
}

// decodeList reads an array whose elements have one type. A missing one is empty.
func decodeList[T any](value json.RawMessage, path string) ([]T, *wire.Error) {
	if kindOf(value) == 0 {
		return nil, nil
	}
	var list []T
	err := json.Unmarshal(value, &list)
	if err == nil {
		return list, nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(value, &elements) == nil {
		for i, element := range elements {
			var v T
			if err := json.Unmarshal(element, &v); err != nil {
				return nil, mistyped(fmt.Sprintf("%s[%d]", path, i), err)
			}
		}
	}
	return nil, mistyped(path, err)
}

// mistyped turns an error of encoding/json, met in the value at path, into one for the client.
func mistyped(path string, err error) *wire.Error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return wire.BadRequest("", "the body is not the JSON of a Messages request")
	}
	if path == "" && wrong.Field == "" {
		return wire.BadRequest("", "the body must be an object")
	}
	if wrong.Field != "" {
		if path != "" {
			path += "."
		}
		path += wrong.Field
	}
	return invalid(path, "must be "+wire.TypeName(wrong.Type)+", not "+wire.Clip(wrong.Value, longestQuote))
}

// decodeContent reads content that is a string or an array of blocks; text is nil for the latter.
func decodeContent(value json.RawMessage, path string) (text *string, blocks []wire.Block, problem *wire.Error) {
	switch kindOf(value) {
	case '"':
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return nil, nil, mistyped(path, err)
		}
		return &s, nil, nil
	case '[':
		blocks, problem = decodeList[wire.Block](value, path)
		return nil, blocks, problem
	}
	return nil, nil, invalid(path, "must be a string or an array of content blocks")
}
