package telemetry

import (
	"net/http"
	"regexp"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// verdict is what an exporter's error means.
type verdict int

const (
	passing  verdict = iota
	partial          // a part was refused
	unserved         // the backend does not have this signal, or not there
	denied           // it wants another credential
	tooLarge         // it may take less at once
	refused          // any other answer that will not change by asking again
)

var (
	httpStatusText = regexp.MustCompile(`failed to send (?:metrics |logs )?to \S+: (\d{3})\b`)
	rejectedItems  = regexp.MustCompile(`OTLP partial success: .* \((\d+) [a-z ]+ rejected\)`)
	noSuchPath     = regexp.MustCompile(`(?i)unsupported path|unknown path|path not found|no such (path|endpoint|route)`)
	overTheLimit   = regexp.MustCompile(`(?i)larger than max|message too large|request entity too large|exceeds? the (maximum|limit)`)
)

// verdictOn reads an exporter's error. The exporters give an HTTP status in words only; the tests hold those words.
func verdictOn(err error) verdict {
	text := err.Error()
	if rejectedItems.MatchString(text) {
		return partial
	}
	if found := httpStatusText.FindStringSubmatch(text); found != nil {
		code, _ := strconv.Atoi(found[1]) // three digits
		return verdictOnHTTP(code, text)
	}
	if s, ok := status.FromError(err); ok {
		return verdictOnGRPC(s)
	}
	return passing
}

func verdictOnHTTP(code int, text string) verdict {
	switch {
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed, code == http.StatusGone, code == http.StatusNotImplemented:
		return unserved
	case code == http.StatusBadRequest && noSuchPath.MatchString(text):
		return unserved
	case code == http.StatusRequestEntityTooLarge:
		return tooLarge
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return denied
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return passing
	}
	return refused
}

func verdictOnGRPC(s *status.Status) verdict {
	switch s.Code() {
	case codes.Unimplemented:
		return unserved
	case codes.Unauthenticated, codes.PermissionDenied:
		return denied
	case codes.ResourceExhausted:
		if overTheLimit.MatchString(s.Message()) {
			return tooLarge
		}
		return passing
	case codes.InvalidArgument, codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists:
		return refused
	default:
		return passing
	}
}

func (v verdict) key() string { return strconv.Itoa(int(v)) }

// brief is an exporter's error without the URL in it, which may hold a key.
func brief(err error) string {
	text := err.Error()
	if at := httpStatusText.FindStringSubmatchIndex(text); at != nil {
		text = text[at[2]:]
	}
	return text
}
