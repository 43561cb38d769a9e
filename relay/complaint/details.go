package complaint

import (
	"regexp"

	"one-api/relay/jsonscan"
)

// word is a name that a program goes by. Nothing else of a stranger's details is passed on.
var word = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// mostUnsupported is how many names of what is not supported are passed on.
const mostUnsupported = 16

// detailsOf is an error's details, as far as they are names: {"error_code":"thread_not_found"}, by which Anthropic's SDK knows that it
// has to send the whole conversation once more (https://docs.claude.com/en/api/errors). Empty: there is no code.
func detailsOf(value []byte) string {
	code := token(firstMember(value, "error_code"))
	if !word.MatchString(code) {
		return ""
	}
	details := `{"error_code":"` + code + `"`
	list, n := firstMember(value, "unsupported"), 0
	jsonscan.Elements(list, func(element []byte) {
		name := token(element)
		if n == mostUnsupported || !word.MatchString(name) {
			return
		}
		if n++; n == 1 {
			details += `,"unsupported":[`
		} else {
			details += ","
		}
		details += `"` + name + `"`
	})
	if n > 0 {
		details += "]"
	}
	return details + "}"
}
