package record

import (
	"context"

	"one-api/relay/outcome"
	"one-api/telemetry"
)

// Telemetry tells the metrics and ends the spans.
type Telemetry struct{ Metrics *telemetry.Metrics }

// Attempt counts an attempt, at its channel.
func (t Telemetry) Attempt(_ context.Context, a *Attempt) {
	m := telemetry.Attempt{
		Operation: a.Endpoint.Operation(), Model: a.Model, Outcome: a.Outcome.String(), ErrorType: a.ErrorType(), Status: a.Status,
		Unserved: a.Failure != nil && a.Class == outcome.ClassElsewhere, Duration: a.Duration, FirstChunk: a.FirstEvent, Chunks: a.Chunks,
		Usage: usage(a), Spend: spend(a), Answer: a.Said, Span: a.Span,
	}
	a.Span.EndAttempt(a.Began, &m)
	a.Channel.Metrics.Attempt(&m)
	if a.Resumes {
		a.Channel.Metrics.Resume(a.Because, m.Outcome)
	}
}

// usage is what the provider has counted, and no guess.
func usage(a *Attempt) telemetry.Usage {
	u := &a.Usage
	return telemetry.Usage{
		Input: u.Input() - a.Cost.EstimatedInput, Output: u.Output() - a.Cost.EstimatedOutput, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite(),
		Reasoning: u.Reasoning,
		AudioIn:   u.AudioIn, ImageIn: u.ImageIn, AudioOut: u.AudioOut, ImageOut: u.ImageOut,
	}
}

func spend(a *Attempt) telemetry.Spend {
	u := &a.Usage
	return telemetry.Spend{
		By: [len(telemetry.SpentClasses)]int64{
			u.Uncached, u.CacheRead, u.CacheWrite(), u.AudioIn + u.AudioOut, u.ImageIn + u.ImageOut, u.Text, u.Reasoning,
		},
		GuessedInput: a.Cost.EstimatedInput, GuessedOutput: a.Cost.EstimatedOutput, Nano: a.Cost.Cost,
		Unpriced: !a.Cost.Priced,
	}
}

// End counts a request.
func (t Telemetry) End(_ context.Context, e *End) {
	r := telemetry.Request{
		Route: e.Endpoint.Path(), Operation: e.Endpoint.Operation(), Model: e.Model, Known: e.Known, Outcome: e.Outcome.String(),
		ErrorType: e.ErrorType(), Rejected: string(e.Reason), Attempts: e.Asked(), Duration: e.Duration,
		FirstToken: e.FirstToken, Overhead: max(0, e.Duration-e.Waited),
		ID: e.RequestID, Status: e.Status, Failed: e.Failed(), Span: e.Span,
	}
	e.Span.EndRequest(&r)
	t.Metrics.Request(&r)
}
