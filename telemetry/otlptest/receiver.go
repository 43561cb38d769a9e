// Package otlptest is an OTLP collector for tests: on real sockets, over gRPC and HTTP, able to misbehave and to recover. It
// keeps what was exported in a form that tests can ask.
package otlptest

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// maxMessage is more than the 4 MiB that a collector accepts by default, so that a test can see what one would have refused.
const maxMessage = 64 << 20

// Receiver is a collector. All methods may be called at any time, from any goroutine.
type Receiver struct {
	// GRPC and HTTP are the endpoints, such as http://127.0.0.1:34567: values for OTEL_EXPORTER_OTLP_ENDPOINT.
	GRPC string
	HTTP string

	doors    [2]*door
	requests atomic.Int64
	largest  atomic.Int64

	mu       sync.Mutex
	manner   Manner
	delay    time.Duration
	changed  chan struct{} // closed when the manner changes: those that hang continue
	ending   chan struct{} // closed when the test ends
	exports  int
	series   map[string]*Metric
	resource map[string]string
	deltas   bool // are no problem
	problems []string
	spans    []*traces.ResourceSpans
	logs     []*logs.ResourceLogs
}

// Start runs a receiver until the test ends.
func Start(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{
		changed: make(chan struct{}), ending: make(chan struct{}),
		series: map[string]*Metric{}, resource: map[string]string{},
	}
	for i := range r.doors {
		d, err := newDoor()
		if err != nil {
			t.Fatalf("starting the OTLP receiver: %v", err)
		}
		r.doors[i] = d
	}
	r.GRPC, r.HTTP = "http://"+r.doors[0].address, "http://"+r.doors[1].address

	overGRPC := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage))
	collectormetrics.RegisterMetricsServiceServer(overGRPC, metricsService{r: r})
	collectortraces.RegisterTraceServiceServer(overGRPC, tracesService{r: r})
	collectorlogs.RegisterLogsServiceServer(overGRPC, logsService{r: r})
	overHTTP := &http.Server{Handler: r.handler(), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = overGRPC.Serve(r.doors[0]) }) // returns when the door is closed
	serving.Go(func() { _ = overHTTP.Serve(r.doors[1]) })
	t.Cleanup(func() {
		close(r.ending)
		overGRPC.Stop()
		_ = overHTTP.Close()
		for _, d := range r.doors {
			_ = d.Close()
		}
		serving.Wait()
	})
	return r
}

// Requests is how many exports have reached a handler, whatever became of them.
func (r *Receiver) Requests() int64 { return r.requests.Load() }

// Connections is how many connections were taken, those that were reset included.
func (r *Receiver) Connections() int64 {
	return r.doors[0].taken.Load() + r.doors[1].taken.Load()
}

// Largest is the size of the largest export in bytes, unpacked.
func (r *Receiver) Largest() int64 { return r.largest.Load() }

// Spans is every span that was exported, as it came.
func (r *Receiver) Spans() []*traces.ResourceSpans {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*traces.ResourceSpans(nil), r.spans...)
}

// Logs is every log record that was exported, as it came.
func (r *Receiver) Logs() []*logs.ResourceLogs {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*logs.ResourceLogs(nil), r.logs...)
}

// AllowDeltas makes points that say what has been added no problem. They are added up.
func (r *Receiver) AllowDeltas() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deltas = true
}

// Problems is what was wrong with the exports: counters that went down, temporality that is not cumulative, the same series
// twice in one export, a time that two points speak of.
func (r *Receiver) Problems() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.problems...)
}

var _ net.Listener = (*door)(nil)
