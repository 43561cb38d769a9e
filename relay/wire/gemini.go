package wire

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// geminiStatuses are Google's words for statuses (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto).
var geminiStatuses = map[int]string{
	http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusPaymentRequired: "FAILED_PRECONDITION", http.StatusForbidden: "PERMISSION_DENIED",
	http.StatusNotFound: "NOT_FOUND", http.StatusConflict: "ABORTED", http.StatusTooManyRequests: "RESOURCE_EXHAUSTED", 499: "CANCELLED",
	http.StatusMethodNotAllowed: "UNIMPLEMENTED", http.StatusNotImplemented: "UNIMPLEMENTED", http.StatusBadGateway: "UNAVAILABLE",
	http.StatusServiceUnavailable: "UNAVAILABLE", http.StatusGatewayTimeout: "DEADLINE_EXCEEDED",
}

// geminiStatus is the word for a status.
func geminiStatus(status int) string {
	if word, ok := geminiStatuses[status]; ok {
		return word
	}
	if status >= http.StatusInternalServerError {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// Types of an error's details (https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto).
const (
	errorInfo  = "type.googleapis.com/google.rpc.ErrorInfo"
	badRequest = "type.googleapis.com/google.rpc.BadRequest"
	retryInfo  = "type.googleapis.com/google.rpc.RetryInfo"
)

// geminiError renders e as google.rpc.Status. What else is known of it stands in the details: which code it has, which field is wrong, and
// how long to wait, which is where Google's clients look for it.
func geminiError(e *Error, requestID string) []byte {
	type violation struct {
		Field       string `json:"field"`
		Description string `json:"description"`
	}
	type detail struct {
		Type       string      `json:"@type"`
		Reason     string      `json:"reason,omitempty"`
		Domain     string      `json:"domain,omitempty"`
		Violations []violation `json:"fieldViolations,omitempty"`
		Delay      string      `json:"retryDelay,omitempty"`
	}
	type status struct {
		Code    int      `json:"code"`
		Message string   `json:"message"`
		Status  string   `json:"status"`
		Details []detail `json:"details,omitempty"`
	}
	s := status{Code: e.Status, Message: e.Message + " (request id: " + requestID + ")", Status: geminiStatus(e.Status)}
	if e.Code != "" {
		s.Details = append(s.Details, detail{Type: errorInfo, Reason: e.Code, Domain: "one-api"})
	}
	if e.Param != "" {
		s.Details = append(s.Details, detail{Type: badRequest, Violations: []violation{{e.Param, e.Message}}})
	}
	if e.RetryAfter > 0 {
		seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
		s.Details = append(s.Details, detail{Type: retryInfo, Delay: strconv.FormatInt(seconds, 10) + "s"})
	}
	b, err := json.Marshal(struct {
		Error status `json:"error"`
	}{s})
	if err != nil { // strings and numbers only: cannot fail
		panic(err)
	}
	return b
}
