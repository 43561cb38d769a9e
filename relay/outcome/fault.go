package outcome

import (
	"errors"

	"one-api/relay/format"
)

// FailureOf is the failure that an answer's fault means. err is what a Translator has returned.
func FailureOf(err error) *Failure {
	var failure *Failure
	var fault *format.Fault
	switch {
	case errors.As(err, &failure):
		return failure
	case !errors.As(err, &fault):
		return Malformed("the answer could not be read")
	}
	switch fault.Flaw {
	case format.IsTruncated:
		return Truncated(fault.Detail)
	case format.IsError:
		return EventFailure(fault.Body)
	case format.EndsBadly:
		return BadEnd(fault.Detail)
	case format.IsMalformed:
	}
	return Malformed(fault.Detail)
}
