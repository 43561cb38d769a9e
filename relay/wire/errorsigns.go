package wire

import (
	"bytes"

	"one-api/relay/jsonscan"
)

// ErrorSigns are the top-level members by which an object that came with status 200 says that it is an error. Providers and the
// gateways in front of them write it in many ways: {"error":…} with an object, a text or a list; vLLM's {"object":"error"};
// FastAPI's {"detail":…}; MiniMax's {"base_resp":{"status_code":…}}; {"code","msg"}, {"status","message"}, {"errors":[…]},
// {"success":false}. The zero value has seen nothing.
type ErrorSigns uint8

const (
	errorStated   ErrorSigns = 1 << iota // whatever stands beside it
	errorHinted                          // unless there is a part of an answer beside it
	successStated                        // hints are none: {"code":0,"message":"Success"}
)

// Note takes in a top-level member.
func (s *ErrorSigns) Note(m jsonscan.Member) {
	switch string(m.Key) {
	case "error":
		*s |= signOfError(m.Value)
	case "object", "type":
		if string(m.Value) == `"error"` {
			*s |= errorStated
		}
	case "base_resp":
		*s |= signOfBase(m.Value)
	case "success":
		*s |= signOfSuccess(m.Value)
	case "code", "error_code", "err_code", "errcode", "errorCode":
		*s |= signOfCode(m.Value, true)
	case "status", "status_code", "statusCode":
		*s |= signOfCode(m.Value, false)
	case "message", "msg", "error_msg", "err_msg", "errmsg", "error_message", "errorMessage":
		if len(m.Value) > len(`""`) && m.Value[0] == '"' {
			*s |= errorHinted
		}
	case "detail", "errors", "err", "fault":
		if len(m.Value) > len(`""`) && (m.Value[0] == '"' || m.Value[0] == '{' || m.Value[0] == '[') {
			*s |= errorHinted
		}
	}
}

// IsError reports whether the object is an error. answer says that it has a part of an answer, beside which a code, a status or
// a message mean nothing.
func (s ErrorSigns) IsError(answer bool) bool {
	return s&errorStated != 0 || !answer && s&(errorHinted|successStated) == errorHinted
}

// signOfError is for the value of "error". Some servers always have the member, and leave it empty.
func signOfError(value []byte) ErrorSigns {
	switch string(value) {
	case "null", "false", "0":
		return 0
	case `""`, "{}", "[]":
		return errorHinted
	}
	return errorStated
}

func signOfBase(value []byte) (sign ErrorSigns) {
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		if string(m.Key) == "status_code" {
			if sign = signOfCode(m.Value, true); sign == errorHinted {
				sign = errorStated
			}
		}
	})
	return sign
}

func signOfSuccess(value []byte) ErrorSigns {
	switch string(value) {
	case "false":
		return errorHinted
	case "true":
		return successStated
	}
	return 0
}

// signOfCode reads a code or an HTTP status, which may be text. anyOther says that whatever is not a success is an error; else only an
// HTTP error status and a word for one are.
func signOfCode(value []byte, anyOther bool) ErrorSigns {
	text := value
	if len(value) > 1 && value[0] == '"' {
		text = value[1 : len(value)-1]
	}
	var n int64
	isNumber := len(text) > 0 && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') // an error of Int's would cost an allocation
	if isNumber {
		n, isNumber = jsonscan.Int(text)
	}
	switch {
	case isNumber && (n == 0 || n >= 200 && n < 300):
		return successStated
	case isNumber && (anyOther || n >= 400):
		return errorHinted
	case isNumber || len(text) == 0 || len(text) == len(value): // null, true, an object
		return 0
	case bytes.EqualFold(text, []byte("ok")), bytes.EqualFold(text, []byte("success")):
		return successStated
	case anyOther, bytes.EqualFold(text, []byte("error")), bytes.EqualFold(text, []byte("failed")), bytes.EqualFold(text, []byte("fail")):
		return errorHinted
	}
	return 0
}
