package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// load is a course of calls, and the samples that are taken meanwhile.
type load struct {
	subject     *subject
	clients     *clients
	mix         *mix
	rate        float64 // calls a second
	concurrency int
	requests    int64             // ends after as many
	duration    time.Duration     // or after that long; 0: only requests count
	enough      func(sample) bool // ends it early; nil: nothing does
	progress    io.Writer
	// operate is done now and then meanwhile, by the operator of the subject; nil: nothing.
	operate func(context.Context)

	begun     atomic.Int64
	ended     atomic.Int64
	saturated atomic.Int64 // calls that had to wait for a place
	mu        sync.Mutex
	tally     [][results]int64 // by fault
	broken    []string         // promises, the first of them in words
	broke     int64
	goodOf    [2]int64 // healthy calls: those that got their answer, all

	samples []sample
	took    time.Duration
	missed  int           // samples that could not be taken
	slowest time.Duration // sample, which is little more than the answer of the health endpoint
	stood   time.Duration // how long, at the worst, the machine did not let this process run
	err     error         // of taking samples
}

// Bounds of how often samples are taken. In between it is so that a run has samplesOfRun of them.
const (
	samplesOfRun   = 600
	fastestSamples = 200 * time.Millisecond
	slowestSamples = 10 * time.Second
	missedInARow   = 5 // samples, each with the admin's patience
	heapEvery      = time.Second
	operateEvery   = 500 * time.Millisecond
	progressEvery  = 15 * time.Second
)

// planned is how long the load is going to take.
func (l *load) planned() time.Duration {
	d := time.Duration(float64(l.requests) / l.rate * float64(time.Second))
	if l.duration > 0 {
		d = min(d, l.duration)
	}
	return d
}

// achieved is how many calls a second were made.
func (l *load) achieved() float64 { return float64(l.ended.Load()) / l.took.Seconds() }

// interval is the time between two samples.
func (l *load) interval() time.Duration {
	return min(max(l.planned()/samplesOfRun, fastestSamples), slowestSamples)
}

// run makes the calls. When it returns, all of them have ended.
func (l *load) run(ctx context.Context) error {
	l.tally = make([][results]int64, len(faults))
	began := time.Now()
	limited, stop := context.WithCancel(ctx)
	defer stop()
	if l.duration > 0 {
		timer := time.AfterFunc(l.duration, stop)
		defer timer.Stop()
	}
	beside, leave := context.WithCancel(ctx)
	var others sync.WaitGroup
	// Samples are taken for as long as calls are made: what is held while the last ones end is another matter.
	others.Go(func() { l.watch(limited, stop, began) })
	others.Go(func() { l.pulse(limited) })
	others.Go(func() { every(limited, max(heapEvery, l.interval()), func() { _ = l.subject.takeHeap(limited) }) }) // watch finds out what no longer answers
	if l.operate != nil {
		others.Go(func() { every(beside, operateEvery, func() { l.operate(beside) }) })
	}
	others.Go(func() { every(beside, progressEvery, func() { l.report(began) }) })
	l.send(ctx, limited, stop)
	leave()
	others.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return l.err
}

// send makes calls at the rate until limited ends, calls stop, and waits for the calls to end.
func (l *load) send(ctx, limited context.Context, stop func()) {
	var calls sync.WaitGroup
	began := time.Now()
	defer calls.Wait()
	defer func() {
		l.took = time.Since(began)
		stop()
	}()
	limiter := rate.NewLimiter(rate.Limit(l.rate), max(1, int(l.rate/10)))
	places := make(chan struct{}, l.concurrency)
	for range l.requests {
		if limiter.Wait(limited) != nil {
			break
		}
		select {
		case places <- struct{}{}:
		default:
			l.saturated.Add(1)
			select {
			case places <- struct{}{}:
			case <-limited.Done():
				continue // and the next Wait ends it
			}
		}
		o := l.mix.next()
		l.begun.Add(1)
		calls.Go(func() {
			got := l.clients.call(ctx, o)
			<-places
			l.ended.Add(1)
			if ctx.Err() == nil {
				l.note(o, got)
			}
		})
	}
}

// note takes down what a client got, and whether it was what it has a right to.
func (l *load) note(o order, got result) {
	f := o.what()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally[o.fault][got]++
	if f.group == healthy {
		l.goodOf[1]++
		if got == whole {
			l.goodOf[0]++
		}
	}
	if f.answer == unanswered && o.position != first && got == whole || got == impatient || got == invented {
		l.broke++
		if len(l.broken) < 10 {
			l.broken = append(l.broken, fmt.Sprintf("%s (%s, %s, stream %t, position %s): %s", f.name, o.model(), o.path(), o.stream, o.position, resultNames[got]))
		}
	}
}

// watch takes samples. A subject that gives none for a while may be on a machine that stands still; one that gives none at all ends
// the load.
func (l *load) watch(ctx context.Context, stop context.CancelFunc, began time.Time) {
	missed := 0
	every(ctx, l.interval(), func() {
		asked := time.Now()
		v, err := l.subject.take(ctx)
		if ctx.Err() != nil {
			return
		}
		l.slowest = max(l.slowest, time.Since(asked))
		if err != nil {
			l.missed++
			if missed++; missed == missedInARow {
				l.err = fmt.Errorf("taking a sample of %s: %w", l.subject.name, err)
				stop()
			}
			return
		}
		missed = 0
		v.requests, v.calls, v.seconds = float64(l.ended.Load()), float64(l.begun.Load()-l.ended.Load()), time.Since(began).Seconds()
		l.samples = append(l.samples, v)
		if l.enough != nil && l.enough(v) {
			stop()
		}
	})
}

// pulse finds out how long the machine does not let this process run.
func (l *load) pulse(ctx context.Context) {
	const beat = 50 * time.Millisecond
	before := time.Now()
	every(ctx, beat, func() {
		now := time.Now()
		l.stood = max(l.stood, now.Sub(before)-beat)
		before = now
	})
}

func (l *load) report(began time.Time) {
	fmt.Fprintf(l.progress, "%s: %d requests in %s\n", l.subject.name, l.ended.Load(), time.Since(began).Round(time.Second))
}

// every does something again and again, until ctx ends.
func every(ctx context.Context, d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}
