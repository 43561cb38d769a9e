package outcome

import (
	"net/http"
	"strconv"
	"time"

	"one-api/relay/complaint"
	"one-api/relay/provider"
	"one-api/relay/wire"
)

// Failure is an attempt that did not complete.
type Failure struct {
	Outcome    Outcome
	Class      Class         // for UpstreamStatus and UpstreamErrorEvent
	Status     int           // the upstream's status, for UpstreamStatus
	Err        *wire.Error   // what the client is told, if this is the failure it is told of
	RetryAfter time.Duration // what the upstream asked for; 0 if it did not say
	Reason     Reason        // for Rejected; empty if the request cannot be said in the provider's format
	Detail     string        // for the operator's log: plain words, no key, no address

	said *complaint.Complaint // what the upstream said; nil if nothing that could be read
	told http.Header          // what its header says to clients; nil if nothing
	// quotable is the part of a message that decided the class, if it was that and not a code. Should it turn out that the
	// client may have put it there, the class is instead.
	quotable string
	instead  Class
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
		Err: &wire.Error{Status: http.StatusBadGateway, Code: "upstream_malformed", Type: "api_error",
			Message: "the upstream sent an answer that could not be understood"},
	}
}

// webPage is what is wrong with such an answer.
const webPage = "a web page instead of an answer: is the base_url the API's, and not a site's?"

// WebPage is the failure of a good answer that is a web page: the channel's base URL leads to a site and not to an API, or something
// between answers in the upstream's place.
func WebPage() *Failure {
	f := Malformed(webPage)
	f.Err.Message = "the upstream sent a web page instead of an answer: the relay's operator has to look at the channel's base_url"
	return f
}

// IsPage reports whether it is a WebPage.
func (f *Failure) IsPage() bool { return f.Outcome == UpstreamMalformed && f.Detail == webPage }

// Truncated is the failure of an answer that ended in good order before it was complete.
func Truncated(detail string) *Failure {
	return &Failure{
		Outcome: UpstreamTruncated, Detail: detail,
		Err: &wire.Error{Status: http.StatusBadGateway, Code: "upstream_truncated", Type: "api_error",
			Message: "the upstream's answer ended before it was complete"},
	}
}

// Panicked is the failure of a call in which the relay panicked.
func Panicked() *Failure {
	return &Failure{Outcome: Panic, Detail: "panic", Err: &wire.Error{
		Status: http.StatusInternalServerError, Type: "api_error", Code: "internal_error", Message: "the relay failed internally",
	}}
}

// RefusedCredentials is the failure of a call whose channel gets no token: whoever gives them out does not take its credentials.
func RefusedCredentials(detail string) *Failure {
	f := &Failure{Outcome: UpstreamStatus, Status: http.StatusUnauthorized}
	f.Classify(ClassKeyRefused, nil)
	f.Detail = detail
	return f
}

// StatusFailure is the failure of an answer with another status than 2xx, whose body is of the given text, which may be cut.
// Adaptors correct the class if their provider uses a status in its own way.
func StatusFailure(status int, header http.Header, body []byte) *Failure {
	f := &Failure{Outcome: UpstreamStatus, Status: status, told: ForClients(header)}
	page := complaint.IsPage(header, body)
	if !page {
		f.said = complaint.Read(body)
		if f.said == nil && speaksPlainly(status) {
			f.said = complaint.Plain(body)
		}
	}
	if !page {
		f.said = typedByAmazon(f.said, header)
	}
	f.RetryAfter = asked(status, header, f.said, time.Now())
	f.judged(classify(status, page, f.said))
	if page {
		f.told, f.Err.Header = nil, nil // it is of something in between
		f.Detail = "a web page, with status " + strconv.Itoa(status)
	}
	return f
}

// speaksPlainly reports for which statuses plain text is the API's own word on the request, such as that of xAI's JSON parser.
// With the others it comes from a proxy in front of it and speaks of addresses and connections.
func speaksPlainly(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusNotFound:
		return true
	}
	return false
}

// EventFailure is the failure of an error inside a 200 answer: of an event's data, or of the whole answer.
func EventFailure(body []byte) *Failure {
	f := &Failure{Outcome: UpstreamErrorEvent, said: complaint.Read(body)}
	if f.said == nil {
		f.judged(classify(0, false, nil))
		return f
	}
	exception := ""
	if f.Status = f.said.Status; f.Status == 0 {
		exception, f.Status = complaint.Exception(f.said.Message)
	}
	j := classify(f.Status, false, f.said)
	if f.Status != 0 && exception != "" && j.quotable == "" {
		j.quotable, j.instead = exception, classify(0, false, f.said).class
	}
	f.waits(j.class)
	f.judged(j)
	return f
}

// waits reads how long an error inside a 200 asks to be left alone. A limit without a status says so in the words of one with it.
func (f *Failure) waits(class Class) {
	status := f.Status
	if status == 0 && (class == ClassKeyLimited || class == ClassModelLimited) {
		status = http.StatusTooManyRequests
	}
	f.RetryAfter = asked(status, nil, f.said, time.Now())
}

// Unquoted is for a message whose beginning the client may have written, which mayBe reports: the failure is what it is without that.
func (f *Failure) Unquoted(mayBe func(phrase string) bool) {
	if f.quotable == "" || !mayBe(f.quotable) {
		return
	}
	f.quotable = ""
	if f.Outcome == UpstreamErrorEvent {
		f.Status = f.said.Status // an exception's name may have stood for another one
		f.waits(f.instead)
	}
	f.Classify(f.instead, f.said)
}

func (f *Failure) judged(j judgement) {
	f.quotable, f.instead = j.quotable, j.instead
	f.Classify(j.class, f.said)
}

// Classify sets the failure's class, and with it what the client is told. The provider's words are kept, except those about
// the relay's own credentials and account, which are none of the client's business. said nil: the provider said nothing.
func (f *Failure) Classify(class Class, said *complaint.Complaint) {
	f.Class = class
	e := wire.Error{RetryAfter: f.RetryAfter, Header: f.told}
	if said != nil {
		e.Type, e.Code, e.Param, e.Message, e.Details = said.Type, said.Code, said.Param, said.Message, said.Details
	}
	if e.Message == "" {
		e.Message = "the upstream answered with status " + strconv.Itoa(f.Status)
		if f.Status == 0 {
			e.Message = "the upstream reported an error without saying which"
		}
	}
	f.Detail = e.Message
	f.tell(&e)
	if e.Status == http.StatusTooManyRequests && (said == nil || said.Code == "") && e.Code == "" {
		e.Code = "rate_limit_exceeded" // which OpenAI's clients go by, and others have no word for beside the status
	}
	f.Err = &e
	e.Overflow = f.Overflows()
}

// tell makes of the provider's words what the client may have of them, and of the class the status that it gets.
func (f *Failure) tell(e *wire.Error) {
	switch f.Class {
	case ClassRequest:
		e.Status = f.Status
		if e.Status < 400 || e.Status > 499 {
			e.Status = http.StatusBadRequest
		}
	case ClassElsewhere:
		f.tellElsewhere(e)
	case ClassKeyRefused, ClassUnauthorized:
		*e = wire.Error{
			Status: http.StatusBadGateway, Type: "api_error", Code: "upstream_refused_credentials",
			Message: "the upstream refused the relay's credentials; the operator of this relay has to look at it",
		}
	case ClassForbidden:
		*e = wire.Error{
			Status: http.StatusBadGateway, Type: "api_error", Code: "upstream_refused",
			Message: "the upstream refused this request or the relay's credentials, without saying which; the operator of this relay can see " +
				"its words in the log",
		}
	case ClassBehind:
		*e = wire.Error{
			Status: http.StatusBadGateway, Type: "api_error", Code: "upstream_refused",
			Message: "the upstream was refused by what it has behind it; the operator of this relay can see its words in the log",
		}
	case ClassMisplaced, ClassPage:
		*e = wire.Error{
			Status: http.StatusBadGateway, Type: "api_error", Code: "upstream_status", RetryAfter: f.RetryAfter,
			Message: "the upstream answered with status " + strconv.Itoa(f.Status),
		}
	case ClassKeyLimited, ClassModelLimited:
		if isOneOf(accountCodes, e.Code) || isOneOf(accountCodes, e.Type) {
			*e = wire.Error{
				Type: "rate_limit_error", RetryAfter: e.RetryAfter,
				Message: "the upstream has come to a limit that it sets the relay; the operator of this relay can see its words in the log",
			}
		}
		e.Status = http.StatusTooManyRequests
	default:
		e.Status = http.StatusBadGateway
		if f.Status == http.StatusGatewayTimeout || f.Status == http.StatusRequestTimeout {
			e.Status = http.StatusGatewayTimeout
		}
	}
}

// tellElsewhere is tell for what this upstream cannot serve and another may. A size that only it minds is said to be one: a 429
// would have clients send the same again.
func (f *Failure) tellElsewhere(e *wire.Error) {
	e.Status = http.StatusBadGateway
	switch f.Status {
	case http.StatusNotFound, http.StatusRequestEntityTooLarge:
		e.Status = f.Status
	case http.StatusForbidden:
		if e.Code == provider.NotKept {
			e.Status = http.StatusNotFound
		}
	case http.StatusTooManyRequests:
		e.Status, e.RetryAfter, e.Header = http.StatusRequestEntityTooLarge, 0, nil
	case http.StatusPaymentRequired: // its words say what the operator's account holds
		*e = wire.Error{
			Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "max_tokens_too_large", Param: "max_tokens",
			Message: "the upstream cannot serve as many tokens as this request asks for at present: shorten it, or ask for fewer (max_tokens)",
		}
	}
	if e.Type == "invalid_request_error" && e.Status != http.StatusBadRequest {
		e.Type = "" // OpenAI's catch-all. Either format has a word for the status that says more
	}
}
