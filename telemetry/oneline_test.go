package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lmittmann/tint"
	"github.com/stretchr/testify/require"
)

func TestARecordIsOneLineOfPrintableTextWhoeverWroteIt(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"plain text, in any language":   {"détail=⚠️渠道", "\"détail=⚠️渠道\""},
		"a line break":                  {"a\n2026-01-01 00:00:00 INF forged", `"a\\n2026-01-01 00:00:00 INF forged"`},
		"a carriage return":             {"a\rforged", `a\rforged`},
		"a terminal escape":             {"a\x1b[2J\x1b]0;title\x07b", `a\x1b[2J\x1b]0;title\ab`},
		"an escape that does not end":   {"a\x1b[31", `a\x1b[31`},
		"an escape of one byte":         {"a\u009b2Jb", `a\u009b2Jb`},
		"Unicode's line separators":     {"a\u2028b\u2029c\u0085d", `a\u2028b\u2029c\u0085d`},
		"text that runs backwards":      {"a\u202ecba", `a\u202ecba`},
		"what is not UTF-8":             {"a\xffb\xc3", `a\xffb\xc3`},
		"what stands for what is not":   {"a\ufffdb", `a\ufffdb`},
		"a NUL":                         {"a\x00b", `a\x00b`},
		"what looks like another field": {`x outcome=completed "y`, `"x outcome=completed \"y"`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(OneLine(tint.NewTextHandler(&out, &tint.Options{NoColor: true, TimeFormat: "T"})))
			log.With("with", tc.text).Info("message", "text", tc.text, "error", errors.New(tc.text), "n", 1, "took", time.Second)
			require.Equal(t, "T INF message with="+tc.want+" text="+tc.want+" error="+tc.want+" n=1 took=1s\n", out.String())

			out.Reset()
			log.Info(tc.text)
			line, isLine := strings.CutSuffix(out.String(), "\n")
			require.True(t, isLine)
			require.True(t, isPlain(line), "%q", line)
		})
	}
}

func TestALongTextIsCut(t *testing.T) {
	var out bytes.Buffer
	slog.New(OneLine(slog.NewTextHandler(&out, nil))).Info("message", "text", strings.Repeat("x", 1<<20))
	require.Less(t, out.Len(), longestLogText+200)
	require.Contains(t, out.String(), "x…")
}

func TestAPlainRecordIsPassedOnAsItIs(t *testing.T) {
	h := OneLine(slog.DiscardHandler)
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request ended", 0)
	r.AddAttrs(slog.String("request_id", "r-1"), slog.Int("status", 200), slog.String("model", "gpt-4o"))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = h.Handle(t.Context(), r) }))
}
