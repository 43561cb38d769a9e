package otlptest

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Manner is how the receiver treats exports.
type Manner int

// The manners. Only Accept, Slow and Small keep what they are sent.
const (
	Accept   Manner = iota
	Refuse          // nobody listens
	Reset           // connections end in a TCP reset
	Hang            // exports are never answered
	Fail            // status 500, or UNAVAILABLE
	Deny            // status 400, or INVALID_ARGUMENT: not worth a retry
	Reject          // a partial success of which nothing succeeded
	Slow            // exports are answered after a while
	Absent          // there is no such signal: 404, or UNIMPLEMENTED
	Lock            // another credential is wanted: 401, or UNAUTHENTICATED
	Small           // what is over 2 KiB is 413, or RESOURCE_EXHAUSTED; the rest is kept
	Throttle        // status 429 with Retry-After, or RESOURCE_EXHAUSTED
	Mute            // connections are taken, and not a byte comes back
)

// smallest is what Small takes.
const smallest = 2 << 10

func (m Manner) String() string {
	return [...]string{"accept", "refuse", "reset", "hang", "fail", "deny", "reject", "slow", "absent", "lock", "small", "throttle", "mute"}[m]
}

// Behave changes the receiver's manner, and lets go of exports that hang. delay is for Slow.
func (r *Receiver) Behave(t testing.TB, m Manner, delay ...time.Duration) {
	t.Helper()
	r.mu.Lock()
	r.manner = m
	if len(delay) > 0 {
		r.delay = delay[0]
	}
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	for _, d := range r.doors {
		d.setResets(m == Reset)
		d.setMute(m == Mute)
		if m == Refuse {
			d.shut()
		} else if err := d.reopen(); err != nil {
			t.Fatalf("listening again: %v", err)
		}
	}
}

// Manner is the one that holds now.
func (r *Receiver) Manner() Manner {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.manner
}

var (
	errFail = errors.New("the receiver fails, as it was told to")
	errDeny = errors.New("the receiver takes no such data, as it was told")
	errNone = errors.New("the receiver knows no such signal")
	errLock = errors.New("the receiver knows no such key")
	errSize = errors.New("grpc: received message larger than max, the receiver says")
	errBusy = errors.New("the receiver has too much to do")
	errGone = errors.New("the receiver hung up")
)

// treat does to an export what the manner says. rejected: all of it. nil if it is to be kept.
func (r *Receiver) treat(ctx context.Context, size int) (rejected bool, err error) {
	r.requests.Add(1)
	for old := r.largest.Load(); int64(size) > old && !r.largest.CompareAndSwap(old, int64(size)); {
		old = r.largest.Load()
	}
	r.mu.Lock()
	m, delay, changed := r.manner, r.delay, r.changed
	r.mu.Unlock()
	switch m {
	case Fail:
		return false, errFail
	case Deny:
		return false, errDeny
	case Absent:
		return false, errNone
	case Lock:
		return false, errLock
	case Throttle:
		return false, errBusy
	case Small:
		if size > smallest {
			return false, errSize
		}
	case Reject:
		return true, nil
	case Refuse, Reset, Mute:
		return false, errGone // it came in before the door was shut
	case Hang:
		select {
		case <-changed:
		case <-ctx.Done():
		case <-r.ending:
		}
		return false, errGone
	case Slow:
		return false, r.wait(ctx, delay)
	default: // Accept
	}
	return false, nil
}

// wait is for an export that is kept after a delay, unless somebody gives up before.
func (r *Receiver) wait(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errGone
	case <-r.ending:
		return errGone
	}
}

// answers are what the errors are over gRPC and HTTP; any other is UNAVAILABLE and 500.
var answers = map[error]struct {
	code   codes.Code
	status int
}{
	errDeny: {codes.InvalidArgument, http.StatusBadRequest}, errNone: {codes.Unimplemented, http.StatusNotFound},
	errLock: {codes.Unauthenticated, http.StatusUnauthorized}, errSize: {codes.ResourceExhausted, http.StatusRequestEntityTooLarge},
	errBusy: {codes.ResourceExhausted, http.StatusTooManyRequests},
}

func grpcError(err error) error {
	if a, ok := answers[err]; ok {
		return status.Error(a.code, err.Error())
	}
	return status.Error(codes.Unavailable, err.Error())
}

func httpStatus(err error) int {
	if a, ok := answers[err]; ok {
		return a.status
	}
	return http.StatusInternalServerError
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
	r *Receiver
}

// Export is OTLP's.
func (s metricsService) Export(
	ctx context.Context, in *collectormetrics.ExportMetricsServiceRequest,
) (*collectormetrics.ExportMetricsServiceResponse, error) {
	out, err := s.r.metrics(ctx, in)
	if err != nil {
		return nil, grpcError(err)
	}
	return out, nil
}

func (r *Receiver) metrics(
	ctx context.Context, in *collectormetrics.ExportMetricsServiceRequest,
) (*collectormetrics.ExportMetricsServiceResponse, error) {
	rejected, err := r.treat(ctx, proto.Size(in))
	if err != nil {
		return nil, err
	}
	out := &collectormetrics.ExportMetricsServiceResponse{}
	if rejected {
		out.PartialSuccess = &collectormetrics.ExportMetricsPartialSuccess{RejectedDataPoints: 1,
			ErrorMessage: "everything is rejected, as it was told"}
		return out, nil
	}
	r.keep(in.GetResourceMetrics())
	return out, nil
}

type tracesService struct {
	collectortraces.UnimplementedTraceServiceServer
	r *Receiver
}

// Export is OTLP's.
func (s tracesService) Export(
	ctx context.Context, in *collectortraces.ExportTraceServiceRequest,
) (*collectortraces.ExportTraceServiceResponse, error) {
	out, err := s.r.traces(ctx, in)
	if err != nil {
		return nil, grpcError(err)
	}
	return out, nil
}

func (r *Receiver) traces(
	ctx context.Context, in *collectortraces.ExportTraceServiceRequest,
) (*collectortraces.ExportTraceServiceResponse, error) {
	rejected, err := r.treat(ctx, proto.Size(in))
	if err != nil {
		return nil, err
	}
	out := &collectortraces.ExportTraceServiceResponse{}
	if rejected {
		out.PartialSuccess = &collectortraces.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "everything is rejected, as it was told"}
		return out, nil
	}
	r.mu.Lock()
	r.spans = append(r.spans, in.GetResourceSpans()...)
	r.mu.Unlock()
	return out, nil
}

type logsService struct {
	collectorlogs.UnimplementedLogsServiceServer
	r *Receiver
}

// Export is OTLP's.
func (s logsService) Export(ctx context.Context, in *collectorlogs.ExportLogsServiceRequest) (*collectorlogs.ExportLogsServiceResponse,
	error) {
	out, err := s.r.logRecords(ctx, in)
	if err != nil {
		return nil, grpcError(err)
	}
	return out, nil
}

func (r *Receiver) logRecords(ctx context.Context, in *collectorlogs.ExportLogsServiceRequest) (*collectorlogs.ExportLogsServiceResponse,
	error) {
	rejected, err := r.treat(ctx, proto.Size(in))
	if err != nil {
		return nil, err
	}
	out := &collectorlogs.ExportLogsServiceResponse{}
	if rejected {
		out.PartialSuccess = &collectorlogs.ExportLogsPartialSuccess{RejectedLogRecords: 1,
			ErrorMessage: "everything is rejected, as it was told"}
		return out, nil
	}
	r.mu.Lock()
	r.logs = append(r.logs, in.GetResourceLogs()...)
	r.mu.Unlock()
	return out, nil
}

// handler is OTLP over HTTP with binary protobuf.
func (r *Receiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/metrics", overHTTP(func() *collectormetrics.ExportMetricsServiceRequest {
		return &collectormetrics.ExportMetricsServiceRequest{}
	}, r.metrics))
	mux.HandleFunc("POST /v1/traces", overHTTP(func() *collectortraces.ExportTraceServiceRequest {
		return &collectortraces.ExportTraceServiceRequest{}
	}, r.traces))
	mux.HandleFunc("POST /v1/logs", overHTTP(func() *collectorlogs.ExportLogsServiceRequest {
		return &collectorlogs.ExportLogsServiceRequest{}
	}, r.logRecords))
	return mux
}

func overHTTP[In, Out proto.Message](empty func() In, export func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		in := empty()
		if err := readProto(request, in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := export(request.Context(), in)
		if errors.Is(err, errBusy) {
			w.Header().Set("Retry-After", "1")
		}
		if err != nil {
			http.Error(w, err.Error(), httpStatus(err))
			return
		}
		body, err := proto.Marshal(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(body) // an exporter that has left is none of the receiver's business
	}
}

func readProto(request *http.Request, into proto.Message) error {
	if request.Header.Get("Content-Type") != "application/x-protobuf" {
		return errors.New("the Content-Type is not application/x-protobuf")
	}
	body := io.Reader(request.Body)
	if request.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unpacked
	}
	all, err := io.ReadAll(io.LimitReader(body, maxMessage))
	if err != nil {
		return err
	}
	return proto.Unmarshal(all, into)
}
