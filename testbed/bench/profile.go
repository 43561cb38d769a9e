package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profileAll writes CPU profiles of the relay and the ReverseProxy under every phase, and what they have allocated: where the
// costs come from, for `go tool pprof -diff_base` or alone.
func (b *bench) profileAll(ctx context.Context) error {
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	for _, fresh := range b.fresh()[:2] { // nginx has no profile
		s, err := fresh(ctx)
		if err != nil {
			return err
		}
		err = b.profileOf(ctx, s)
		s.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) profileOf(ctx context.Context, s *subject) error {
	for _, ph := range allPhases() {
		if !s.takes(ph) {
			continue
		}
		seconds := max(1, int(b.duration/time.Second))
		done := make(chan error, 1)
		go func() {
			done <- b.saveProfile(ctx, s, fmt.Sprintf("profile?seconds=%d", seconds), ph.name+".cpu", time.Duration(seconds)*time.Second)
		}()
		longer := *b
		longer.duration = time.Duration(seconds)*time.Second + 500*time.Millisecond // until the profile is there
		m, err := longer.measure(ctx, s, ph)
		if err = errors.Join(err, <-done); err != nil {
			return fmt.Errorf("%s, %s: %w", s.name, ph.name, err)
		}
		fmt.Fprintf(b.log, "%s, %s: %d calls\n", s.name, ph.name, m.calls)
		// All since the start of the process: with the one of the phase before as -diff_base it is this phase's.
		if err := b.saveProfile(ctx, s, "allocs", ph.name+".allocs", 0); err != nil {
			return err
		}
	}
	return b.profileCrowd(ctx, s)
}

// profileCrowd writes what open streams hold: their heap, and the goroutines whose stacks stand beside it.
func (b *bench) profileCrowd(ctx context.Context, s *subject) (err error) {
	idle, err := s.emptied(ctx)
	if err != nil {
		return err
	}
	c, n := newCrowd(s, viaOpenAI), b.streams[0]
	defer c.leave()
	if err := c.grow(ctx, n); err != nil {
		return err
	}
	full, err := s.emptied(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.log, "%s, %d open streams: %.1f KiB of heap and %.1f KiB of stacks each\n", s.name, n,
		(full.inUse-idle.inUse)/1024/float64(n), (full.stacks-idle.stacks)/1024/float64(n))
	return errors.Join(b.saveProfile(ctx, s, "heap", "streams.heap", 0), b.saveProfile(ctx, s, "goroutine", "streams.goroutine", 0), c.end(ctx, b.at))
}

func (b *bench) saveProfile(ctx context.Context, s *subject, what, name string, lasts time.Duration) error {
	data, err := s.readProfile(ctx, what, lasts)
	if err != nil {
		return err
	}
	file := strings.ReplaceAll(s.name+" "+name, " ", "-") + ".pprof"
	return os.WriteFile(filepath.Join(b.profile, file), data, 0o644)
}
