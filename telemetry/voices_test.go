package telemetry

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"
)

// stderrOf is what is written to the process's standard error meanwhile.
func stderrOf(t *testing.T, do func()) string {
	t.Helper()
	before := os.Stderr
	r, w, err := os.Pipe()
	require.NoError(t, err)
	os.Stderr = w
	defer func() { os.Stderr = before }()
	do()
	require.NoError(t, w.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

func TestAHeaderThatIsWrittenWronglyIsNamedAndItsKeyIsNowhere(t *testing.T) {
	var sent http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "no such key: Bearer sk-test-secret (sk-test-secret)")
	}))
	defer server.Close()
	environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", server.URL+"/v1/metrics", "OTEL_EXPORTER_OTLP_HEADERS", "authorization: Bearer sk-test-secret")
	var log bytes.Buffer
	written := stderrOf(t, func() { startForTest(t, &log).Shutdown() })
	require.Empty(t, written, "nobody writes past the log")
	require.Empty(t, sent.Get("Authorization"))
	require.NotContains(t, log.String(), "sk-test")
	require.Contains(t, log.String(), `variable=OTEL_EXPORTER_OTLP_HEADERS value="(not shown)" problem="item 1 has no =; the form is name=value, percent-encoded, as in authorization=Bearer%20KEY" used="no header at all, so exports carry no credential"`)
	require.Contains(t, log.String(), "401 Unauthorized (body: no such key: [redacted] ([redacted]))")
}

func TestAnAnswerOfAMegabyteIsCutAfterItsSecretsWereTakenOut(t *testing.T) {
	body := strings.Repeat("x", longestRemark-70) + " key=sk-live-0123456789abcdef " + strings.Repeat("y", 1<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", server.URL+"/v1/metrics", "OTEL_EXPORTER_OTLP_HEADERS", "x-key=sk-live-0123456789abcdef")
	var log bytes.Buffer
	startForTest(t, &log).Shutdown()
	require.NotEmpty(t, log.String())
	for line := range strings.SplitSeq(log.String(), "\n") {
		require.Less(t, len(line), 2*longestRemark)
	}
	require.NotContains(t, log.String(), "sk-live")
	require.NotContains(t, log.String(), "abcdef")
}

func TestWhatTheLibrariesSayIsInTheLogInItsFormatAndOnce(t *testing.T) {
	var log bytes.Buffer
	said := &remarks{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime})), redact: newRedactor([]string{"hush-hush"})}
	said.from("")
	listen(said)
	defer listening.Store(nil)
	written := stderrOf(t, func() {
		for range 3 {
			grpclog.Error("the connection with hush-hush broke")
			otel.Handle(errors.New("a reader is gone"))
		}
		grpclog.Warning("not asked for")
		grpclog.Info("not asked for")
	})
	require.Empty(t, written)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(said.complaint))
	otel.Handle(errors.New("a reader is gone"))
	otel.Handle(errors.Join(accounted{errors.New("was counted")}))
	require.Equal(t, `level=WARN msg="telemetry's library says" library=grpc level=error text="the connection with [redacted] broke"
level=WARN msg="telemetry's library says" library=opentelemetry level=error text="a reader is gone"
`, log.String())

	log.Reset()
	voice := sdkVoice{}
	voice.Info(1, "limit reached", "key", "hush-hush", "n", 1)
	voice.Info(4, "not asked for")
	voice.Error(errors.New("no"), "parse headers", "input", "authorization: Bearer abcdefgh")
	require.Equal(t, `level=WARN msg="telemetry's library says" library=opentelemetry level=warn text="limit reached" details="key=[redacted] n=1"
level=WARN msg="telemetry's library says" library=opentelemetry level=error text="parse headers" details="error=no input=authorization: Bearer [redacted]"
`, strings.ReplaceAll(log.String(), "authorization: [redacted]", "authorization: Bearer [redacted]"))
}

func TestTheLogLevelOfTheSDKIsHonoured(t *testing.T) {
	for level, want := range map[string][3]bool{ // warning, information, debugging
		"none": {}, "error": {}, "warn": {true}, "": {true}, "info": {true, true}, "debug": {true, true, true},
	} {
		said := &remarks{log: slog.New(slog.DiscardHandler), redact: newRedactor(nil)}
		said.from(level)
		listening.Store(said)
		require.Equal(t, want, [3]bool{sdkVoice{}.Enabled(1), sdkVoice{}.Enabled(4), sdkVoice{}.Enabled(8)}, level)
		require.Equal(t, want[2], grpclog.V(2), level)
	}
	listening.Store(nil)
	require.False(t, sdkVoice{}.Enabled(0), "nobody listens")
}

func TestSecretsAreTakenOut(t *testing.T) {
	r := newRedactor([]string{"value-of-a-header"})
	for text, want := range map[string]string{
		"a value-of-a-header b":                    "a [redacted] b",
		"Authorization: Bearer abc.def-ghi":        "Authorization: [redacted]",
		"authorization=Basic dXNlcjpwYXNz":         "authorization=[redacted]",
		"bearer abcdefghijk":                       "bearer [redacted]",
		"dial https://user:pass@host/x":            "dial https://[redacted]@host/x",
		"post http://host:4318/v1/metrics?token=t": "post http://host:4318/v1/metrics?[redacted]",
		"key sk-abcdefghijkl is bad":               "key [redacted] is bad",
		"basic auth is off, see the docs":          "basic auth is off, see the docs",
	} {
		require.Equal(t, want, r.text(text))
	}
}

func TestAPauseIsOfTheMonotonicClock(t *testing.T) {
	now := time.Duration(0)
	p := pauses{now: func() time.Duration { return now }}
	require.True(t, p.over("a", time.Minute))
	require.True(t, p.over("b", time.Minute))
	now = time.Minute - 1
	require.False(t, p.over("a", time.Minute))
	now++
	require.True(t, p.over("a", time.Minute))
	require.False(t, p.over("a", time.Minute))
	for i := range 10 * mostPauses {
		p.over(strings.Repeat("x", i), time.Minute)
		require.LessOrEqual(t, len(p.last), mostPauses)
	}
}
