package channel

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"one-api/relay/wire"
)

// Failure is an attempt that did not complete.
type Failure struct {
	Outcome    Outcome
	Class      Class         // for UpstreamStatus and UpstreamErrorEvent
	Status     int           // the upstream's status, for UpstreamStatus
	Err        *wire.Error   // what the client is told, if this is the failure it is told of
	RetryAfter time.Duration // what the upstream asked for; 0: it did not say
	Reason     Reason        // for Rejected; empty: the request cannot be said in the provider's format
	Detail     string        // for the operator's log: plain words, no key, no address
}

func (f *Failure) Error() string {
	if f.Detail != "" {
		return f.Outcome.String() + ": " + f.Detail
	}
	return f.Outcome.String()
}

// ErrorType is the error.type of the attempt: the status as text for UpstreamStatus, the outcome's name for the rest. A status
// that HTTP does not know is _OTHER: an upstream must not be able to make up new ones.
func (f *Failure) ErrorType() string {
	if f.Outcome == UpstreamStatus {
		if f.Status < 100 || f.Status > 599 {
			return "_OTHER"
		}
		return strconv.Itoa(f.Status)
	}
	return f.Outcome.String()
}

// Verdict is the table's word on the failure.
func (f *Failure) Verdict() Verdict { return Judge(f.Outcome, f.Class) }

// Malformed is the failure of an answer that is not the provider's format.
func Malformed(detail string) *Failure {
	return &Failure{
		Outcome: UpstreamMalformed, Detail: detail,
		Err: &wire.Error{Status: http.StatusBadGateway, Code: "upstream_malformed", Type: "api_error", Message: "the upstream sent an answer that could not be understood"},
	}
}

// Truncated is the failure of an answer that ended in good order before it was complete.
func Truncated(detail string) *Failure {
	return &Failure{
		Outcome: UpstreamTruncated, Detail: detail,
		Err: &wire.Error{Status: http.StatusBadGateway, Code: "upstream_truncated", Type: "api_error", Message: "the upstream's answer ended before it was complete"},
	}
}

// Panicked is the failure of a call in which the relay panicked.
func Panicked() *Failure {
	return &Failure{Outcome: Panic, Detail: "panic", Err: &wire.Error{
		Status: http.StatusInternalServerError, Type: "api_error", Code: "internal_error", Message: "the relay failed internally",
	}}
}

// StatusFailure is the failure of an answer with another status than 2xx. reported is what the provider's body said (message,
// type, code, param; its Status is ignored), or nil where that could not be read. Adaptors correct the class where their
// provider uses a status in its own way.
func StatusFailure(status int, header http.Header, reported *wire.Error) *Failure {
	f := &Failure{Outcome: UpstreamStatus, Status: status, RetryAfter: RetryAfter(header, time.Now())}
	f.Classify(classify(status, reported), reported)
	return f
}

// EventFailure is the failure of an error object inside a 200 answer. status is what the provider would have sent, 0 if unknown.
func EventFailure(status int, reported *wire.Error) *Failure {
	f := &Failure{Outcome: UpstreamErrorEvent, Status: status}
	f.Classify(classify(status, reported), reported)
	return f
}

// Classify sets the failure's class, and with it what the client is told. The provider's words are kept, except those about
// the relay's own credentials, which are none of the client's business.
func (f *Failure) Classify(class Class, reported *wire.Error) {
	f.Class = class
	e := wire.Error{RetryAfter: f.RetryAfter}
	if reported != nil {
		e.Type, e.Code, e.Param, e.Message = reported.Type, reported.Code, reported.Param, reported.Message
		f.Detail = reported.Message
	}
	if e.Message == "" {
		e.Message = "the upstream answered with status " + strconv.Itoa(f.Status)
		if f.Status == 0 {
			e.Message = "the upstream reported an error without saying which"
		}
		f.Detail = e.Message
	}
	switch class {
	case ClassRequest:
		e.Status = f.Status
		if e.Status < 400 || e.Status > 499 {
			e.Status = http.StatusBadRequest
		}
	case ClassElsewhere:
		e.Status = http.StatusBadGateway
		if f.Status == http.StatusNotFound {
			e.Status = http.StatusNotFound
		}
		if e.Type == "invalid_request_error" {
			e.Type = "" // OpenAI's catch-all. Either format has a word for the status that says more
		}
	case ClassKeyRefused:
		e = wire.Error{
			Status: http.StatusBadGateway, Type: "api_error", Code: "upstream_refused_credentials",
			Message: "the upstream refused the relay's credentials; the operator of this relay has to look at it",
		}
	case ClassKeyLimited:
		e.Status = http.StatusTooManyRequests
	default:
		e.Status = http.StatusBadGateway
		if f.Status == http.StatusGatewayTimeout || f.Status == http.StatusRequestTimeout {
			e.Status = http.StatusGatewayTimeout
		}
	}
	f.Err = &e
}

// classify says what a provider's error means, from its status and from the words that OpenAI, Anthropic and what is
// compatible with them use for it.
func classify(status int, reported *wire.Error) Class {
	if reported != nil {
		switch {
		case saysContentFilter(reported), saysContextLength(reported):
			return ClassRequest
		case reported.Code == "insufficient_quota" || reported.Type == "insufficient_quota" || reported.Type == "billing_error":
			return ClassKeyRefused
		case reported.Code == "model_not_found": // OpenAI says it with a 403 too: the key is good, the model is not its
			return ClassElsewhere
		}
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
		http.StatusUnavailableForLegalReasons:
		return ClassRequest
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return ClassKeyRefused
	case http.StatusTooManyRequests:
		return ClassKeyLimited
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return ClassServer
	}
	switch {
	case status >= 500:
		return ClassServer
	case status != 0:
		return ClassElsewhere
	}
	return classifyWords(reported)
}

// classifyWords is for errors without a status: those inside a stream.
func classifyWords(reported *wire.Error) Class {
	if reported == nil {
		return ClassServer
	}
	switch reported.Type {
	case "invalid_request_error", "request_too_large":
		return ClassRequest
	case "authentication_error", "permission_error":
		return ClassKeyRefused
	case "rate_limit_error", "rate_limit_exceeded":
		return ClassKeyLimited
	case "not_found_error":
		return ClassElsewhere
	}
	if reported.Code == "rate_limit_exceeded" {
		return ClassKeyLimited
	}
	return ClassServer
}

func saysContentFilter(e *wire.Error) bool {
	switch e.Code {
	case "content_filter", "content_policy_violation", "moderation_blocked":
		return true
	}
	return e.Type == "content_filter" || e.Type == "content_policy_violation"
}

func saysContextLength(e *wire.Error) bool {
	switch e.Code {
	case "context_length_exceeded", "string_above_max_length":
		return true
	}
	return strings.Contains(e.Message, "maximum context length") || strings.HasPrefix(e.Message, "prompt is too long")
}
