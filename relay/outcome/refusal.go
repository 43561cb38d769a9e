package outcome

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"one-api/relay/membudget"
	"one-api/relay/wire"
)

// Reason is why a request was turned away before anything was attempted: the closed list of relay.requests.rejected.
type Reason string

// The reasons.
const (
	NoChannel Reason = "no_channel"
	BadAuth   Reason = "auth"
	BadModel  Reason = "model"
	OverLimit Reason = "limit"
	BadBody   Reason = "body"
)

// Refusal is a request that was turned away, and what its client is told.
type Refusal struct {
	Reason Reason
	Err    *wire.Error
}

func (r *Refusal) Error() string { return r.Err.Message }

// longestShown is how many bytes of a model's name an error repeats.
const longestShown = 100

// RefuseUnknownModel is for a model that no channel has. There is what hint says, in a sentence.
func RefuseUnknownModel(model, hint string) *Refusal {
	return &Refusal{BadModel, &wire.Error{
		Status: http.StatusNotFound, Code: "model_not_found", Param: "model",
		Message: "The model `" + wire.Clip(model, longestShown) + "` does not exist here. " + hint,
	}}
}

// RefuseModel is for a model that this key may not use. It may use what hint says, in a sentence.
func RefuseModel(model, hint string) *Refusal {
	return &Refusal{BadModel, &wire.Error{
		Status: http.StatusForbidden, Type: "permission_error", Code: "model_not_allowed", Param: "model",
		Message: "This key may not use the model `" + wire.Clip(model, longestShown) + "`. " + hint,
	}}
}

// RefuseEndpoint is for a model whose channels do not serve the endpoint. why goes on with the sentence.
func RefuseEndpoint(model string, e wire.Endpoint, why string) *Refusal {
	path := strings.Replace(e.Path(), "{model}", wire.Clip(model, longestShown), 1) // which names it, if that is where models are named
	return &Refusal{BadModel, &wire.Error{
		Status: http.StatusNotFound, Code: "endpoint_not_supported", Param: "model",
		Message: "The model `" + wire.Clip(model, longestShown) + "` cannot be used with " + path + ": " + why + ".",
	}}
}

// RefuseBusy is for a model whose channels are all full or limited, the first of them for wait.
func RefuseBusy(model string, wait time.Duration) *Refusal {
	return &Refusal{OverLimit, &wire.Error{
		Status: http.StatusTooManyRequests, Type: "rate_limit_error", Code: "channels_busy", RetryAfter: wait,
		Message: "Every channel for `" + wire.Clip(model, longestShown) +
			"` is full or limited at the moment. Retry after the time in Retry-After.",
	}}
}

// RefuseNoRoom is for a body that came when other large ones held the memory for it, or those of its own token more than their
// share. why is a budget's.
func RefuseNoRoom(why error) *Refusal {
	if errors.Is(why, membudget.ErrShare) {
		return &Refusal{OverLimit, &wire.Error{
			Status: http.StatusTooManyRequests, Type: "rate_limit_error", Code: "buffers_share", RetryAfter: time.Second,
			Message: "The calls of this key hold their share of the relay's memory for large bodies, and others use it too. Retry when one of " +
				"them has ended, or have the relay's operator raise MAX_BUFFERED_MB.",
		}}
	}
	return &Refusal{OverLimit, &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: "buffers_full", RetryAfter: time.Second,
		Message: "The relay holds as many large bodies as it may at the moment. Retry after the time in Retry-After, or have its operator " +
			"raise MAX_BUFFERED_MB.",
	}}
}

// RefuseNoDisk is for a body that the relay's disk did not take. Its operator has the reason in the log.
func RefuseNoDisk() *Refusal {
	return &Refusal{OverLimit, &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: "disk_full", RetryAfter: 10 * time.Second,
		Message: "The relay could not keep this upload on its disk, which is most likely full. Its operator has to make room in the " +
			"directory for temporary files, or let TMPDIR name another one; the log has the reason.",
	}}
}

// RefuseNoSpool is for a body that came when other uploads held all of the disk that they may.
func RefuseNoSpool() *Refusal {
	return &Refusal{OverLimit, &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: "spool_full", RetryAfter: time.Second,
		Message: "The relay keeps as many large uploads on its disk as it may at the moment. Retry after the time in Retry-After, or have " +
			"its operator raise MAX_SPOOL_MB.",
	}}
}

// RefuseNoChannel is for a model whose channels are all disabled, or out of use for a while.
func RefuseNoChannel(model string) *Refusal {
	return &Refusal{NoChannel, &wire.Error{
		Status: http.StatusServiceUnavailable, Type: "api_error", Code: "no_usable_channel",
		Message: "No channel for `" + wire.Clip(model, longestShown) + "` is usable at the moment.",
	}}
}

// RefuseRate is for a call that would pass a limit: rpm, tpm or concurrent. whose is the limit's, for people; wait is until it may be
// asked again.
func RefuseRate(whose, limit string, used, most int64, wait time.Duration) *Refusal {
	of, kind := "requests per minute (RPM)", "requests"
	switch limit {
	case "tpm":
		of, kind = "tokens per minute (TPM)", "tokens"
	case "concurrent":
		of = "concurrent requests"
	}
	return &Refusal{OverLimit, &wire.Error{
		Status: http.StatusTooManyRequests, Type: kind, Code: "rate_limit_exceeded", RetryAfter: max(wait, time.Second),
		Message: "Rate limit reached for " + whose + " on " + of + ": limit " + strconv.FormatInt(most, 10) + ", used " +
			strconv.FormatInt(used, 10) + ". Retry after the time in Retry-After.",
	}}
}

// RefuseBudget is for a call that would pass a budget. whose is the budget's, for people. passing: something is left of it, which open
// calls have reserved. opens is when a spent one begins anew (zero: never), and wait how long that or the next try is off (0: nobody
// knows).
func RefuseBudget(format wire.Format, whose string, passing bool, opens time.Time, wait time.Duration) *Refusal {
	e := &wire.Error{
		Status: http.StatusTooManyRequests, Type: "insufficient_quota", Code: "insufficient_quota", RetryAfter: wait,
		Message: "The budget of " + whose + " is spent",
	}
	switch {
	case passing:
		e.Message = "What is left of the budget of " + whose + " is reserved by calls that are open now, and may be free again when one of " +
			"them ends: retry after the time in Retry-After"
	case opens.IsZero():
		e.Message += ", and does not begin anew by itself"
	default:
		e.Message += " until " + opens.Format(time.RFC3339) + ", when it begins anew"
	}
	e.Message += "; the operator of this relay can raise it."
	if !passing {
		e.Header = http.Header{"X-Should-Retry": {"false"}}
	}
	if format == wire.Anthropic {
		e.Status, e.Type = http.StatusPaymentRequired, "billing_error"
	}
	return &Refusal{OverLimit, e}
}

// RefuseUnpriced is for a model whose price nobody knows, and a token that may not use one.
func RefuseUnpriced(model string) *Refusal {
	return &Refusal{OverLimit, &wire.Error{
		Status: http.StatusForbidden, Type: "permission_error", Code: "model_not_priced", Param: "model",
		Message: "Nobody knows the price of the model `" + wire.Clip(model, longestShown) + "`, and this key has a budget or may not use such " +
			"models. The operator of this relay can give it one (prices), or allow it (unpriced: allow).",
	}}
}
