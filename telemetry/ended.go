package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// What a relay has exported ends with it. A push backend cannot know that: it shows the last value of each gauge for as long as
// it looks back, beside those of the process that took over. OTLP has a flag for it (metrics data model, "no recorded value"), which
// becomes Prometheus' staleness marker; the SDK has no way to set it. So the last export is sent once more, and the flag is set
// on its way out.

const endedFlag = uint32(metrics.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)

// ender sets the flag on one exporter's exports, once it is told to.
type ender struct {
	ending atomic.Bool
	last   []*metricdata.ResourceMetrics // what was sent last; only one of the reader's goroutine and the one that stops it uses it at a time
}

// newMetricExporter makes an exporter for OTLP whose series can be ended.
func newMetricExporter(ctx context.Context, protocol string) (sdkmetric.Exporter, *ender, error) {
	e := &ender{}
	if protocol == "grpc" {
		exporter, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithDialOption(grpc.WithUnaryInterceptor(e.intercept)))
		return exporter, e, err
	}
	client, err := e.client()
	if err != nil {
		return nil, nil, err
	}
	exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithHTTPClient(client))
	return closingMetrics{exporter, client.CloseIdleConnections}, e, err
}

// closingMetrics closes connections with the exporter.
type closingMetrics struct {
	sdkmetric.Exporter
	close func()
}

// Shutdown is the SDK's.
func (e closingMetrics) Shutdown(ctx context.Context) error {
	defer e.close()
	return e.Exporter.Shutdown(ctx)
}

func (e *ender) intercept(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker,
	options ...grpc.CallOption) error {
	if r, ok := request.(*collectormetrics.ExportMetricsServiceRequest); ok && e.ending.Load() {
		markEnded(r)
	}
	return invoke(ctx, method, request, reply, c, options...)
}

// client returns the client that the exporter would make from the same variables, but does not if it is given one.
func (e *ender) client() (*http.Client, error) {
	const of = "OTEL_EXPORTER_OTLP_METRICS_"
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's
	roots, certificate, key := os.Getenv(of+"CERTIFICATE"), os.Getenv(of+"CLIENT_CERTIFICATE"), os.Getenv(of+"CLIENT_KEY")
	if roots != "" || certificate != "" {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if roots != "" {
			pem, err := os.ReadFile(roots) //nolint:gosec // the operator names it
			if err != nil {
				return nil, err
			}
			config.RootCAs = x509.NewCertPool()
			config.RootCAs.AppendCertsFromPEM(pem) // one without a certificate in it was refused
		}
		if certificate != "" {
			pair, err := tls.LoadX509KeyPair(certificate, key)
			if err != nil {
				return nil, err
			}
			config.Certificates = []tls.Certificate{pair}
		}
		transport.TLSClientConfig = config
	}
	timeout := 10 * time.Second // the specification's
	if ms, err := strconv.Atoi(os.Getenv(of + "TIMEOUT")); err == nil {
		timeout = time.Duration(ms) * time.Millisecond
	}
	return &http.Client{Transport: endingTransport{transport, e}, Timeout: timeout}, nil
}

// endingTransport does over HTTP what intercept does over gRPC.
type endingTransport struct {
	*http.Transport
	*ender
}

// RoundTrip is net/http's.
func (t endingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !t.ending.Load() || request.Body == nil {
		return t.Transport.RoundTrip(request)
	}
	body, err := endedBody(request.Body, request.Header.Get("Content-Encoding") == "gzip")
	if err = errors.Join(err, request.Body.Close()); err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return t.Transport.RoundTrip(request)
}

func endedBody(body io.Reader, zipped bool) ([]byte, error) {
	if zipped {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	sent, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var request collectormetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(sent, &request); err != nil {
		return nil, err
	}
	markEnded(&request)
	if sent, err = proto.Marshal(&request); err != nil || !zipped {
		return sent, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(sent)
	err = errors.Join(err, w.Close())
	return packed.Bytes(), err
}

// markEnded flags every point as having no value any more. The values stay: a backend that ignores the flag sees what it already has.
func markEnded(request *collectormetrics.ExportMetricsServiceRequest) {
	for _, r := range request.GetResourceMetrics() {
		for _, s := range r.GetScopeMetrics() {
			for _, m := range s.GetMetrics() {
				markMetric(m)
			}
		}
	}
}

func markMetric(m *metrics.Metric) {
	switch data := m.GetData().(type) {
	case *metrics.Metric_Gauge:
		markNumbers(data.Gauge.GetDataPoints())
	case *metrics.Metric_Sum:
		markNumbers(data.Sum.GetDataPoints())
	case *metrics.Metric_Histogram:
		for _, p := range data.Histogram.GetDataPoints() {
			p.Flags, p.Exemplars, p.TimeUnixNano = p.Flags|endedFlag, nil, later(p.TimeUnixNano)
		}
	case *metrics.Metric_ExponentialHistogram:
		for _, p := range data.ExponentialHistogram.GetDataPoints() {
			p.Flags, p.Exemplars, p.TimeUnixNano = p.Flags|endedFlag, nil, later(p.TimeUnixNano)
		}
	}
}

func markNumbers(points []*metrics.NumberDataPoint) {
	for _, p := range points {
		p.Flags, p.Exemplars, p.TimeUnixNano = p.Flags|endedFlag, nil, later(p.TimeUnixNano)
	}
}

// later is a time that a backend with a resolution of milliseconds can tell from the point before, which may have just been taken.
func later(ns uint64) uint64 { return ns + uint64(2*time.Millisecond) }

// Export is the SDK's. What it sends last is kept, to be ended.
func (e guardedMetrics) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	ctx, cancel := e.within(ctx)
	defer cancel()
	last := e.ends()
	n := pointsOf(all)
	err := e.export(ctx, n, func(from, to int) error {
		if from == 0 && to == n {
			return e.Exporter.Export(ctx, all)
		}
		return e.Exporter.Export(ctx, pointsBetween(all, from, to))
	})
	if last && err == nil && e.ender != nil && !e.rests() {
		e.ender.last = append(e.ender.last, pointsBetween(all, 0, n))
	}
	return err
}

// Shutdown is the SDK's, which has sent what was left, and has stopped whatever hung before. With delta temporality only the rest is ended,
// because points that are sent twice would count twice.
func (e guardedMetrics) Shutdown(ctx context.Context) error {
	var err error
	if e.ender != nil {
		e.ender.ending.Store(true)
		for _, part := range e.ender.last {
			withoutDelta(part)
			within, cancel := e.within(ctx)
			err = e.Exporter.Export(within, part)
			if cancel(); err != nil {
				break
			}
		}
	}
	return errors.Join(err, e.shutDown(ctx, e.Exporter.Shutdown))
}

func withoutDelta(all *metricdata.ResourceMetrics) {
	for i := range all.ScopeMetrics {
		scope := &all.ScopeMetrics[i]
		scope.Metrics = slices.DeleteFunc(scope.Metrics, func(m metricdata.Metrics) bool {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				return d.Temporality == metricdata.DeltaTemporality
			case metricdata.Sum[float64]:
				return d.Temporality == metricdata.DeltaTemporality
			case metricdata.Histogram[int64]:
				return d.Temporality == metricdata.DeltaTemporality
			case metricdata.Histogram[float64]:
				return d.Temporality == metricdata.DeltaTemporality
			case metricdata.ExponentialHistogram[int64]:
				return d.Temporality == metricdata.DeltaTemporality
			case metricdata.ExponentialHistogram[float64]:
				return d.Temporality == metricdata.DeltaTemporality
			}
			return false
		})
	}
}
