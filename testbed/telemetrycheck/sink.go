package main

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"one-api/telemetry"
	"one-api/testbed/internal/check"
)

// sink stands in for a backend that cannot be had here: OTLP over HTTP, with or without TLS. It keeps what came, by which paths
// and with which headers, and can be in any trouble that backends get into.
type sink struct {
	address string
	papers  *papers // nil: no TLS

	mu       sync.Mutex
	trouble  trouble
	since    chan struct{} // closed when the trouble is another
	server   *http.Server
	listener net.Listener
	held     []net.Conn // of a listener that never answers

	deltasOnly bool
	limit      int                    // bytes of a body, for 413
	seen       map[string]http.Header // by path, of the newest export
	series     map[string]float64     // attempts: a series' newest value, or its deltas' sum
	cumulative int                    // points that are, and should not be
	points     map[uint64]bool        // of metrics: each once, however often it came
	spans      map[string]string      // by id: the channel and outcome of an attempt, else empty
	records    int                    // of logs
	refused    int                    // exports
	largest    int                    // body, as it travelled
}

// trouble is what the sink is in.
type trouble string

const (
	none      trouble = "none"
	stopped   trouble = "stopped"   // nobody listens
	slow      trouble = "slow"      // each export is answered after a while
	busy      trouble = "429"       // with Retry-After
	narrow    trouble = "413"       // for what is over a limit
	halfOpen  trouble = "half-open" // connections are taken, and that is all
	expired   trouble = "expired"   // the certificate is
	slowFor           = 2 * time.Second
	sinkLimit         = 512 << 10 // bytes of a body as it travels, which is the least that a backend here is known to want
)

func newSink(port string, p *papers) (*sink, error) {
	s := &sink{
		address: loopback + ":" + port, papers: p, trouble: none, since: make(chan struct{}), seen: map[string]http.Header{},
		limit: sinkLimit, series: map[string]float64{}, points: map[uint64]bool{}, spans: map[string]string{},
	}
	return s, s.open()
}

func (s *sink) url() string {
	if s.papers != nil {
		return "https://" + s.address
	}
	return "http://" + s.address
}

func (s *sink) open() error {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.listener = listener
	if s.trouble == halfOpen {
		go s.hold(listener)
		return nil
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: nobody}
	if s.papers != nil {
		certificate := s.papers.valid
		if s.trouble == expired {
			certificate = s.papers.expired
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	server := s.server
	go func() { _ = server.Serve(listener) }() // returns when it is closed
	return nil
}

// hold takes connections and never says a word on them.
func (s *sink) hold(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.held = append(s.held, c)
		s.mu.Unlock()
	}
}

// shut stops listening and hangs up on everybody.
func (s *sink) shut() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
	if s.server != nil {
		_ = s.server.Close()
	}
	for _, c := range s.held {
		_ = c.Close()
	}
	s.listener, s.server, s.held = nil, nil, nil
}

func (s *sink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut()
}

// gets brings it into another trouble, or out of it.
func (s *sink) gets(t trouble) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.trouble
	s.trouble = t
	close(s.since)
	s.since = make(chan struct{})
	if !old.atTheDoor() && !t.atTheDoor() {
		return nil
	}
	s.shut()
	if t == stopped {
		return nil
	}
	return s.open()
}

// atTheDoor reports whether it is met before a request can be sent.
func (t trouble) atTheDoor() bool { return t == stopped || t == halfOpen || t == expired }

// ServeHTTP takes an export.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	t, since := s.trouble, s.since
	s.mu.Unlock()
	travelled, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch t {
	case busy:
		w.Header().Set("Retry-After", "1")
		s.refuse(w, http.StatusTooManyRequests, "too many requests, as ordered")
		return
	case narrow:
		if len(travelled) > s.limit {
			s.refuse(w, http.StatusRequestEntityTooLarge, "the body is too large, as ordered")
			return
		}
	case slow:
		late := time.NewTimer(slowFor)
		defer late.Stop()
		select {
		case <-late.C:
		case <-since:
		case <-r.Context().Done():
			return
		}
	default:
	}
	answer, err := s.take(r, travelled)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	body, _ := proto.Marshal(answer) // of nothing
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(body) // an exporter that has left will come again
}

func (s *sink) refuse(w http.ResponseWriter, status int, why string) {
	s.mu.Lock()
	s.refused++
	s.mu.Unlock()
	http.Error(w, why, status)
}

func (s *sink) take(r *http.Request, travelled []byte) (proto.Message, error) {
	body := travelled
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(strings.NewReader(string(travelled)))
		if err != nil {
			return nil, err
		}
		if body, err = io.ReadAll(unpacked); err != nil {
			return nil, err
		}
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-protobuf" {
		return nil, fmt.Errorf("the body is %q", kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.largest = max(s.largest, len(travelled))
	var answer proto.Message
	var err error
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/v1/metrics"):
		answer, err = s.takeMetrics(body)
	case strings.HasSuffix(path, "/v1/traces"):
		answer, err = s.takeTraces(body)
	case strings.HasSuffix(path, "/v1/logs"):
		answer, err = s.takeLogs(body)
	default:
		return nil, fmt.Errorf("no export goes to %s", path)
	}
	if err == nil {
		s.seen[r.URL.Path] = r.Header.Clone()
	}
	return answer, err
}

var errCumulative = errors.New("cumulative points are not taken here")

func (s *sink) takeMetrics(body []byte) (proto.Message, error) {
	var in collectormetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if s.deltasOnly && totals(&in) > 0 {
		s.cumulative += totals(&in)
		return nil, errCumulative
	}
	s.takeAll(&in)
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

// takeAll keeps an export.
func (s *sink) takeAll(in *collectormetrics.ExportMetricsServiceRequest) {
	s.cumulative += totals(in)
	for _, resource := range in.GetResourceMetrics() {
		from := valueOf(resource.GetResource().GetAttributes(), "service.instance.id")
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				s.keep(from, m)
			}
		}
	}
}

// totals is how many metrics of an export are cumulative and should not be.
func totals(in *collectormetrics.ExportMetricsServiceRequest) (n int) {
	for _, resource := range in.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				if isCumulative(m) {
					n++
				}
			}
		}
	}
	return n
}

// isCumulative reports whether a metric says totals where deltas were asked for: an UpDownCounter says totals in any case.
func isCumulative(m *metrics.Metric) bool {
	const cumulative = metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	return m.GetSum().GetIsMonotonic() && m.GetSum().GetAggregationTemporality() == cumulative ||
		m.GetHistogram().GetAggregationTemporality() == cumulative || m.GetExponentialHistogram().GetAggregationTemporality() == cumulative
}

// keep takes a metric's points: each is counted once, and those of attempts by their series.
func (s *sink) keep(from string, m *metrics.Metric) {
	for _, p := range slices.Concat(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()) {
		if !s.fresh(from, m.GetName(), p.GetTimeUnixNano(), p.GetAttributes()) || m.GetName() != telemetry.ChannelAttempts {
			continue
		}
		key := check.Join(from, seriesOf(p.GetAttributes()))
		value := p.GetAsDouble() + float64(p.GetAsInt())
		if m.GetSum().GetAggregationTemporality() == metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
			s.series[key] += value
		} else {
			s.series[key] = max(s.series[key], value) // a queue may give them back in another order
		}
	}
	for _, p := range m.GetHistogram().GetDataPoints() {
		s.fresh(from, m.GetName(), p.GetTimeUnixNano(), p.GetAttributes())
	}
	for _, p := range m.GetExponentialHistogram().GetDataPoints() {
		s.fresh(from, m.GetName(), p.GetTimeUnixNano(), p.GetAttributes())
	}
}

// fresh reports whether a point has not come before.
func (s *sink) fresh(from, name string, at uint64, attributes []*common.KeyValue) bool {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d %s", from, name, at, seriesOf(attributes))
	key := h.Sum64()
	known := s.points[key]
	s.points[key] = true
	return !known
}

func seriesOf(attributes []*common.KeyValue) string {
	parts := []string{valueOf(attributes, telemetry.AttrChannel), valueOf(attributes, telemetry.AttrOutcome)}
	var rest []string
	for _, a := range attributes {
		rest = append(rest, a.GetKey()+"="+a.GetValue().String())
	}
	slices.Sort(rest)
	return check.Join(append(parts, rest...)...)
}

func valueOf(attributes []*common.KeyValue, key string) string {
	for _, a := range attributes {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

func (s *sink) takeTraces(body []byte) (proto.Message, error) {
	var in collectortraces.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				end := ""
				if channel := valueOf(span.GetAttributes(), telemetry.AttrChannel); channel != "" {
					end = check.Join(channel, valueOf(span.GetAttributes(), telemetry.AttrOutcome))
				}
				s.spans[string(span.GetSpanId())] = end
			}
		}
	}
	return &collectortraces.ExportTraceServiceResponse{}, nil
}

func (s *sink) takeLogs(body []byte) (proto.Message, error) {
	var in collectorlogs.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	for _, resource := range in.GetResourceLogs() {
		for _, scope := range resource.GetScopeLogs() {
			s.records += len(scope.GetLogRecords())
		}
	}
	return &collectorlogs.ExportLogsServiceResponse{}, nil
}

// attempts is what the metrics say, by channel and outcome.
func (s *sink) attempts() check.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := check.Table{}
	for key, value := range s.series {
		parts := check.Split(key)
		t[check.Join(parts[1], parts[2])] += value
	}
	return t
}

// traced is what the spans say, by channel and outcome.
func (s *sink) traced() check.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := check.Table{}
	for _, end := range s.spans {
		if end != "" {
			t[end]++
		}
	}
	return t
}

// header is what exports to a path came with; nil: there was none.
func (s *sink) header(path string) http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[path]
}

// startSink starts one that ends with the check.
func (b *bench) startSink(p *papers) (*sink, error) {
	s, err := newSink(b.port(), p)
	if err == nil {
		b.ending = append(b.ending, s.end)
	}
	return s, err
}

// agrees checks that what the sink adds up is what was done.
func (b *bench) sinkAgrees(ctx context.Context, s *sink, e expected) error {
	want := e.ends()
	got, err := wait(ctx, want, func() (check.Table, error) { return s.attempts(), nil })
	if err != nil {
		return err
	}
	b.report.Equal("attempts by channel and outcome", want, got)
	return nil
}
