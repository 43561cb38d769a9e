package relay

import (
	"context"
	"log/slog"

	"one-api/relay/exchange"
	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// longestLogged is how many bytes of a stranger's text go into one line of the log.
const longestLogged = 200

// recordAttempt is told of the end of every attempt.
func (s *Server) recordAttempt(ctx context.Context, a exchange.Attempt) {
	if s.options.OnAttempt != nil {
		s.options.OnAttempt(a)
	}
	if a.Failure == nil || !s.options.Log.Enabled(ctx, levelOf(a.Outcome)) {
		return
	}
	id := ""
	if a.Call != nil {
		id = a.Call.RequestID
	}
	s.options.Log.Log(context.WithoutCancel(ctx), levelOf(a.Outcome), "attempt failed", "request_id", id, "channel", a.Channel.Name,
		"outcome", a.Outcome.String(), "error_type", a.Failure.ErrorType(), "ms", a.Duration.Milliseconds(), "detail", wire.Clip(a.Failure.Detail, longestLogged))
}

// recordRequest is told of the end of every client's request.
func (s *Server) recordRequest(ctx context.Context, end record.End) {
	if s.options.OnRequest != nil {
		s.options.OnRequest(end)
	}
	s.refused(ctx, &end)
	level := slog.LevelDebug
	if end.Failure != nil && end.Outcome != outcome.Rejected {
		level = levelOf(end.Outcome)
	}
	if !s.options.Log.Enabled(ctx, level) {
		return
	}
	said := []any{"request_id", end.RequestID, "route", end.Endpoint.Path(), "model", wire.Clip(end.Model, longestLogged), "token", end.Token,
		"outcome", end.Outcome.String(), "status", end.Status, "attempts", end.Attempts}
	if end.ClientRequestID != "" {
		said = append(said, "client_request_id", end.ClientRequestID)
	}
	if end.Fallback != "" {
		said = append(said, "fallback", end.Fallback)
	}
	if end.Resumed > 0 {
		said = append(said, "resumed", end.Resumed)
	}
	s.options.Log.Log(context.WithoutCancel(ctx), level, "request ended", append(said, "ms", end.Duration.Milliseconds())...)
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
