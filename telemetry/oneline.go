package telemetry

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestLogText is how many bytes of one text go into a log line: a stack fits, a stranger's megabyte does not.
const longestLogText = 16 << 10

// OneLine makes a handler for which every record is one line of printable text, whoever wrote what is in it: line breaks,
// terminal escapes, invisible and bidirectional characters and what is not UTF-8 are written as Go escapes them in a string.
// It is for handlers that write text; slog's own levels, times and numbers pass through.
func OneLine(h slog.Handler) slog.Handler { return oneLine{h} }

type oneLine struct{ slog.Handler }

func (h oneLine) Handle(ctx context.Context, r slog.Record) error {
	plain := isPlain(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		plain = plain && isPlainAttr(a)
		return plain
	})
	if !plain {
		line := slog.NewRecord(r.Time, r.Level, printable(r.Message), r.PC)
		r.Attrs(func(a slog.Attr) bool {
			line.AddAttrs(printableAttr(a))
			return true
		})
		r = line
	}
	return h.Handler.Handle(ctx, r)
}

func (h oneLine) WithAttrs(attrs []slog.Attr) slog.Handler {
	lines := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		lines[i] = printableAttr(a)
	}
	return oneLine{h.Handler.WithAttrs(lines)}
}

func (h oneLine) WithGroup(name string) slog.Handler { return oneLine{h.Handler.WithGroup(name)} }

// isPlainAttr reports whether an attribute is a number, or a text that needs no change. What else there may be is made a text.
func isPlainAttr(a slog.Attr) bool {
	switch a.Value.Kind() {
	case slog.KindString:
		return isPlain(a.Value.String())
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64:
		return true
	default:
		return false
	}
}

func printableAttr(a slog.Attr) slog.Attr {
	if isPlainAttr(a) {
		return a
	}
	return slog.String(a.Key, printable(a.Value.Resolve().String()))
}

func isPlain(s string) bool {
	if len(s) > longestLogText {
		return false
	}
	for _, r := range s {
		if !isPrintable(r) {
			return false
		}
	}
	return true
}

// isPrintable leaves out U+FFFD, which stands for what is not UTF-8 and which the text handler takes for the text's end.
func isPrintable(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

func printable(s string) string {
	var b strings.Builder
	cut := len(s) > longestLogText
	if cut {
		s = s[:longestLogText]
	}
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if isPrintable(r) {
			b.WriteString(s[:size])
		} else {
			quoted := strconv.QuoteToASCII(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[size:]
	}
	if cut {
		b.WriteString("…")
	}
	return b.String()
}
