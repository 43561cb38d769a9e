package outcome

import (
	"errors"
	"net/http"
	"time"

	"one-api/relay/membudget"
	"one-api/relay/wire"
)

// NoRoom is the failure of an answer that came when other large bodies held the memory for it, or those of its own token more
// than their share. The channel has done nothing wrong. why is a budget's.
func NoRoom(why error) *Failure {
	e := &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: TooLarge.String(), RetryAfter: time.Second,
		Message: "the relay has no memory left for an answer of this size at the moment: retry later, or have its operator raise MAX_BUFFERED_MB",
	}
	if errors.Is(why, membudget.ErrShare) {
		e.Status, e.Type = http.StatusTooManyRequests, "rate_limit_error"
		e.Message = "this key's calls hold their share of the relay's memory for large bodies: read the answers that are waiting, then " +
			"retry, or have the relay's operator raise MAX_BUFFERED_MB"
	}
	return &Failure{Outcome: TooLarge, Class: ClassRelay, Detail: why.Error(), Err: e}
}

// NoRoomForRequest is the failure of a call whose request did not find the memory that it takes. why is a budget's.
func NoRoomForRequest(why error) *Failure {
	r := RefuseNoRoom(why)
	return &Failure{Outcome: Rejected, Reason: r.Reason, Err: r.Err, Detail: why.Error()}
}
