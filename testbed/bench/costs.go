package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// phase is one kind of load.
type phase struct {
	name        string
	concurrency int
	model       string
	stream      bool
	stamped     bool
	relayOnly   bool // others cannot convert
}

const pacedEvery = 10 * time.Millisecond

// The names of the phases are used by the report.
var phases = []phase{
	{name: "plain 1", concurrency: 1, model: viaOpenAI + "plain"},
	{name: "plain 64", concurrency: 64, model: viaOpenAI + "plain"},
	{name: "burst 1", concurrency: 1, model: viaOpenAI + "burst", stream: true},
	{name: "burst 64", concurrency: 64, model: viaOpenAI + "burst", stream: true},
	{name: "paced 64", concurrency: 64, model: viaOpenAI + "paced-" + pacedEvery.String(), stream: true, stamped: true},
	{name: "converted plain 64", concurrency: 64, model: viaAnthropic + "plain", relayOnly: true},
	{name: "converted burst 64", concurrency: 64, model: viaAnthropic + "burst", stream: true, relayOnly: true},
}

// allPhases has those over TLS too.
func allPhases() []phase { return append(phases[:len(phases):len(phases)], securePhases()...) }

// figure is what a phase measures of a subject.
type figure struct{ subject, phase, name string }

// results are the figures of all rounds, in their order.
type results map[figure][]float64

// of is a figure of a subject; added is how much more that is than without the subject.
func (r results) of(subject, phase, name string) []float64 {
	return r[figure{subject, phase, name}]
}

func (r results) added(subject, phase, name string) []float64 {
	return minus(r.of(subject, phase, name), r.of(direct, plainly(phase), name))
}

func (r results) record(subject, phase string, m measured) {
	add := func(name string, value float64) {
		at := figure{subject, phase, name}
		r[at] = append(r[at], value)
	}
	add("cpu", m.cpu)
	add("rate", float64(m.calls)/m.seconds)
	add("p50", quantile(m.latencies, .5))
	add("p99", quantile(m.latencies, .99))
	add("first p50", quantile(m.firsts, .5))
	add("first p99", quantile(m.firsts, .99))
	add("delay p50", quantile(m.delays, .5))
	add("delay p99", quantile(m.delays, .99))
}

// costs makes every subject take its turn in every phase, round after round. Each round begins with another subject.
func (b *bench) costs(ctx context.Context, subjects []*subject) error {
	b.results = results{}
	for round := range b.rounds {
		fmt.Fprintf(b.log, "round %d of %d\n", round+1, b.rounds)
		for _, ph := range allPhases() {
			for i := range subjects {
				s := subjects[(i+round)%len(subjects)]
				if !s.takes(ph) {
					continue
				}
				m, err := b.measure(ctx, s, ph)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, ph.name, err)
				}
				b.results.record(s.name, ph.name, m)
			}
		}
	}
	return errors.Join(b.allocations(ctx, subjects), b.collections(ctx, subjects))
}

func (b *bench) measure(ctx context.Context, s *subject, ph phase) (measured, error) {
	request := s.asks(ph.model, ph.stream, promptBytes)
	l := load{at: s.endpoint, concurrency: ph.concurrency, duration: b.duration, stamped: ph.stamped, request: func() []byte { return request }, cpu: s.cpuClock()}
	switch {
	case ph.stamped: // a stream of these lasts a second
	case ph.concurrency == 1:
		l.warm = 50
	default:
		l.warm = 5
	}
	m, err := l.run(ctx)
	if l.cpu == nil {
		m.cpu = unknown
	}
	return m, err
}

// allocations counts what a call allocates, from the process' own count.
func (b *bench) allocations(ctx context.Context, subjects []*subject) error {
	calls := map[string]int{"plain 1": 4000, "burst 1": 1000, "converted plain 64": 4000, "converted burst 64": 1000}
	for _, ph := range allPhases() {
		n, wanted := calls[plainly(ph.name)]
		for _, s := range subjects {
			if !wanted || s.profiles == "" || !s.takes(ph) {
				continue
			}
			spent, err := b.spent(ctx, s, ph, n)
			if err != nil {
				return err
			}
			at := func(name string) figure { return figure{s.name, ph.name, name} }
			b.results[at("objects")] = []float64{spent.objects}
			b.results[at("bytes")] = []float64{spent.allocated}
		}
	}
	return nil
}

// spent is what each of n calls, one after the other, allocates. What asking costs is measured too, and taken off.
func (b *bench) spent(ctx context.Context, s *subject, ph phase, n int) (heap, error) {
	var looks [3]heap
	var err error
	if looks[0], err = s.heap(ctx); err != nil {
		return heap{}, err
	}
	if looks[1], err = s.heap(ctx); err != nil {
		return heap{}, err
	}
	c := newClient(s.address)
	defer c.close()
	request := s.asks(ph.model, ph.stream, promptBytes)
	for range n {
		if _, err := c.call(request, nil); err != nil {
			return heap{}, fmt.Errorf("%s, allocations: %w", s.name, err)
		}
	}
	if looks[2], err = s.heap(ctx); err != nil {
		return heap{}, err
	}
	each := func(of func(heap) float64) float64 {
		return (of(looks[2]) - of(looks[1]) - (of(looks[1]) - of(looks[0]))) / float64(n)
	}
	return heap{
		allocated: each(func(h heap) float64 { return h.allocated }),
		objects:   each(func(h heap) float64 { return h.objects }),
	}, nil
}

// collections finds the share of the CPU that goes into collecting garbage under load. The collections that asking takes are not
// the load's: one lies between two looks.
func (b *bench) collections(ctx context.Context, subjects []*subject) error {
	for _, ph := range phases {
		for _, s := range subjects {
			if s.profiles == "" || !slices.Contains([]string{"plain 64", "burst 64"}, ph.name) {
				continue
			}
			var looks [3]heap
			var cpu float64
			for i := range looks {
				if i == 2 {
					before := s.cpu()
					if _, err := b.measure(ctx, s, ph); err != nil {
						return err
					}
					cpu = s.cpu() - before
				}
				var err error
				if looks[i], err = s.heap(ctx); err != nil {
					return err
				}
			}
			spent := looks[2].collecting - looks[1].collecting - (looks[1].collecting - looks[0].collecting)
			b.results[figure{s.name, ph.name, "collecting"}] = []float64{100 * spent / cpu}
		}
	}
	return nil
}

// names are the subjects' in the order of the report.
func (b *bench) names() []string {
	names := []string{direct, relayName, bareName}
	for at := range b.results {
		if at.subject == nginxName && !slices.Contains(names, nginxName) {
			names = append(names, nginxName)
		}
	}
	for _, p := range b.peers {
		names = append(names, p.name)
	}
	return names
}
