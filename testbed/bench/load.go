package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// load is one measurement: calls in a closed loop, as many at a time as concurrency says.
type load struct {
	at          endpoint
	concurrency int
	duration    time.Duration
	warm        int            // calls of each client before it counts
	stamped     bool           // the stream's chunks say when they were written
	request     func() []byte  // asked by many goroutines
	cpu         func() float64 // seconds of CPU that the subject has used; nil: unknown
}

// measured is what a load has found. Times are µs.
type measured struct {
	calls     int
	seconds   float64
	cpu       float64 // µs a call
	latencies []float64
	firsts    []float64 // time to the first byte of the body
	delays    []float64 // of chunks, without each stream's first
}

// run makes the calls. CPU is read when all clients rest, so that every call counts as a whole.
func (l *load) run(ctx context.Context) (measured, error) {
	clients := make([]*client, l.concurrency)
	for i := range clients {
		clients[i] = newClient(l.at.address)
		defer clients[i].close()
	}
	for range l.warm {
		if _, err := l.each(clients, l.once); err != nil {
			return measured{}, err
		}
	}
	var before float64
	if l.cpu != nil {
		before = l.cpu()
	}
	began := time.Now()
	deadline := began.Add(l.duration)
	m, err := l.each(clients, func(c *client, m *measured) error {
		for {
			if err := l.once(c, m); err != nil {
				return err
			}
			if ctx.Err() != nil || !time.Now().Before(deadline) {
				return ctx.Err()
			}
		}
	})
	m.seconds = time.Since(began).Seconds()
	if l.cpu != nil && m.calls > 0 {
		m.cpu = (l.cpu() - before) * 1e6 / float64(m.calls)
	}
	return m, err
}

func (l *load) each(clients []*client, do func(*client, *measured) error) (measured, error) {
	parts, errs := make([]measured, len(clients)), make([]error, len(clients))
	var group sync.WaitGroup
	for i, c := range clients {
		group.Go(func() { errs[i] = do(c, &parts[i]) })
	}
	group.Wait()
	var m measured
	for _, p := range parts {
		m.calls += p.calls
		m.latencies = append(m.latencies, p.latencies...)
		m.firsts = append(m.firsts, p.firsts...)
		m.delays = append(m.delays, p.delays...)
	}
	slices.Sort(m.latencies)
	slices.Sort(m.firsts)
	slices.Sort(m.delays)
	return m, errors.Join(errs...)
}

func (l *load) once(c *client, m *measured) error {
	var tell func([]byte)
	if l.stamped {
		first := true
		s := stamps{found: func(age time.Duration) {
			if !first { // that is the time to the first token
				m.delays = append(m.delays, micros(age))
			}
			first = false
		}}
		tell = s.read
	}
	request := l.request()
	began := time.Now()
	h, err := c.call(request, tell)
	if err != nil {
		return err
	}
	m.calls++
	m.latencies = append(m.latencies, micros(time.Since(began)))
	m.firsts = append(m.firsts, micros(h.first.Sub(began)))
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
