package record

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// RefusalsLogged is how many refusals a second are logged one by one: whoever asks why their request was refused names its id,
// and a crowd that is refused must not fill the log.
const RefusalsLogged = 5

// refusals bounds how many lines the log gets of requests that were turned away. The zero value is ready.
type refusals struct {
	mu     sync.Mutex
	second time.Time // that is running
	logged int       // in it
	passed int       // over, since the last line
}

// admit reports whether a refusal at now gets a line, and how many before it have got none.
func (r *refusals) admit(now time.Time) (ok bool, passedOver int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.second) >= time.Second || now.Before(r.second) {
		r.second, r.logged = now, 0
	}
	if r.logged == RefusalsLogged {
		r.passed++
		return false, 0
	}
	r.logged++
	passedOver, r.passed = r.passed, 0
	return true, passedOver
}

// refused logs a request that found no usable channel, or was over a limit. What is wrong with a request itself is its client's
// to read, not the operator's.
func (l *Log) refused(ctx context.Context, e *End) {
	if e.Outcome != outcome.Rejected || e.Reason != outcome.NoChannel && e.Reason != outcome.OverLimit {
		return
	}
	ok, passedOver := l.refusals.admit(time.Now())
	if !ok {
		return
	}
	said := []any{"request_id", e.RequestID, "reason", string(e.Reason), "status", e.Status, "route", e.Endpoint.Path(),
		"model", wire.Clip(e.Model, longestLogged), "token", e.Token}
	if e.ClientRequestID != "" {
		said = append(said, "client_request_id", e.ClientRequestID)
	}
	if e.Failure != nil && e.Failure.Err != nil {
		said = append(said, "why", wire.Clip(e.Failure.Err.Message, longestLogged))
		if code := e.Failure.Err.Code; code == "no_usable_channel" || code == "channels_busy" {
			said = append(said, "channels", l.Why(e.Model, time.Now()))
		}
	}
	if passedOver > 0 {
		said = append(said, "not_logged_before", passedOver)
	}
	l.To.Log(context.WithoutCancel(ctx), slog.LevelWarn, "request refused", said...)
}
