package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"
)

// The libraries' remarks go into the relay's log: in its format, one line each, without secrets, and bounded.

// remarks is where they go. A nil one discards them.
type remarks struct {
	log    *slog.Logger
	redact redactor
	most   slog.Level // from which level on
	off    bool
	pauses pauses
}

// say logs a remark, the same one once a minute.
func (r *remarks) say(level slog.Level, from, message string, attributes ...any) {
	if r == nil || r.off || level < r.most || !r.pauses.over(from+message, remarkPause) {
		return
	}
	r.log.Warn("telemetry's library says", append([]any{"library", from, "level", strings.ToLower(level.String()),
		"text", r.redact.text(message)}, attributes...)...)
}

const remarkPause = time.Minute

// listening is where the libraries' remarks go: they have one logger per process, which some of them do not allow to change.
var listening atomic.Pointer[remarks]

func init() { grpclog.SetLoggerV2(grpcVoice{}) } // before anything of gRPC is called: it takes no lock

// listen makes the libraries speak to r.
func listen(r *remarks) {
	listening.Store(r)
	otel.SetLogger(logr.New(sdkVoice{}))
}

// levels of OTEL_LOG_LEVEL. What is never logged is above all of them.
func (r *remarks) from(level string) {
	switch level {
	case "none":
		r.off = true
	case "error":
		r.most = slog.LevelError
	case "info":
		r.most = slog.LevelInfo
	case "debug":
		r.most = slog.LevelDebug
	default:
		r.most = slog.LevelWarn
	}
}

// sdkVoice is the SDK's logger. Its verbosity is 1 for warnings, 4 for information and 8 for what helps developers of the SDK.
type sdkVoice struct{ with []any }

// Init is logr's; there is nothing to do.
func (sdkVoice) Init(logr.RuntimeInfo) {}

func levelOf(verbosity int) slog.Level {
	switch {
	case verbosity <= 1:
		return slog.LevelWarn
	case verbosity <= 4:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// Enabled reports whether the remark would be logged, so that nothing is formatted in vain.
func (sdkVoice) Enabled(verbosity int) bool {
	r := listening.Load()
	return r != nil && !r.off && levelOf(verbosity) >= r.most
}

// Info logs a remark that is not an error.
func (v sdkVoice) Info(verbosity int, message string, pairs ...any) {
	r := listening.Load()
	r.say(levelOf(verbosity), "opentelemetry", message, r.details(append(v.with, pairs...))...)
}

// Error logs an error.
func (v sdkVoice) Error(err error, message string, pairs ...any) {
	r := listening.Load()
	r.say(slog.LevelError, "opentelemetry", message, r.details(append(append(v.with, "error", err), pairs...))...)
}

// WithValues is logr's.
func (v sdkVoice) WithValues(pairs ...any) logr.LogSink {
	return sdkVoice{append(append([]any{}, v.with...), pairs...)}
}

// WithName is logr's; the names of the SDK's parts are of no use here.
func (v sdkVoice) WithName(string) logr.LogSink { return v }

// details joins what comes with a remark into one text.
func (r *remarks) details(pairs []any) []any {
	if r == nil || len(pairs) == 0 {
		return nil
	}
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%v=%v", pairs[i], pairs[i+1])
	}
	return []any{"details", r.redact.text(b.String())}
}

// grpcVoice is gRPC's logger. It warns of every connection that fails, which exports report once and better.
type grpcVoice struct{}

func (grpcVoice) speak(level slog.Level, message string) {
	listening.Load().say(level, "grpc", strings.TrimSpace(message))
}

func (v grpcVoice) Info(a ...any)            { v.debug(func() string { return fmt.Sprint(a...) }) }
func (v grpcVoice) Infoln(a ...any)          { v.debug(func() string { return fmt.Sprintln(a...) }) }
func (v grpcVoice) Infof(f string, a ...any) { v.debug(func() string { return fmt.Sprintf(f, a...) }) }
func (v grpcVoice) Warning(a ...any)         { v.debug(func() string { return fmt.Sprint(a...) }) }
func (v grpcVoice) Warningln(a ...any)       { v.debug(func() string { return fmt.Sprintln(a...) }) }
func (v grpcVoice) Warningf(f string, a ...any) {
	v.debug(func() string { return fmt.Sprintf(f, a...) })
}
func (v grpcVoice) Error(a ...any)            { v.speak(slog.LevelError, fmt.Sprint(a...)) }
func (v grpcVoice) Errorln(a ...any)          { v.speak(slog.LevelError, fmt.Sprintln(a...)) }
func (v grpcVoice) Errorf(f string, a ...any) { v.speak(slog.LevelError, fmt.Sprintf(f, a...)) }
func (v grpcVoice) Fatal(a ...any)            { v.speak(slog.LevelError, fmt.Sprint(a...)) }
func (v grpcVoice) Fatalln(a ...any)          { v.speak(slog.LevelError, fmt.Sprintln(a...)) }
func (v grpcVoice) Fatalf(f string, a ...any) { v.speak(slog.LevelError, fmt.Sprintf(f, a...)) }

// V reports whether gRPC should log details.
func (grpcVoice) V(int) bool { return (sdkVoice{}).Enabled(8) }

func (v grpcVoice) debug(message func() string) {
	if (sdkVoice{}).Enabled(8) {
		v.speak(slog.LevelDebug, message())
	}
}

// complaint is what the SDK hands to its error handler: failed exports, which were counted and logged where they failed, and whatever
// else goes wrong. A collection that was interrupted by the shutdown is not a fault: the last one follows it.
func (r *remarks) complaint(err error) {
	var known accounted
	if !errors.As(err, &known) && !errors.Is(err, context.Canceled) {
		r.say(slog.LevelError, "opentelemetry", err.Error())
	}
}

// pauses remembers when each thing was last said, by the monotonic clock.
type pauses struct {
	now  func() time.Duration // since some origin; nil means since the first call
	mu   sync.Mutex
	last map[string]time.Duration
}

// mostPauses bounds what strangers can make it remember.
const mostPauses = 100

// over says that it is time to say something again, and takes it as said.
func (p *pauses) over(what string, pause time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = map[string]time.Duration{}
	}
	now := p.time()
	if last, said := p.last[what]; said && now-last < pause {
		return false
	}
	if len(p.last) >= mostPauses {
		clear(p.last)
	}
	p.last[what] = now
	return true
}

// forget lets something be said again at once.
func (p *pauses) forget(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.last, what)
}

var processBegan = time.Now()

func (p *pauses) time() time.Duration {
	if p.now != nil {
		return p.now()
	}
	return time.Since(processBegan)
}
