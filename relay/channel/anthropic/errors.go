package anthropic

import (
	"net/http"
	"strings"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// statusOverloaded is Anthropic's own status for being overloaded.
const statusOverloaded = 529

// errorStatus is the status that comes with each error type (https://docs.claude.com/en/api/errors).
var errorStatus = map[string]int{
	"invalid_request_error": http.StatusBadRequest,
	"authentication_error":  http.StatusUnauthorized,
	"billing_error":         http.StatusPaymentRequired,
	"permission_error":      http.StatusForbidden,
	"not_found_error":       http.StatusNotFound,
	"request_too_large":     http.StatusRequestEntityTooLarge,
	"rate_limit_error":      http.StatusTooManyRequests,
	"api_error":             http.StatusInternalServerError,
	"timeout_error":         http.StatusGatewayTimeout,
	"overloaded_error":      statusOverloaded,
}

// accountTrouble is how messages begin that Anthropic sends as an invalid request although they are about the account behind
// the key. Only the beginning is compared: further on, a message may quote what a client wrote.
var accountTrouble = []string{
	"Your credit balance is too low",
	"You have reached your specified API usage limits",
	"This organization has been disabled",
}

func (adaptor) Failure(status int, header http.Header, body []byte) *channel.Failure {
	reported := errorInBody(body)
	return correct(channel.StatusFailure(status, header, reported), reported)
}

// eventFailure is the failure that an error object within a 200 answer reports.
func eventFailure(value []byte) *channel.Failure {
	reported := errorObject(value)
	status := 0
	if reported != nil {
		status = errorStatus[reported.Type]
	}
	return correct(channel.EventFailure(status, reported), reported)
}

func correct(f *channel.Failure, reported *wire.Error) *channel.Failure {
	if reported == nil || f.Class != channel.ClassRequest {
		return f
	}
	for _, beginning := range accountTrouble {
		if strings.HasPrefix(reported.Message, beginning) {
			f.Classify(channel.ClassKeyRefused, reported)
			return f
		}
	}
	return f
}

// errorInBody is what the body of an error answer says: {"type":"error","error":{…}}, OpenAI's {"error":{…}}, or the
// {"error":"…"}, {"message":"…"} and {"detail":"…"} of gateways in front of a provider. nil where it says nothing of the kind:
// a page of HTML is not for the client.
func errorInBody(body []byte) *wire.Error {
	var failure []byte
	var message string
	err := jsonscan.Object(body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "error":
			failure = m.Value
		case "message", "detail":
			if s, ok := jsonscan.String(m.Value); ok {
				message = s
			}
		}
	})
	if err != nil {
		return nil
	}
	if reported := errorObject(failure); reported != nil {
		return reported
	}
	if message != "" {
		return &wire.Error{Message: message}
	}
	return nil
}

// errorObject reads the value of "error": an object, or its message alone.
func errorObject(value []byte) *wire.Error {
	if message, ok := jsonscan.String(value); ok {
		if message == "" {
			return nil
		}
		return &wire.Error{Message: message}
	}
	var e wire.Error
	err := jsonscan.Object(value, func(m jsonscan.Member) {
		s, ok := jsonscan.String(m.Value)
		switch string(m.Key) {
		case "type":
			e.Type = s
		case "message":
			e.Message = s
		case "param":
			e.Param = s
		case "code":
			e.Code = s
			if !ok && !jsonscan.IsNull(m.Value) && m.Value[0] != '{' && m.Value[0] != '[' {
				e.Code = string(m.Value) // some servers use numbers
			}
		}
	})
	if err != nil || e == (wire.Error{}) {
		return nil
	}
	return &e
}
