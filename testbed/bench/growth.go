package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// point is what a call costs at one size of something.
type point struct {
	size  int
	what  string        // of it, where there are several series
	cpu   spread        // µs a call
	ratio spread        // of that to the first of the series, within a round
	rss   float64       // bytes, at the start
	up    time.Duration // from the start of the process until it listens
	// Of bodies:
	allocated float64 // bytes a call
	peak      float64 // bytes resident above what was before
}

// growth is how costs grow with what there is of something.
type growth struct {
	streams   memory
	http2     memory // streams from an upstream that speaks HTTP/2
	mostHTTP2 int    // of them; 0: none were tried
	channels  []point
	tokens    []point
	bodies    []point
}

func (b *bench) grow(ctx context.Context) error {
	b.growth = &growth{}
	for _, series := range []func(context.Context) error{b.growStreams, b.growHTTP2, b.growChannels, b.growTokens, b.growBodies} {
		if err := series(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) growStreams(ctx context.Context) error {
	s, err := b.startRelay(ctx, b.relayConfig())
	if err != nil {
		return err
	}
	defer s.stop()
	b.growth.streams, err = b.memoryOf(ctx, s, viaOpenAI, stepsTo(b.most))
	return err
}

func stepsTo(most int) (steps []int) {
	for _, n := range []int{1, 10, 100, 1000, 5000} {
		if n < most {
			steps = append(steps, n)
		}
	}
	return append(steps, most)
}

// spareDescriptors is what relay and load each need besides their streams: an HTTP/2 connection to the upstream has 250 streams.
const spareDescriptors = 400

// growHTTP2 opens streams that share their connections to the upstream, so that each costs the relay one descriptor and not two.
// Here the load needs one for each too, so more than one process may have are not tried.
func (b *bench) growHTTP2(ctx context.Context) error {
	s, err := b.startRelay(ctx, b.relayConfig())
	if err != nil {
		return err
	}
	defer s.stop()
	_, mayOpen := s.descriptors()
	b.growth.mostHTTP2 = max(1, min(2*b.most, mayOpen-spareDescriptors)) // half as many descriptors each
	b.growth.http2, err = b.memoryOf(ctx, s, overHTTP2.name+"-", stepsTo(b.growth.mostHTTP2))
	return err
}

// growthConcurrency is few enough that every channel's connections stay open.
const growthConcurrency = 8

// kind is a relay with so many of something, and what it is asked.
type kind struct {
	point
	at      *subject
	warm    int
	request func() []byte
	rounds  []float64
}

// growChannels asks for a model that only the last channel has, and for one that all of them have.
func (b *bench) growChannels(ctx context.Context) error {
	var kinds []*kind
	defer func() { stopAll(kinds) }()
	for _, n := range []int{1, 10, 100, 500} {
		var y strings.Builder
		y.WriteString("channels:\n")
		for i := range n {
			fmt.Fprintf(&y, "  - {name: c%[1]d, type: openai, base_url: \"http://%[2]s\", keys: [sk-up], models: [own%[1]d-plain, all-plain]}\n", i, b.at)
		}
		fmt.Fprintf(&y, "tokens:\n  - {name: bench, key: %s}\n", clientKey)
		s, p, err := b.relayWith(ctx, y.String(), n)
		if err != nil {
			return fmt.Errorf("%d channels: %w", n, err)
		}
		for what, model := range map[string]string{oneHasIt: fmt.Sprintf("own%d-plain", n-1), allHaveIt: "all-plain"} {
			request := s.request(s.key, question(model, false, promptBytes))
			k := &kind{point: p, at: s, warm: max(5, 4*n/growthConcurrency), request: func() []byte { return request }}
			k.what = what
			kinds = append(kinds, k)
		}
	}
	var err error
	b.growth.channels, err = b.inTurns(ctx, kinds)
	return err
}

const (
	oneHasIt  = "one has the model"
	allHaveIt = "all have it"
)

// growTokens lets every call come with a token drawn from all of them.
func (b *bench) growTokens(ctx context.Context) error {
	var kinds []*kind
	defer func() { stopAll(kinds) }()
	body := question(viaOpenAI+"plain", false, promptBytes)
	for _, n := range []int{1, 100, 10_000, 100_000} {
		config, _, _ := strings.Cut(b.relayConfig(), "tokens:")
		key := func(i int) string { return fmt.Sprintf("sk-bench%08d", i) } // short: a configuration has at most 4 MiB
		var y strings.Builder
		y.WriteString(config + "tokens:\n")
		for i := range n {
			fmt.Fprintf(&y, "- {name: t%d, key: %s}\n", i, key(i))
		}
		s, p, err := b.relayWith(ctx, y.String(), n)
		if err != nil {
			return fmt.Errorf("%d tokens: %w", n, err)
		}
		kinds = append(kinds, &kind{point: p, at: s, warm: 5, request: func() []byte { return s.request(key(rand.N(n)), body) }})
	}
	var err error
	b.growth.tokens, err = b.inTurns(ctx, kinds)
	return err
}

func (b *bench) relayWith(ctx context.Context, config string, size int) (*subject, point, error) {
	began := time.Now()
	s, err := b.startRelay(ctx, config)
	if err != nil {
		return nil, point{}, err
	}
	return s, point{size: size, up: time.Since(began), rss: s.rss()}, nil
}

func stopAll(kinds []*kind) {
	for _, k := range kinds {
		k.at.stop() // again does no harm
	}
}

// inTurns measures the CPU of a call round after round: on a machine that does something else too, one after the other would
// compare its moods.
func (b *bench) inTurns(ctx context.Context, kinds []*kind) ([]point, error) {
	for range b.rounds {
		for _, k := range kinds {
			l := load{at: k.at.endpoint, concurrency: growthConcurrency, duration: b.duration / 2, warm: k.warm, request: k.request, cpu: k.at.cpuClock()}
			m, err := l.run(ctx)
			if err != nil {
				return nil, err
			}
			k.rounds = append(k.rounds, m.cpu)
		}
	}
	var points []point
	first := map[string][]float64{}
	for _, k := range kinds {
		if first[k.what] == nil {
			first[k.what] = k.rounds
		}
		k.cpu, k.ratio = spreadOf(k.rounds), spreadOf(ratios(k.rounds, first[k.what]))
		points = append(points, k.point)
	}
	return points, nil
}

// growBodies sends and receives ever larger bodies, one call at a time.
func (b *bench) growBodies(ctx context.Context) error {
	sizes := []int{1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20, 20 << 20}
	for _, what := range []string{"request", "answer"} {
		for _, size := range sizes {
			for _, fresh := range b.fresh()[:2] { // the relay and the ReverseProxy
				s, err := fresh(ctx)
				if err != nil {
					return err
				}
				p, err := b.body(ctx, s, what, size)
				s.stop()
				if err != nil {
					return fmt.Errorf("%s, a body of %d bytes: %w", s.name, size, err)
				}
				p.what = s.name + " " + what
				b.growth.bodies = append(b.growth.bodies, p)
			}
		}
	}
	return nil
}

func (b *bench) body(ctx context.Context, s *subject, what string, size int) (p point, err error) {
	model, prompt := viaOpenAI+"plain", size
	if what == "answer" {
		model, prompt = fmt.Sprintf("%ssize-%d", viaOpenAI, size), promptBytes
	}
	request := s.request(s.key, question(model, false, prompt))
	c := newClient(s.address)
	defer c.close()
	calls := func(n int) error {
		for range n {
			if _, err := c.call(request, nil); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	n := max(5, min(500, (100<<20)/size))
	if b.quick {
		n = max(3, n/10)
	}
	small := s.request(s.key, question(viaOpenAI+"plain", false, promptBytes))
	for range 20 { // what is to be seen is what a body takes, so no large one has come before
		if _, err := c.call(small, nil); err != nil {
			return p, err
		}
	}
	before, err := s.heap(ctx)
	if err != nil {
		return p, err
	}
	idle := s.rss()
	s.forgetPeak()
	cpu := s.cpu()
	if err := calls(n); err != nil {
		return p, err
	}
	spent := (s.cpu() - cpu) * 1e6 / float64(n)
	peak := s.peak() - idle
	after, err := s.heap(ctx)
	return point{size: size, cpu: spread{spent, spent, spent}, allocated: (after.allocated - before.allocated) / float64(n), peak: peak}, err
}
