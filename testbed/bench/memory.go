package main

import (
	"context"
	"errors"
	"fmt"

	"one-api/testbed/internal/process"
)

// held is what open streams hold of a subject's memory.
type held struct {
	streams int
	rss     float64 // bytes a stream, resident
	live    float64 // bytes a stream, of heap and stacks, in use after a collection; unknown for what is not written in Go
	slowest float64 // ms: the longest that a chunk was on its way
	lost    int     // streams that broke
}

// memory is what a subject held, and kept.
type memory struct {
	idle      float64 // bytes resident before
	held      []held
	rssKept   float64 // bytes resident more than before, after the streams have ended
	rssGrown  float64 // while the most streams were open
	liveKept  float64 // bytes in use more than before
	liveGrown float64
	open      int    // descriptors of the subject with the most streams
	mayOpen   int    // and how many it may have
	gaveOut   string // why it ended before the last step; empty: it did not
}

// memoryOf opens streams step by step through a fresh subject: one that has worked before has memory in reserve, from which
// streams would seem to live for nothing.
func (b *bench) memoryOf(ctx context.Context, s *subject, via string, steps []int) (m memory, err error) {
	first := phases[0]
	first.model = via + "plain"
	if _, err := b.measure(ctx, s, first); err != nil { // the first calls set up what stays
		return m, fmt.Errorf("%s, memory: %w", s.name, err)
	}
	inUse := func() float64 {
		if s.profiles == "" || err != nil {
			return unknown
		}
		var h heap
		h, err = s.emptied(ctx)
		return h.inUse + h.stacks
	}
	idleLive := inUse()
	process.Pause(ctx, b.settle/2)
	m.idle = s.rss()
	c := newCrowd(s, via)
	defer c.leave()
	for _, n := range steps {
		gaveOut := c.grow(ctx, n)
		m.open, m.mayOpen = s.descriptors()
		if gaveOut != nil {
			m.gaveOut = fmt.Sprintf("on the way to %s streams, with %s of its %s file descriptors in use: %v", grouped(float64(n)), grouped(float64(m.open)), grouped(float64(m.mayOpen)), gaveOut)
			m.rssGrown, m.liveGrown = s.rss()-m.idle, inUse()-idleLive
			break
		}
		c.calm()
		process.Pause(ctx, b.settle)
		m.rssGrown = s.rss() - m.idle
		slowest := float64(c.slowest.Load()) / 1e6
		m.liveGrown = inUse() - idleLive
		m.held = append(m.held, held{
			streams: n, rss: m.rssGrown / float64(n), live: m.liveGrown / float64(n), slowest: slowest, lost: n - int(c.open.Load()),
		})
		fmt.Fprintf(b.log, "%s: %d streams, %.1f KiB resident each\n", s.name, n, m.rssGrown/float64(n)/1024)
	}
	ended := c.end(ctx, b.at)
	process.Pause(ctx, b.after)
	m.rssKept = s.rss() - m.idle // before a collection is forced
	m.liveKept = inUse() - idleLive
	if m.gaveOut != "" {
		ended = nil // it is told already
	}
	return m, errors.Join(err, ended, ctx.Err())
}

// memories measures every subject that can be started anew, one after the other.
func (b *bench) memories(ctx context.Context) error {
	for _, fresh := range b.fresh() {
		s, err := fresh(ctx)
		if err != nil {
			return err
		}
		m, err := b.memoryOf(ctx, s, viaOpenAI, b.streams)
		s.stop()
		if err != nil {
			return err
		}
		b.memory[s.name] = m
	}
	for _, way := range overTLS {
		for _, fresh := range b.fresh()[:2] { // nginx holds the same as without TLS, and what OpenSSL takes
			s, err := fresh(ctx)
			if err != nil {
				return err
			}
			m, err := b.memoryOf(ctx, s, way.name+"-", b.streams)
			s.stop()
			if err != nil {
				return err
			}
			b.memory[way.over(s.name)] = m
		}
	}
	return nil
}
