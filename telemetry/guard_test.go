package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"one-api/telemetry/otlptest"
)

// sender sends n items with one of the exporters.
type sender func(ctx context.Context, n int) error

func pointsFor(n int) *metricdata.ResourceMetrics {
	points := make([]metricdata.DataPoint[int64], n)
	for i := range points {
		points[i] = metricdata.DataPoint[int64]{Attributes: attribute.NewSet(text(AttrModel, fmt.Sprintf("model-%04d", i))), StartTime: processBegan, Time: processBegan.Add(time.Second), Value: 1}
	}
	half := metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: points[:n/2]}
	rest := half
	rest.DataPoints = points[n/2:]
	return &metricdata.ResourceMetrics{ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{{Name: "a", Data: half}, {Name: "b", Data: rest}}}}}
}

// senders are the six exporters, each behind a guard of its own.
func senders(t *testing.T, overGRPC, overHTTP string, make func(signal string) *guard) map[string]sender {
	t.Helper()
	ctx := t.Context()
	mg, err1 := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpointURL(overGRPC), otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}))
	mh, err2 := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(overHTTP+"/v1/metrics"), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
	tg, err3 := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(overGRPC), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	th, err4 := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(overHTTP+"/v1/traces"), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	lg, err5 := otlploggrpc.New(ctx, otlploggrpc.WithEndpointURL(overGRPC), otlploggrpc.WithRetry(otlploggrpc.RetryConfig{}))
	lh, err6 := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(overHTTP+"/v1/logs"), otlploghttp.WithRetry(otlploghttp.RetryConfig{}))
	for _, err := range []error{err1, err2, err3, err4, err5, err6} {
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		for _, shutdown := range []func(context.Context) error{mg.Shutdown, mh.Shutdown, tg.Shutdown, th.Shutdown, lg.Shutdown, lh.Shutdown} {
			require.NoError(t, shutdown(context.Background()))
		}
	})
	metrics := func(e sdkmetric.Exporter) sender {
		guarded := guardedMetrics{e, make("metrics"), nil}
		return func(ctx context.Context, n int) error { return guarded.Export(ctx, pointsFor(n)) }
	}
	traces := func(e sdktrace.SpanExporter) sender {
		guarded := guardedSpans{e, make("traces")}
		return func(ctx context.Context, n int) error {
			stubs := tracetest.SpanStubs{}
			for i := range n {
				stubs = append(stubs, tracetest.SpanStub{Name: fmt.Sprintf("span-%04d", i)})
			}
			return guarded.ExportSpans(ctx, stubs.Snapshots())
		}
	}
	logs := func(e sdklog.Exporter) sender {
		guarded := guardedLogs{e, make("logs")}
		return func(ctx context.Context, n int) error { return guarded.Export(ctx, sliceOf(n)) }
	}
	return map[string]sender{
		"metrics grpc": metrics(mg), "metrics http": metrics(mh), "traces grpc": traces(tg), "traces http": traces(th), "logs grpc": logs(lg), "logs http": logs(lh),
	}
}

func sliceOf(n int) []sdklog.Record {
	records := make([]sdklog.Record, n)
	for i := range records {
		records[i].SetSeverityText(fmt.Sprintf("a line of the log, %04d", i))
	}
	return records
}

// failures counts what a guard reports.
type failures struct {
	mu sync.Mutex
	n  map[string]int
}

func (f *failures) count(signal, failure string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == nil {
		f.n = map[string]int{}
	}
	f.n[signal+" "+failure]++
}

// guardsForTest are guards that log to a buffer and live by a clock that the test moves.
func guardsForTest(log *bytes.Buffer, counted *failures, now *time.Duration) func(string) *guard {
	return func(signal string) *guard {
		return &guard{
			signal: signal, endpoint: "http://collector:4318", log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
			redact: newRedactor(nil), count: counted.count, pauses: pauses{now: func() time.Duration { return *now }},
		}
	}
}

func eachSender(t *testing.T, test func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, now *time.Duration, signal string)) {
	t.Helper()
	for _, name := range []string{"metrics grpc", "metrics http", "traces grpc", "traces http", "logs grpc", "logs http"} {
		t.Run(name, func(t *testing.T) {
			received := otlptest.Start(t)
			var log bytes.Buffer
			var counted failures
			now := time.Hour
			send := senders(t, received.GRPC, received.HTTP, guardsForTest(&log, &counted, &now))[name]
			signal, _, _ := strings.Cut(name, " ")
			test(t, received, send, &log, &counted, &now, signal)
		})
	}
}

func TestASignalThatTheBackendDoesNotHaveIsSaidOnceAndRestsForAnHour(t *testing.T) {
	eachSender(t, func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, now *time.Duration, signal string) {
		received.Behave(t, otlptest.Absent)
		require.Error(t, send(t.Context(), 1))
		require.Contains(t, log.String(), "level=WARN msg=\"the backend takes no "+signal+" there: none are sent any more, but for a try every hour\"")
		require.Contains(t, log.String(), "OTEL_"+strings.ToUpper(signal)+"_EXPORTER=none ends it")
		for range 100 {
			*now += 30 * time.Second // 50 minutes
			require.NoError(t, send(t.Context(), 1))
		}
		require.EqualValues(t, 1, received.Requests(), "it rests")
		for range 3 {
			*now += time.Hour
			require.Error(t, send(t.Context(), 1))
			require.NoError(t, send(t.Context(), 1))
		}
		require.EqualValues(t, 4, received.Requests(), "it is asked again once an hour")
		require.Equal(t, 1, strings.Count(log.String(), "\n"), "said once: %s", log)
		require.Equal(t, map[string]int{signal + " permanent": 4}, counted.n)

		received.Behave(t, otlptest.Accept)
		*now += time.Hour
		require.NoError(t, send(t.Context(), 1))
		require.NoError(t, send(t.Context(), 1))
		require.EqualValues(t, 6, received.Requests())
		require.Contains(t, log.String(), "the backend takes "+signal+" now")
		received.Behave(t, otlptest.Absent)
		require.Error(t, send(t.Context(), 1))
		require.Equal(t, 3, strings.Count(log.String(), "\n"), "what is new is said: %s", log)
	})
}

func TestWhatIsRefusedForGoodIsAskedLessAndLess(t *testing.T) {
	eachSender(t, func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, now *time.Duration, signal string) {
		received.Behave(t, otlptest.Deny)
		for range 200 {
			_ = send(t.Context(), 1)
			*now += time.Second
		}
		require.InDelta(t, 20, received.Requests(), 5, "of 200 exports")
		require.Equal(t, 1, strings.Count(log.String(), "\n"), "%s", log)
		require.Contains(t, log.String(), "the backend refuses the telemetry for good")
		require.Equal(t, int(received.Requests()), counted.n[signal+" permanent"])

		received.Behave(t, otlptest.Accept)
		for range 2 * mostSkipped {
			require.NoError(t, send(t.Context(), 1))
		}
		before := received.Requests()
		for range 10 {
			require.NoError(t, send(t.Context(), 1))
		}
		require.Equal(t, before+10, received.Requests(), "once it is taken, every export is made")
	})
}

func TestWhatPassesIsTriedEveryTimeAndSaidOnceAMinute(t *testing.T) {
	eachSender(t, func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, now *time.Duration, signal string) {
		received.Behave(t, otlptest.Fail)
		for range 121 {
			require.Error(t, send(t.Context(), 1))
			*now += time.Second
		}
		require.EqualValues(t, 121, received.Requests())
		require.Equal(t, map[string]int{signal + " passing": 121}, counted.n)
		require.Equal(t, 3, strings.Count(log.String(), "\n"), "%s", log)
		require.Contains(t, log.String(), "telemetry could not be exported; requests are not affected")
		require.Contains(t, log.String(), "endpoint=http://collector:4318")
	})
}

func TestAPartialSuccessIsCountedAndSaidWithHowMuchOfItWasRefused(t *testing.T) {
	eachSender(t, func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, _ *time.Duration, signal string) {
		received.Behave(t, otlptest.Reject)
		for range 10 {
			require.Error(t, send(t.Context(), 1))
		}
		require.EqualValues(t, 10, received.Requests(), "a partial success is a success")
		require.Equal(t, map[string]int{signal + " partial": 10}, counted.n)
		require.Equal(t, 1, strings.Count(log.String(), "\n"), "%s", log)
		require.Contains(t, log.String(), "rejected=1 ")
	})
}

func TestACredentialThatIsRefusedIsSaidWithTheVariableThatHoldsIt(t *testing.T) {
	eachSender(t, func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, _ *time.Duration, signal string) {
		received.Behave(t, otlptest.Lock)
		require.Error(t, send(t.Context(), 1))
		require.Contains(t, log.String(), "the backend refuses the credential of the telemetry")
		require.Contains(t, log.String(), "OTEL_EXPORTER_OTLP_"+strings.ToUpper(signal)+"_HEADERS")
		require.Equal(t, map[string]int{signal + " permanent": 1}, counted.n)
	})
}

// TestAnExportThatIsTooLargeIsMadeInSmallerParts has a backend that takes 2 KiB at once.
func TestAnExportThatIsTooLargeIsMadeInSmallerParts(t *testing.T) {
	eachSender(t, func(t *testing.T, received *otlptest.Receiver, send sender, log *bytes.Buffer, counted *failures, _ *time.Duration, signal string) {
		received.Behave(t, otlptest.Small)
		const n = 200
		require.NoError(t, send(t.Context(), n))
		require.Empty(t, log.String())
		require.Empty(t, counted.n)
		switch signal {
		case "metrics":
			require.EqualValues(t, n, received.Sum("a", nil)+received.Sum("b", nil))
		case "traces":
			require.Len(t, spansAt(received), n)
		case "logs":
			require.Len(t, records(received), n)
		}
		first := received.Requests()
		require.NoError(t, send(t.Context(), n))
		require.Less(t, received.Requests()-first, first, "the size is remembered")
		require.Empty(t, received.Problems())
	})
}

func TestAnExportThatIsTooLargeInAnyPartIsGivenUpSoon(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	var n int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n++; refuse(w, r) }))
	defer server.Close()
	var log bytes.Buffer
	var counted failures
	now := time.Hour
	send := senders(t, "http://127.0.0.1:1", server.URL, guardsForTest(&log, &counted, &now))["metrics http"]
	require.Error(t, send(t.Context(), 5000))
	require.LessOrEqual(t, n, 8)
	require.Equal(t, map[string]int{"metrics permanent": 1}, counted.n)
	require.Contains(t, log.String(), "even in small parts")
}

// TestWhatAnAnswerMeans holds the words of the HTTP exporters, which give the status in no other way.
func TestWhatAnAnswerMeans(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   verdict
	}{
		{404, "404 page not found", unserved},
		{404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver", unserved},
		{405, "", unserved},
		{501, "", unserved},
		{400, `remoteAddr: "127.0.0.1:1"; unsupported path requested: "/opentelemetry/v1/traces"`, unserved},
		{400, "out of order sample", refused},
		{401, "", denied},
		{403, "", denied},
		{413, "", tooLarge},
		{422, "", refused},
		{408, "", passing},
		{429, "", passing},
		{500, "invalid temporality and type combination", passing},
		{502, "", passing},
		{503, "data refused due to high memory usage", passing},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		for name, send := range senders(t, "http://127.0.0.1:1", server.URL, func(signal string) *guard {
			return &guard{signal: signal, log: slog.New(slog.DiscardHandler), redact: newRedactor(nil), count: (&failures{}).count}
		}) {
			if !strings.HasSuffix(name, "http") {
				continue
			}
			err := send(t.Context(), 1)
			require.Error(t, err, "%s %d", name, c.status)
			require.Equal(t, c.want, verdictOn(err), "%s: %v", name, err)
		}
		server.Close()
	}
}
