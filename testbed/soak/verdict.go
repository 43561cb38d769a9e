package main

import (
	"fmt"

	"one-api/testbed/soak/slope"
)

// quantity is one that must not grow.
type quantity struct {
	name, unit string
	scale      float64 // of a sample's value to one in unit
	of         func(sample) float64
	// tolerated is how much it may grow over the measured part, in unit, where it is at that level; tolerance says it in words.
	tolerated func(level float64) float64
	tolerance string
}

const mebi = 1 << 20

func flat(n float64) func(float64) float64 { return func(float64) float64 { return n } }

var quantities = []quantity{
	{"goroutines", "", 1, func(s sample) float64 { return s.goroutines }, flat(5), "5"},
	{"goroutines that nothing explains", "", 1, func(s sample) float64 { return s.unexplained }, flat(5), "5"},
	{"calls in flight", "", 1, func(s sample) float64 { return s.inFlight }, flat(5), "5"},
	{"open upstream bodies", "", 1, func(s sample) float64 { return s.openBodies }, flat(3), "3"},
	{"file descriptors", "", 1, func(s sample) float64 { return s.files }, flat(3), "3"},
	{"heap after a collection", "MiB", 1.0 / mebi, func(s sample) float64 { return s.heap }, func(level float64) float64 { return max(1, 0.02*level) }, "1 MiB or 2%"},
	{"resident memory", "MiB", 1.0 / mebi, func(s sample) float64 { return s.rss }, func(level float64) float64 { return max(8, 0.02*level) }, "8 MiB or 2%"},
}

// trend is how a quantity went.
type trend struct {
	quantity
	level     float64    // mean of the measured part
	line      slope.Line // per 1,000 requests, with its 95% interval
	joint     slope.Line // with one of the intervals that hold together with 95%
	growth    float64    // over the measured part
	tolerated float64
	leaks     bool
}

// warmUp is the part of a run that is not measured: until then pools and the heap have found their size. At least warmUpSeconds,
// as far as that leaves half of the run.
const (
	warmUp        = 0.1
	warmUpSeconds = 30
)

// measured cuts the warm-up off.
func measured(samples []sample) []sample {
	if len(samples) == 0 {
		return nil
	}
	end := samples[len(samples)-1].seconds
	from := min(max(warmUp*end, warmUpSeconds), end/2)
	for i, s := range samples {
		if s.seconds >= from {
			return samples[i:]
		}
	}
	return nil
}

// trends judges each quantity. It leaks where its slope is surely above zero and what that comes to over the run is more than
// chance and rounding make. The slope is that at equal load: a machine that gets busier holds more calls, and that is no leak. The load
// is what the clients are waiting for, so that a call which the relay has forgotten to end is none of it.
func trends(samples []sample) (all []trend, err error) {
	if len(samples) < 2*slope.Batches {
		return nil, fmt.Errorf("only %d samples in steady state, so the run was too short or the machine too busy for its -rate: %w", len(samples), slope.ErrShort)
	}
	x, y, calls := make([]float64, len(samples)), make([]float64, len(samples)), make([]float64, len(samples))
	for i, s := range samples {
		x[i], calls[i] = s.requests/1000, s.calls
	}
	for _, q := range quantities {
		t := trend{quantity: q}
		for i, s := range samples {
			y[i] = q.of(s) * q.scale
			t.level += y[i] / float64(len(samples))
		}
		if t.line, err = slope.Fit(x, y, calls, 0.95); err == nil {
			t.joint, err = slope.Fit(x, y, calls, joint(len(quantities)))
		}
		if err != nil {
			return nil, err
		}
		t.growth = t.line.Slope * (x[len(x)-1] - x[0])
		t.tolerated = q.tolerated(t.level)
		t.leaks = t.joint.Low > 0 && t.growth > t.tolerated
		all = append(all, t)
	}
	return all, nil
}

// joint is the confidence of each of n intervals that hold together with 95% (Bonferroni). With 95% each, one run in ten finds
// some quantity growing that is not.
func joint(n int) float64 { return 1 - 0.05/float64(n) }

// check is something else that has to be true.
type check struct {
	ok   bool
	what string
	got  string
}

func checked(ok bool, what, got string, args ...any) check {
	return check{ok, what, fmt.Sprintf(got, args...)}
}
