package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"one-api/testbed/internal/machine"
)

// soak is the run, from the first process to the report.
type soak struct {
	settings
	log       io.Writer // what happens meanwhile
	work      string
	upstreams *upstreams
}

// Patience of clients. That of the relay's is above what any of its clocks allow, so that running out of it is a failure; the old way has
// no such clocks, and its clients give up after two seconds.
const (
	patience    = 20 * time.Second
	oldPatience = 2 * time.Second
	// Every fifth of its calls hangs until the client gives up.
	oldConcurrency = 1500
)

func (s *soak) run(ctx context.Context) (err error) {
	if s.work, err = os.MkdirTemp("", "soak-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(s.work) }()
	if s.out != "" { // found out now, and not when the night is over
		if err := os.MkdirAll(s.out, 0o755); err != nil {
			return err
		}
	}
	r := &report{settings: s.settings, machine: machine.This(), began: time.Now()}
	if err := s.relayRun(ctx, r); err != nil {
		return err
	}
	if s.oldRequests > 0 {
		if err := s.oldRun(ctx, r); err != nil {
			return err
		}
	}
	if s.out == "" {
		if s.out, err = os.MkdirTemp("", "soak-report-"); err != nil {
			return err
		}
	}
	if err := r.write(s.out); err != nil {
		return err
	}
	r.summary(s.log)
	if got := r.load.achieved(); got < 0.9*s.rate {
		fmt.Fprintf(s.log, "note: the machine made %.0f of %.0f requests a second; a lower -rate is steadier\n", got, s.rate)
	}
	fmt.Fprintf(s.log, "the report is in %s\n", s.out)
	if !r.passed() {
		return errFailed
	}
	return nil
}

// relayRun soaks the relay.
func (s *soak) relayRun(ctx context.Context, r *report) (err error) {
	if s.upstreams, err = startUpstreams(); err != nil {
		return err
	}
	defer s.upstreams.stop()
	relay, err := startRelay(ctx, s.work, s.relay, s.upstreams)
	if err != nil {
		return err
	}
	defer func() { _ = relay.stop(0) }()
	operator, err := newOperator(ctx, relay)
	if err != nil {
		return err
	}
	relay.admin.CloseIdleConnections()
	if r.start, err = relay.take(ctx); err != nil {
		return err
	}
	clients := newClients(relay.url, patience, s.upstreams)
	r.load = &load{
		subject: relay, clients: clients, mix: newMix(s.seed), rate: s.rate, concurrency: s.concurrency,
		requests: s.requests, duration: s.duration, operate: operator.turn, progress: s.log,
	}
	if err := r.load.run(ctx); err != nil {
		return failed(ctx, err, relay)
	}
	clients.http.CloseIdleConnections()
	s.upstreams.goodbye(ctx)
	alone := func(ctx context.Context) (sample, error) {
		relay.admin.CloseIdleConnections()
		return relay.take(ctx)
	}
	if r.end, err = quiet(ctx, quietWithin, r.start, alone); err != nil {
		return err
	}
	if r.account, err = relay.takeAccount(ctx); err != nil {
		return err
	}
	snapshots, err := operator.snapshots(ctx)
	if err != nil {
		return err
	}
	leaked := 0.0
	for _, channel := range snapshots {
		leaked += channel.LeakedBodies
	}
	r.channels = len(snapshots)
	if r.trends, err = trends(measured(r.load.samples)); err != nil {
		return err
	}
	ended := relay.stop(15 * time.Second)
	r.checks = append(after(r.start, r.end), honest(r.load, r.account, s.upstreams, leaked, relay.output.Panics())...)
	r.checks = append(r.checks, checked(ended == nil, "the relay ended well when it was asked to", "%v", orNothing(ended)))
	return s.writeSamples(r.load.samples)
}

// failed adds what the subject has said last, unless it was the caller who ended the load.
func failed(ctx context.Context, err error, of *subject) error {
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w; the last words of %s:\n%s", err, of.name, of.output)
}

func orNothing(err error) any {
	if err == nil {
		return "exit code 0"
	}
	return err
}

// oldRun does the same to the old way, until it has shown enough.
func (s *soak) oldRun(ctx context.Context, r *report) (err error) {
	upstreams, err := startUpstreams()
	if err != nil {
		return err
	}
	defer upstreams.stop()
	old, err := startOld(ctx, s.work, upstreams)
	if err != nil {
		return err
	}
	defer func() { _ = old.stop(0) }()
	most := float64(s.oldRequests)
	r.old = &load{
		subject: old, clients: newClients(old.url, oldPatience, upstreams), mix: newMix(s.seed), rate: s.rate, concurrency: oldConcurrency,
		requests: s.oldRequests, progress: s.log, enough: func(v sample) bool { return v.goroutines >= most },
	}
	if err := r.old.run(ctx); err != nil {
		return failed(ctx, err, old)
	}
	if r.oldEnd, err = old.take(ctx); err != nil {
		return err
	}
	r.oldEnd.requests, r.oldEnd.seconds = float64(r.old.ended.Load()), r.old.took.Seconds()
	return nil
}

// writeSamples writes what was measured, for whoever wants to look closer.
func (s *soak) writeSamples(samples []sample) (err error) {
	if s.samples == "" {
		return nil
	}
	file, err := os.Create(s.samples)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := csv.NewWriter(file)
	rows := [][]string{{"requests", "seconds", "goroutines", "unexplained", "calls", "in_flight", "open_bodies", "files", "heap", "rss"}}
	for _, v := range samples {
		var row []string
		for _, n := range []float64{v.requests, v.seconds, v.goroutines, v.unexplained, v.calls, v.inFlight, v.openBodies, v.files, v.heap, v.rss} {
			row = append(row, fmt.Sprintf("%.1f", n))
		}
		rows = append(rows, row)
	}
	return w.WriteAll(rows)
}
