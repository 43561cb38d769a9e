package main

import (
	"context"
	"fmt"
	"time"

	"one-api/testbed/internal/process"
)

// quietWithin is how long a relay may take to give back what the load has left with it: above the time that it keeps an idle connection.
const quietWithin = 75 * time.Second

// slack is how many goroutines and descriptors more than at the start are nobody's leak: the connection that is asked on, a timer of
// the runtime's.
const slack = 2

// quiet waits until take gives what was held at the start, for as long as it may take, and returns what is held then.
func quiet(ctx context.Context, within time.Duration, start sample, take func(context.Context) (sample, error)) (sample, error) {
	deadline := time.Now().Add(within)
	for {
		now, err := take(ctx)
		if err != nil {
			return now, fmt.Errorf("after the load: %w", err)
		}
		if isQuiet(start, now) || time.Now().After(deadline) {
			return now, nil
		}
		process.Pause(ctx, 250*time.Millisecond)
	}
}

func isQuiet(start, now sample) bool {
	return now.goroutines <= start.goroutines+slack && now.files <= start.files+slack && now.inFlight == 0 && now.openBodies == 0
}

// after is the checks of what is left when the load has ended.
func after(start, end sample) []check {
	return []check{
		checked(end.goroutines <= start.goroutines+slack, "goroutines are back to where they were", "%.0f before the load, %.0f after it", start.goroutines, end.goroutines),
		checked(end.files <= start.files+slack, "file descriptors are back to where they were", "%.0f before the load, %.0f after it", start.files, end.files),
		checked(end.inFlight == 0, "no call is in flight", "%.0f", end.inFlight),
		checked(end.openBodies == 0, "no upstream body is open", "%.0f", end.openBodies),
	}
}

// honest is the checks of what clients got and of what the relay says that it did.
func honest(l *load, a account, u *upstreams, leaked float64, panics int) []check {
	sent := float64(l.ended.Load())
	counted, attempts := a.total(a.requests), a.total(a.attempts)
	complete, healthyCalls := float64(l.goodOf[0]), float64(l.goodOf[1])
	first := ""
	if len(l.broken) > 0 {
		first = "; the first: " + l.broken[0]
	}
	return []check{
		checked(sent == counted, "every request ended in exactly one outcome", "%.0f sent, %.0f counted by the relay over all outcomes", sent, counted),
		checked(a.requests["panic"] == 0 && a.attempts["panic"] == 0 && panics == 0, "no call panicked", "%.0f requests, %.0f attempts, %d lines of the log", a.requests["panic"], a.attempts["panic"], panics),
		checked(leaked == 0, "no body was left to the safety net", "%.0f", leaked),
		checked(attempts >= float64(u.asked.Load()), "every request that reached an upstream is an attempt", "%.0f attempts, %d of them reached an upstream", attempts, u.asked.Load()),
		checked(u.open.Load() == 0, "no upstream is still being asked", "%d", u.open.Load()),
		checked(l.broke == 0, "no failed call looked like an answer, none was left hanging", "%d did or was%s", l.broke, first),
		checked(complete >= 0.999*healthyCalls, "healthy calls were answered (99.9%)", "%.0f of %.0f", complete, healthyCalls),
	}
}
