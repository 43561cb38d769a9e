package record

import (
	"context"
	"log/slog"
	"time"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// longestLogged is how many bytes of a stranger's text go into one line of the log.
const longestLogged = 200

// Log writes attempts that failed, and the ends of requests, into the log: the more they are the operator's business, the louder.
type Log struct {
	To *slog.Logger
	// Why says of the channels that have a model why each of them was not asked.
	Why func(model string, now time.Time) string

	refusals refusals
}

// Attempt logs an attempt that failed.
func (l *Log) Attempt(ctx context.Context, a *Attempt) {
	if a.Failure == nil || !l.To.Enabled(ctx, levelOf(a.Outcome)) {
		return
	}
	l.To.Log(context.WithoutCancel(ctx), levelOf(a.Outcome), "attempt failed", "request_id", a.RequestID, "channel", a.Channel.Name,
		"outcome", a.Outcome.String(), "error_type", a.Failure.ErrorType(),
		"ms", a.Duration.Milliseconds(), "detail", wire.Clip(a.Failure.Detail, longestLogged))
}

// End logs a request's end.
func (l *Log) End(ctx context.Context, e *End) {
	l.refused(ctx, e)
	level := slog.LevelDebug
	if e.Failure != nil && e.Outcome != outcome.Rejected {
		level = levelOf(e.Outcome)
	}
	if !l.To.Enabled(ctx, level) {
		return
	}
	said := []any{"request_id", e.RequestID, "route", e.Endpoint.Path(), "model", wire.Clip(e.Model, longestLogged), "token", e.Token,
		"outcome", e.Outcome.String(), "status", e.Status, "attempts", e.Asked()}
	if e.ClientRequestID != "" {
		said = append(said, "client_request_id", e.ClientRequestID)
	}
	if e.Fallback != "" {
		said = append(said, "fallback", e.Fallback)
	}
	if e.Resumed > 0 {
		said = append(said, "resumed", e.Resumed)
	}
	l.To.Log(context.WithoutCancel(ctx), level, "request ended", append(said, "ms", e.Duration.Milliseconds())...)
}

// levelOf says how loud an outcome is: a client that leaves is none of the operator's business.
func levelOf(o outcome.Outcome) slog.Level {
	switch o {
	case outcome.Completed, outcome.ClientGone:
		return slog.LevelDebug
	case outcome.ClientStalled, outcome.Shutdown, outcome.Rejected, outcome.OperatorEnded:
		return slog.LevelInfo
	case outcome.Panic:
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}
