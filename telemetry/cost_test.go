package telemetry

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// newRecorder is metrics as Start makes them.
func newRecorder(testing.TB) *Metrics { return New(500) }

// streamed is an attempt that records everything there is.
func streamed(chunks *ChunkTimes) *Attempt {
	return &Attempt{
		Operation: "chat", Model: "gpt-5", Outcome: "completed", Duration: 3 * time.Second, FirstChunk: 300 * time.Millisecond,
		Chunks: chunks, Usage: Usage{Input: 1200, Output: 340, CacheRead: 1000, Reasoning: 64},
	}
}

// chunked is the times of a stream of some length.
func chunked() *ChunkTimes {
	t, at := &ChunkTimes{}, time.Now()
	for i := range 300 {
		t.Chunk(sinceOrigin(at.Add(time.Duration(i) * 20 * time.Millisecond)))
	}
	return t
}

func request() *Request {
	return &Request{
		Route: "/v1/chat/completions", Operation: "chat", Model: "gpt-5", Known: true, Outcome: "completed", Attempts: 1,
		Duration: 3 * time.Second, FirstToken: 300 * time.Millisecond, Overhead: 200 * time.Microsecond,
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	m, chunks := newRecorder(t), chunked()
	channel := m.Channel("primary", "openai")
	var off *Metrics
	failed := &Attempt{Operation: "chat", Model: "gpt-5", Outcome: "upstream_status", ErrorType: "503", Duration: time.Second}
	folding := newRecorder(t)
	folding.clientModels.most, folding.channelModels.most = 1, 1
	folding.Request(request())
	folded := request()
	folded.Model = "one too many"
	rejected := request()
	rejected.Outcome, rejected.ErrorType, rejected.Rejected = "rejected", "rejected", "auth"
	times, at := &ChunkTimes{}, time.Now()
	for name, record := range map[string]func(){
		"an attempt with everything":  func() { channel.Attempt(streamed(chunks)) },
		"an attempt that failed":      func() { channel.Attempt(failed) },
		"a retry":                     func() { channel.Retry("upstream_status") },
		"a request":                   func() { m.Request(request()) },
		"a request of a folded model": func() { folding.Request(folded) },
		"a request that was rejected": func() { m.Request(rejected) },
		"an HTTP request": func() {
			m.HTTP(HTTP{Method: "POST", Route: "/v1/chat/completions", Status: 200, Duration: time.Second})
		},
		"an HTTP request of a made-up method": func() { m.HTTP(HTTP{Method: "BREW", Status: 404, Duration: time.Millisecond}) },
		"a chunk":                             func() { at = at.Add(time.Millisecond); times.Chunk(sinceOrigin(at)) },
		"an attempt while telemetry is off":   func() { off.Channel("primary", "openai").Attempt(streamed(chunks)) },
		"a request while telemetry is off":    func() { off.Request(request()) },
		"an HTTP request while it is off":     func() { off.HTTP(HTTP{Method: "POST", Status: 200}) },
	} {
		t.Run(name, func(t *testing.T) {
			record() // the first of its kind makes the attribute sets
			require.Zero(t, testing.AllocsPerRun(1000, record))
		})
	}
}

// BenchmarkAttempt is one attempt with everything there is to record: seven records, and the stream's chunk times. The bound is
// 3 µs; the SDK's own instruments take what BenchmarkAttemptBySDK and BenchmarkChunksBySDK do.
func BenchmarkAttempt(b *testing.B) {
	channel, chunks := newRecorder(b).Channel("primary", "openai"), chunked()
	b.ReportAllocs()
	for b.Loop() {
		channel.Attempt(streamed(chunks))
	}
}

// BenchmarkAttemptTraced is BenchmarkAttempt with exemplars: 0.6 µs.
func BenchmarkAttemptTraced(b *testing.B) {
	tracing, provider := NewTracing("v0", sdktrace.AlwaysSample())
	defer func() { _ = provider.Shutdown(context.Background()) }()
	ctx, _ := tracing.Request(context.Background(), "POST", "/r", http.Header{}, time.Now())
	channel, a := newRecorder(b).Channel("primary", "openai"), streamed(chunked())
	a.Span = tracing.Attempt(ctx, AttemptStart{Operation: "chat", Began: time.Now()})
	b.ReportAllocs()
	for b.Loop() {
		channel.Attempt(a)
	}
}

// BenchmarkAttemptExponential is BenchmarkAttempt with exponential buckets: 0.7 µs.
func BenchmarkAttemptExponential(b *testing.B) {
	channel := NewAs(500, forms()["delta, exponential"]).Channel("primary", "openai")
	chunks, at := channel.Chunks("chat"), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(20 * time.Millisecond)
		chunks.Chunk(sinceOrigin(at))
		channel.Attempt(streamed(&chunks))
	}
}

// BenchmarkFailedAttempt is one that got no answer.
func BenchmarkFailedAttempt(b *testing.B) {
	channel := newRecorder(b).Channel("primary", "openai")
	failed := &Attempt{Operation: "chat", Model: "gpt-5", Outcome: "upstream_status", ErrorType: "503", Duration: time.Second}
	b.ReportAllocs()
	for b.Loop() {
		channel.Attempt(failed)
	}
}

// BenchmarkAttemptInParallel is BenchmarkAttempt on all processors, at the same channel.
func BenchmarkAttemptInParallel(b *testing.B) {
	channel := newRecorder(b).Channel("primary", "openai")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		chunks := chunked()
		for pb.Next() {
			channel.Attempt(streamed(chunks))
		}
	})
}

// BenchmarkRequest is a client's request, as such and as an HTTP request.
func BenchmarkRequest(b *testing.B) {
	m := newRecorder(b)
	b.ReportAllocs()
	for b.Loop() {
		m.Request(request())
		m.HTTP(HTTP{Method: "POST", Route: "/v1/chat/completions", Status: 200, Duration: time.Second})
	}
}

// BenchmarkChunk is one chunk of a stream, the clock not included.
func BenchmarkChunk(b *testing.B) {
	times, at := &ChunkTimes{}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(20 * time.Millisecond)
		times.Chunk(sinceOrigin(at))
	}
}
