package outcome

import (
	"net/http"
	"regexp"
	"strings"
)

// mostForClients is how many headers of an upstream are passed on. Anthropic sends a dozen.
const mostForClients = 24

var (
	// figure is a number, a time or a length of time, which are all that limits are told in.
	figure = regexp.MustCompile(`^(?:[0-9]{1,20}(?:\.[0-9]{1,12})?(?:ns|us|µs|ms|s|m|h|d)?){1,4}$|` +
		`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})$`)
	// limitWord is a word of Anthropic's for the state of a limit, such as allowed_warning.
	limitWord = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)
)

// ForClients is what of an upstream's header its clients go by, whether it has refused them or not: whether to try again (x-should-retry,
// of OpenAI's and Anthropic's SDKs), and what remains of which limit until when. nil: there is nothing. Retry-After and its like are read
// on their own. Nothing else comes through, since a header may name the operator's account.
func ForClients(header http.Header) (passed http.Header) {
	for name, values := range header {
		if len(values) != 1 || len(passed) == mostForClients || !isForClients(name, values[0]) {
			continue
		}
		if passed == nil {
			passed = http.Header{}
		}
		passed[name] = []string{values[0]}
	}
	return passed
}

func isForClients(name, value string) bool {
	switch {
	case name == "X-Should-Retry":
		return value == "true" || value == "false"
	case name == "Retry-After-Ms":
		return figure.MatchString(value)
	case strings.HasPrefix(name, "Anthropic-Ratelimit-"):
		return figure.MatchString(value) || limitWord.MatchString(value)
	case strings.HasPrefix(name, "X-Ratelimit-"), strings.HasPrefix(name, "Ratelimit-"):
		return figure.MatchString(value)
	}
	return false
}
