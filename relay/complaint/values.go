package complaint

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"one-api/relay/jsonscan"
)

// firstMember is the value that an object has under a name; nil means none, or null.
func firstMember(object []byte, name string) (value []byte) {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	_ = jsonscan.Object(object, func(m jsonscan.Member) { // it is part of what has been read before
		if value == nil && string(m.Key) == name && !jsonscan.IsNull(m.Value) {
			value = m.Value
		}
	})
	return value
}

// text is what a JSON string says, MaxText of it at most, and empty for anything else.
func text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if len(value) <= MaxText+2 {
		s, _ := jsonscan.String(value)
		return s
	}
	// A cut may go through an escape, of which the longest has twelve bytes.
	for cut := MaxText; cut > MaxText-12; cut-- {
		piece := append(append(make([]byte, 0, cut+1), value[:cut]...), '"')
		if s, ok := jsonscan.String(piece); ok {
			return s
		}
	}
	return ""
}

// token is a type, a code or a parameter: short, and fit for a client. Python's None is none.
func token(value []byte) string {
	if len(value) > len(`""`)+len(`\u0000`)*maxToken { // it is too long, however it is written
		return ""
	}
	s := text(value)
	if len(s) > maxToken || s == "None" || s == "null" {
		return ""
	}
	return presentable(s)
}

// codeOf reads a code, or a status. A number that is an HTTP error status is that, written as text or not.
func codeOf(value []byte) (code string, status int) {
	s := token(value)
	if s == "" {
		if n, ok := jsonscan.Int(value); ok {
			s = strconv.FormatInt(n, 10)
		}
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 400 && n <= 599 {
		return "", n
	}
	return s, 0
}

// seconds reads a number of them, as a number or as text; 0 if there is none.
func seconds(value []byte) time.Duration {
	s := text(value)
	if s == "" {
		s = string(value[:min(len(value), 32)])
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && n > 0 && n < 1e6 {
		return time.Duration(n * float64(time.Second))
	}
	return 0
}

var (
	markup = regexp.MustCompile(`(?i)^\s*<[a-z!?/]|<!doctype|<html|<body|<head`)
	// named finds the exception with which gateways in Python begin a message, such as "litellm.RateLimitError: …".
	named = regexp.MustCompile(`^(?:(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Timeout))|(?:[A-Za-z_]\w*\.)+(Timeout))\b`)
)

// presentable is a provider's words, or nothing if they are a web page's source.
func presentable(s string) string {
	if markup.MatchString(s) {
		return ""
	}
	return strings.TrimSpace(s)
}

// statuses are those that words for errors stand for, without their case and underscores: Google's
// (google/rpc/code.proto), Anthropic's types (https://docs.claude.com/en/api/errors), and the names of exceptions of OpenAI's
// SDK and of Python's HTTP clients, which vLLM and LiteLLM send on.
var statuses = map[string]int{
	"invalidargument": 400, "failedprecondition": 400, "outofrange": 400, "unauthenticated": 401, "permissiondenied": 403,
	"notfound": 404, "aborted": 409, "alreadyexists": 409, "resourceexhausted": 429, "cancelled": 499,
	"unknown": 500, "internal": 500, "dataloss": 500, "unimplemented": 501, "unavailable": 503, "deadlineexceeded": 504,

	"invalidrequesterror": 400, "authenticationerror": 401, "billingerror": 402, "permissionerror": 403, "notfounderror": 404,
	"requesttoolarge": 413, "apierror": 500, "timeouterror": 504, "overloadederror": 529,

	"badrequesterror": 400, "contextwindowexceedederror": 400, "contentpolicyviolationerror": 400, "unsupportedparamserror": 400,
	"permissiondeniederror": 403, "unprocessableentityerror": 422, "internalservererror": 500, "serviceunavailableerror": 503,
	"apiconnectionerror": 503, "badgatewayerror": 502, "timeout": 504, "servererror": 500, "overloaded": 503,
	"apitimeouterror": 504, "connectionerror": 503, "connecterror": 503, "clientconnectorerror": 503, "clientconnectionerror": 503,
	"serverdisconnectederror": 503, "remoteprotocolerror": 503, "readerror": 503, "connecttimeout": 504, "readtimeout": 504,
	"midstreamfallbackerror": 503,

	"throttling": 429, "throttled": 429, "throttlingexception": 429, "requestlimitexceeded": 429, "limitrequests": 429, "limitburstrate": 429,
	"validationexception": 400, "accessdeniedexception": 403, "unrecognizedclientexception": 401,
	"expiredtokenexception": 401, "serviceunavailableexception": 503, "internalserverexception": 500, "modeltimeoutexception": 408,
	"modelnotreadyexception": 429, "resourcenotfoundexception": 404,

	// What gRPC's codes are called in Rust (https://docs.rs/tonic/latest/tonic/enum.Code.html), which is what xAI has for codes.
	"client specified an invalid argument": 400, "operation was attempted past the valid range": 400,
	"the system is not in a state required for the operation's execution":    400,
	"the request does not have valid authentication credentials":             401,
	"the caller does not have permission to execute the specified operation": 403, "some requested entity was not found": 404,
	"some entity that we attempted to create already exists": 409, "the operation was aborted": 409, "some resource has been exhausted": 429,
	"the operation was cancelled": 499, "unknown error": 500, "internal error": 500, "unrecoverable data loss or corruption": 500,
	"operation is not implemented or not supported": 501, "the service is currently unavailable": 503,
	"deadline expired before operation could complete": 504,
}

// limits are parts of words that stand for a limit, however they continue: rate_limit, rate_limit_reached_error, RateLimitReached.
var limits = [...]string{"ratelimit", "toomanyrequests"}

// Exception is the name of an exception that a message begins with, and the status that it stands for; 0 if none. It is not a part of
// Status, for a message may begin with what a client has written.
func Exception(message string) (name string, status int) {
	m := named.FindStringSubmatch(message)
	if m == nil {
		return "", 0
	}
	return m[0], statusOf(m[1] + m[2])
}

// statusOf is the status that a word stands for; 0 means none.
func statusOf(word string) int {
	if at := strings.LastIndexAny(word, "#."); at >= 0 { // of a namespace
		word = word[at+1:]
	}
	plain := string(folded(nil, []byte(word)))
	for _, part := range limits {
		if strings.Contains(plain, part) {
			return http.StatusTooManyRequests
		}
	}
	return statuses[plain]
}

// Limited reports whether a type, a code or another name for what is wrong stands for a limit, whatever the status.
func (c *Complaint) Limited() bool {
	return statusOf(c.Type) == http.StatusTooManyRequests || statusOf(c.Code) == http.StatusTooManyRequests ||
		slices.ContainsFunc(c.Words, func(word string) bool { return statusOf(word) == http.StatusTooManyRequests })
}

// statusOfWords is the status that an error's words stand for; 0 means none.
func statusOfWords(c *Complaint) int {
	for _, word := range append([]string{c.Type, c.Code}, c.Words...) {
		if status := statusOf(word); status != 0 {
			return status
		}
	}
	return 0
}
