package main

import (
	"fmt"
	"math"
)

// target is a promise of the relay's, and what came of it.
type target struct {
	what  string
	limit float64
	unit  string // of both; "×": a ratio
	got   spread
}

// Judgements of a target.
const (
	reached  = "reached"
	missed   = "**missed**"
	unjudged = "not measured"
)

// judgement goes by the median.
func (t target) judgement() string {
	switch {
	case math.IsNaN(t.got.median):
		return unjudged
	case t.got.median <= t.limit:
		return reached
	}
	return missed
}

// The bounds. Ratios are to the ReverseProxy but for the conversion's, which is to the relay's own calls that need none.
const (
	cpuOfCall     = 0.85
	addedTail     = 1.0
	cpuOfStream   = 1.0
	addedFirst    = 1.0
	memoryRatio   = 0.75
	memoryKiB     = 48
	conversionCPU = 3.0
	keptShare     = 0.5 // of the resident memory that streams took, after their end: the Go runtime keeps some for later
	keptLiveShare = 0.1
	flat          = 1.1 // what the noise of two runs of the same thing makes
	mostCopies    = 2
)

func (b *bench) targets() (all []target) {
	if !b.only {
		all = b.costTargets()
	}
	if b.growth == nil {
		return all
	}
	at := func(points []point, what string) (last point) {
		for _, p := range points {
			if p.what == what {
				last = p
			}
		}
		return last
	}
	for _, series := range []struct {
		what string
		last point
	}{
		{"channels, one of which has the model", at(b.growth.channels, oneHasIt)},
		{"channels that all have the model", at(b.growth.channels, allHaveIt)},
		{"tokens", at(b.growth.tokens, "")},
	} {
		what := fmt.Sprintf("CPU of a call with %s %s, to one", grouped(float64(series.last.size)), series.what)
		all = append(all, target{what: what, limit: flat, unit: "×", got: series.last.ratio})
	}
	for _, what := range []string{"request", "answer"} {
		n := copies(b.growth.bodies, relayName+" "+what)
		all = append(all, target{what: "copies of the largest " + what, limit: mostCopies, got: spread{n, n, n}})
	}
	all = append(all, standing("streams", b.growth.streams, b.most))
	if n := b.growth.mostHTTP2; n > 0 {
		all = append(all, standing("streams over HTTP/2", b.growth.http2, n))
	}
	return all
}

// standing is none too few.
func standing(what string, m memory, wanted int) target {
	stood := 0
	if held := m.held; len(held) > 0 {
		stood = held[len(held)-1].streams - held[len(held)-1].lost
	}
	short := float64(wanted - stood)
	return target{what: fmt.Sprintf("%s that did not stand, of %s", what, grouped(float64(wanted))), limit: 0, got: spread{short, short, short}}
}

func (b *bench) costTargets() []target {
	r := b.results
	times := func(what string, limit float64, of, to []float64) target {
		return target{what: what, limit: limit, unit: "×", got: spreadOf(ratios(of, to))}
	}
	cpu := func(subject, phase string) []float64 { return r.of(subject, phase, "cpu") }
	added := func(phase, name string) (relay, bare []float64) {
		return r.added(relayName, phase, name), r.added(bareName, phase, name)
	}
	tailRelay, tailBare := added("plain 1", "p99")
	firstRelay, firstBare := added("burst 1", "first p50")
	all := []target{
		times("CPU of a non-streaming call, 64 at a time", cpuOfCall, cpu(relayName, "plain 64"), cpu(bareName, "plain 64")),
		times("CPU of a non-streaming call, one at a time", cpuOfCall, cpu(relayName, "plain 1"), cpu(bareName, "plain 1")),
		times("added p99, one call at a time", addedTail, tailRelay, tailBare),
		times(fmt.Sprintf("CPU of a stream of %d chunks that come at once, 64 at a time", chunksOfStream), cpuOfStream, cpu(relayName, "burst 64"), cpu(bareName, "burst 64")),
		times(fmt.Sprintf("CPU of a stream of %d chunks, one every %v, 64 at a time", chunksOfStream, pacedEvery), cpuOfStream, cpu(relayName, "paced 64"), cpu(bareName, "paced 64")),
		times("added time to the first token (median), one stream at a time", addedFirst, firstRelay, firstBare),
		times("CPU of a converted call (OpenAI to Anthropic) to one that needs none", conversionCPU, cpu(relayName, "converted plain 64"), cpu(relayName, "plain 64")),
		times("CPU of a converted stream to one that needs none", conversionCPU, cpu(relayName, "converted burst 64"), cpu(relayName, "burst 64")),
	}
	all = append(all, b.memoryTargets("", b.memory[relayName], b.memory[bareName], memoryBounds{memoryRatio, memoryKiB, keptShare})...)
	return append(all, b.secureTargets()...)
}

// memoryBounds are what an open stream may take: of what the ReverseProxy takes, in KiB, and how much of it may still be resident later.
type memoryBounds struct{ ratio, kib, kept float64 }

func (b *bench) memoryTargets(over string, relay, bare memory, most memoryBounds) []target {
	if len(relay.held) == 0 || len(bare.held) == 0 {
		return nil
	}
	mine, theirs := relay.held[len(relay.held)-1], bare.held[len(bare.held)-1]
	exactly := func(what string, limit float64, unit string, v float64) target {
		return target{what: what, limit: limit, unit: unit, got: spread{v, v, v}}
	}
	at := fmt.Sprintf("%smemory of an open stream at %s", over, grouped(float64(mine.streams)))
	return []target{
		exactly(at+", to the ReverseProxy's", most.ratio, "×", mine.rss/theirs.rss),
		exactly(at, most.kib, " KiB", mine.rss/1024),
		exactly(fmt.Sprintf("%sshare of that memory still resident %v after the streams' end", over, b.after), most.kept, "×", relay.rssKept/relay.rssGrown),
		exactly(over+"share of what was in use that still is, then", keptLiveShare, "×", relay.liveKept/relay.liveGrown),
	}
}
