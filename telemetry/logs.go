package telemetry

import (
	"context"
	"log/slog"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"
)

// TraceIDs makes a handler that adds the trace's id to what is logged of a traced call. Over OTLP the record has a field of
// its own for it.
func TraceIDs(h slog.Handler) slog.Handler { return traceIDs{h} }

type traceIDs struct{ slog.Handler }

func (h traceIDs) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traceIDs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceIDs{h.Handler.WithAttrs(attrs)}
}

func (h traceIDs) WithGroup(name string) slog.Handler { return traceIDs{h.Handler.WithGroup(name)} }

// exportedLogs is what stands before the bridge to OpenTelemetry, which knows no level, and exports a text that is not UTF-8
// such that the whole batch is lost.
type exportedLogs struct {
	slog.Handler
	level slog.Leveler
}

func (h exportedLogs) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level.Level() && h.Handler.Enabled(ctx, level)
}

func (h exportedLogs) Handle(ctx context.Context, r slog.Record) error {
	valid := utf8.ValidString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		valid = valid && validText(a)
		return valid
	})
	if !valid {
		clean := slog.NewRecord(r.Time, r.Level, strings.ToValidUTF8(r.Message, "�"), r.PC)
		r.Attrs(func(a slog.Attr) bool {
			if !validText(a) {
				a.Value = slog.StringValue(strings.ToValidUTF8(a.Value.String(), "�"))
			}
			clean.AddAttrs(a)
			return true
		})
		r = clean
	}
	return h.Handler.Handle(ctx, r)
}

// validText reports whether an attribute is UTF-8 if it is a text; the relay logs texts and numbers, and no values of other kinds.
func validText(a slog.Attr) bool {
	return a.Value.Kind() != slog.KindString || utf8.ValidString(a.Value.String())
}

func (h exportedLogs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return exportedLogs{h.Handler.WithAttrs(attrs), h.level}
}

func (h exportedLogs) WithGroup(name string) slog.Handler {
	return exportedLogs{h.Handler.WithGroup(name), h.level}
}
