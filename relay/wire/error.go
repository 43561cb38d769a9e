package wire

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Format is the wire format that a client speaks.
type Format uint8

// The client formats.
const (
	OpenAI Format = iota
	Anthropic
	Responses // OpenAI's, whose streams have errors of their own
	Gemini
	Cohere
	GeminiList // Gemini's, whose streams are one list
)

// Error is an API error, not yet in any format.
type Error struct {
	Status     int           // HTTP status for the client
	Type       string        // the provider's type; empty means the format's usual one for Status
	Code       string        // OpenAI only: machine-readable code, may be empty
	Param      string        // OpenAI only: the offending parameter, may be empty
	Message    string        // for people
	Details    string        // Anthropic only: what its clients' programs go by, as JSON; may be empty
	RetryAfter time.Duration // sent as Retry-After, rounded up to whole seconds, if above 0
	// Overflow says that the request is longer than its model's context, for which each format has a word that its clients go by.
	Overflow bool
	// Header is what the upstream said in its header of whether and when to try again; nil if it said nothing.
	Header http.Header
}

func (e *Error) Error() string { return e.Message }

// BadRequest is the error for a request that the client has to change. param may be empty.
func BadRequest(param, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Param: param, Message: message}
}

// ErrorBody renders e as a whole answer: {"error":{"message","type","param","code"}} for OpenAI clients
// (https://platform.openai.com/docs/guides/error-codes), {"type":"error","error":{"type","message"}} for Anthropic ones
// (https://docs.claude.com/en/api/errors), {"error":{"code","message","status","details"}} for Gemini's
// (https://cloud.google.com/apis/design/errors), {"id","message"} for Cohere's (https://docs.cohere.com/reference/errors). The message ends with the request id.
func (f Format) ErrorBody(e *Error, requestID string) []byte {
	e = f.inItsWords(e)
	switch f {
	case Gemini:
		return geminiError(e, requestID)
	case GeminiList:
		return append(append([]byte{'['}, geminiError(e, requestID)...), ']')
	default:
	}
	message := e.Message + " (request id: " + requestID + ")"
	var v any
	switch f {
	case Cohere:
		v = struct {
			ID      string `json:"id"`
			Message string `json:"message"`
		}{requestID, message}
	case Anthropic:
		type detail struct {
			Details json.RawMessage `json:"details,omitempty"`
			Type    string          `json:"type"`
			Message string          `json:"message"`
		}
		v = struct {
			Type      string `json:"type"`
			Error     detail `json:"error"`
			RequestID string `json:"request_id"`
		}{"error", detail{json.RawMessage(e.Details), f.errorType(e), message}, requestID}
	default:
		type detail struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    *string `json:"code"`
		}
		v = struct {
			Error detail `json:"error"`
		}{detail{message, f.errorType(e), nullable(e.Param), nullable(e.Code)}}
	}
	b, err := json.Marshal(v)
	if err != nil { // strings, and JSON of this program's: cannot fail
		panic(err)
	}
	return b
}

// ErrorEvent renders e as the last event of a stream that did not complete. No terminator may follow it.
func (f Format) ErrorEvent(e *Error, requestID string) []byte {
	switch f {
	case Responses:
		return FailedResponse{}.Event(f.inItsWords(e), requestID)
	case GeminiList:
		return f.ErrorBody(e, requestID)
	default:
	}
	body := f.ErrorBody(e, requestID)
	var b []byte
	if f == Anthropic {
		b = append(b, "event: error\n"...)
	}
	b = append(b, "data: "...)
	b = append(b, body...)
	return append(b, "\n\n"...)
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// exception is how Amazon's types of errors end, which mean nothing to anybody else.
const exception = "Exception"

// errorType keeps the provider's own type if it means something in the format, and otherwise names the status.
func (f Format) errorType(e *Error) string {
	if f != Anthropic {
		if e.Type != "" && !strings.HasSuffix(e.Type, exception) {
			return e.Type
		}
		return openAIErrorType(e.Status)
	}
	if anthropicErrorTypes[e.Type] {
		return e.Type
	}
	return anthropicErrorType(e.Status)
}

func openAIErrorType(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= 500:
		return "api_error"
	default:
		return "invalid_request_error"
	}
}

var anthropicErrorTypes = map[string]bool{
	"invalid_request_error": true, "authentication_error": true, "billing_error": true, "permission_error": true,
	"not_found_error": true, "request_too_large": true, "rate_limit_error": true, "timeout_error": true,
	"api_error": true, "overloaded_error": true,
}

func anthropicErrorType(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusNotFound:
		return "not_found_error"
	case status == http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status == http.StatusGatewayTimeout:
		return "timeout_error"
	case status == http.StatusServiceUnavailable:
		return "overloaded_error"
	case status >= 500:
		return "api_error"
	default:
		return "invalid_request_error"
	}
}

// KeepAlive is what shows a client that waits for a stream that the relay is alive, and says nothing of the answer: a comment (WHATWG
// HTML, 9.2.6), or for Google's clients, some of which take a comment for a broken event, blank lines.
func (f Format) KeepAlive() string {
	if f == Gemini || f == GeminiList {
		return "\n\n"
	}
	return ": ping\n\n"
}
