package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing makes a server span of a client's call and a client span of each attempt in it. nil makes none. A call that is not
// traced costs one draw, and allocates nothing: its context stays what it was, and its attempts see that in it.
//
// Questions, answers, keys and addresses are never recorded.
type Tracing struct {
	tracer  trace.Tracer
	sampler sdktrace.Sampler
	genAI   GenAI
}

// NewTracing makes spans of the calls that sampler chooses, and hands them to what the options name. Shutting the provider down is up
// to the caller.
func NewTracing(version string, sampler sdktrace.Sampler, options ...sdktrace.TracerProviderOption) (*Tracing, *sdktrace.TracerProvider) {
	provider := sdktrace.NewTracerProvider(append(options, sdktrace.WithSampler(sampler), sdktrace.WithIDGenerator(drawnIDs{}))...)
	return &Tracing{tracer: provider.Tracer(ScopeName, trace.WithInstrumentationVersion(version), trace.WithSchemaURL(SchemaURL)),
		sampler: sampler}, provider
}

// Span is a part of a trace. The zero value is not recorded.
type Span struct {
	span  trace.Span
	genAI GenAI
}

// Recorded reports whether the span is recorded.
func (s Span) Recorded() bool { return s.span != nil }

// longestText bounds what a stranger can put into a span.
const longestText = 200

// Request begins the span of a client's call, as a child of what its header names (OTEL_PROPAGATORS). The context that it returns
// is the given one if the call is not traced.
func (t *Tracing) Request(ctx context.Context, method, route string, header http.Header, began time.Time) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	parent, id := ctx, trace.TraceID{}
	if p := propagating.Load(); p.in(header) {
		parent = p.Extract(ctx, propagation.HeaderCarrier(header))
		id = trace.SpanContextFromContext(parent).TraceID()
	}
	if !id.IsValid() {
		id = newTraceID()
	}
	// The tracer would ask the same sampler the same question, but only after it has allocated.
	drawn := t.sampler.ShouldSample(sdktrace.SamplingParameters{ParentContext: parent, TraceID: id, Name: route, Kind: trace.SpanKindServer})
	if drawn.Decision == sdktrace.Drop {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(context.WithValue(parent, drawnID{}, id), method+" "+route,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(began), trace.WithAttributes(
			text(AttrMethod, method), text(AttrScheme, "http"), text(AttrRoute, route), text(AttrPath, route)))
	return ctx, Span{span, t.genAI}
}

// EndRequest ends the span of a client's call.
func (s Span) EndRequest(r *Request) {
	if s.span == nil {
		return
	}
	attributes := make([]attribute.KeyValue, 0, 8)
	attributes = append(attributes, text(AttrOperation, r.Operation), text(AttrOutcome, r.Outcome), text(AttrRequestID, r.ID),
		attribute.Int(AttrAttempts, r.Attempts))
	if r.Model != "" {
		attributes = append(attributes, text(AttrModel, bounded(r.Model)))
	}
	if r.Status != 0 {
		attributes = append(attributes, attribute.Int(AttrStatus, r.Status))
	}
	if r.Rejected != "" {
		attributes = append(attributes, text(AttrReason, r.Rejected))
	}
	s.span.SetAttributes(withError(attributes, r.ErrorType)...)
	if r.Failed {
		s.span.SetStatus(codes.Error, r.Outcome)
	}
	s.span.End()
}

// AttemptStart is what is known of an attempt before it is made.
type AttemptStart struct {
	Channel   string
	Provider  string
	Operation string
	Model     string // as the client asked for it
	Stream    bool
	Began     time.Time
}

// Attempt begins the span of an attempt, if the call that it is for is traced.
func (t *Tracing) Attempt(ctx context.Context, a AttemptStart) Span {
	if t == nil {
		return Span{}
	}
	if parent := trace.SpanFromContext(ctx); !parent.IsRecording() {
		return Span{}
	}
	model := bounded(a.Model)
	_, span := t.tracer.Start(ctx, strings.TrimSpace(a.Operation+" "+model),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.Began), trace.WithAttributes(
			text(AttrOperation, a.Operation), text(AttrProvider, a.Provider), text(AttrModel, model),
			attribute.Bool(AttrStream, a.Stream), text(AttrChannel, a.Channel)))
	return Span{span, t.genAI}
}

// EndAttempt ends the span of an attempt.
func (s Span) EndAttempt(began time.Time, a *Attempt) {
	if s.span == nil {
		return
	}
	attributes := make([]attribute.KeyValue, 0, 16)
	attributes = append(attributes, text(AttrOutcome, a.Outcome))
	if a.Status != 0 {
		attributes = append(attributes, attribute.Int(AttrStatus, a.Status))
	}
	if a.FirstChunk > 0 {
		attributes = append(attributes, attribute.Float64(AttrFirstChunk, a.FirstChunk.Seconds()))
		s.span.AddEvent(firstChunkEvent, trace.WithTimestamp(began.Add(a.FirstChunk)))
	}
	attributes = a.Usage.attributes(s.genAI, a.Answer.attributes(attributes))
	s.span.SetAttributes(withError(attributes, a.ErrorType)...)
	if a.ErrorType != "" {
		s.span.SetStatus(codes.Error, a.Outcome)
	}
	s.span.End(trace.WithTimestamp(began.Add(a.Duration)))
}

// In returns ctx with the span in it, for what is logged and measured in it; ctx itself if the span is not recorded.
func (s Span) In(ctx context.Context) context.Context {
	if s.span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, s.span)
}

// bounded cuts a text between two runes: OTLP accepts only UTF-8.
func bounded(s string) string {
	if len(s) > longestText {
		s = s[:longestText] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
