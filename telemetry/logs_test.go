package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"one-api/telemetry/otlptest"
)

// startedAt is telemetry that sends traces and logs to a receiver.
func startedAt(t *testing.T, endpoint, protocol string, level slog.Leveler) *Telemetry {
	t.Helper()
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_LOGS_EXPORTER": "otlp",
		"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_SAMPLER": "always_on", "OTEL_SDK_DISABLED": "", "OTEL_TRACES_EXPORTER": "",
	} {
		t.Setenv(name, value)
	}
	started, err := Start(context.Background(), Options{Version: "v0.0.0-test", Log: slog.New(slog.DiscardHandler), Level: level})
	require.NoError(t, err)
	return started
}

func records(r *otlptest.Receiver) (all []*logs.LogRecord) {
	for _, resource := range r.Logs() {
		for _, scope := range resource.ScopeLogs {
			all = append(all, scope.LogRecords...)
		}
	}
	return all
}

func spansAt(r *otlptest.Receiver) (all []*traces.Span) {
	for _, resource := range r.Spans() {
		for _, scope := range resource.ScopeSpans {
			all = append(all, scope.Spans...)
		}
	}
	return all
}

func textsOf(attributes []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		all[a.Key] = a.Value.GetStringValue()
	}
	return all
}

func TestLogsAndSpansArriveWithTheSameTrace(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			receiver := otlptest.Start(t)
			endpoint := receiver.GRPC
			if protocol != "grpc" {
				endpoint = receiver.HTTP
			}
			started := startedAt(t, endpoint, protocol, slog.LevelInfo)
			require.Contains(t, started.Plan, "traces=otlp "+protocol+" to "+endpoint+" (sampled by always_on)")
			log := slog.New(slog.NewMultiHandler(slog.DiscardHandler, started.Logs))

			ctx, request := started.Tracing.Request(context.Background(), http.MethodPost, "/v1/messages", nil, time.Now())
			attempt := started.Tracing.Attempt(ctx, AttemptStart{Channel: "a", Provider: "openai", Operation: "chat", Model: "m", Began: time.Now()})
			log.DebugContext(ctx, "nobody asked for this")
			log.WarnContext(attempt.In(ctx), "attempt failed", "request_id", "r-1", "detail", "cut in a r\xe9")
			log.InfoContext(context.Background(), "no request")
			attempt.EndAttempt(time.Now(), &Attempt{Outcome: "upstream_reset", ErrorType: "upstream_reset"})
			request.EndRequest(&Request{Outcome: "upstream_reset", ErrorType: "upstream_reset", Failed: true})
			started.Shutdown()

			spans, lines := spansAt(receiver), records(receiver)
			require.Len(t, spans, 2)
			require.Len(t, lines, 2, "DEBUG is not exported where it is not logged")
			client := spans[0]
			require.Equal(t, "chat m", client.Name)
			require.Equal(t, traces.Span_SPAN_KIND_CLIENT, client.Kind)
			require.Equal(t, traces.Status_STATUS_CODE_ERROR, client.Status.Code)
			require.Equal(t, client.TraceId, lines[0].TraceId)
			require.Equal(t, client.SpanId, lines[0].SpanId)
			require.Equal(t, "WARN", lines[0].SeverityText)
			require.Equal(t, map[string]string{"request_id": "r-1", "detail": "cut in a r�"}, textsOf(lines[0].Attributes))
			require.Empty(t, lines[1].TraceId)
			require.Equal(t, "one-api", textsOf(receiver.Spans()[0].Resource.Attributes)["service.name"])
			require.Equal(t, "one-api", textsOf(receiver.Logs()[0].Resource.Attributes)["service.name"])
		})
	}
}

func TestDebugIsExportedWhereItIsLogged(t *testing.T) {
	receiver := otlptest.Start(t)
	started := startedAt(t, receiver.GRPC, "grpc", slog.LevelDebug)
	slog.New(started.Logs).Debug("somebody asked for this")
	started.Shutdown()
	require.Len(t, records(receiver), 1)
}

func TestALineOfATracedCallCarriesItsTrace(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(TraceIDs(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: withoutTime}))).With("a", "b")
	tracing, provider := NewTracing("v", sdktrace.AlwaysSample())
	ctx, _ := tracing.Request(context.Background(), http.MethodPost, "/v1/messages", http.Header{
		"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	}, time.Now())
	log.InfoContext(ctx, "traced")
	log.Info("not traced")
	log.WithGroup("g").Error("in a group", "error", errors.New("e"))
	require.NoError(t, provider.Shutdown(context.Background()))
	require.Equal(t, "level=INFO msg=traced a=b trace_id=4bf92f3577b34da6a3ce929d0e0e4736\nlevel=INFO msg=\"not traced\" a=b\nlevel=ERROR msg=\"in a group\" a=b g.error=e\n", text.String())
}
