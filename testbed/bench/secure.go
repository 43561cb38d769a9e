package main

import "strings"

// secured is a way on which subjects ask the upstream over TLS. The relay is told by the model's name, whose first part has a channel of
// its own; the ReverseProxy and nginx by the first part of the path.
type secured struct{ name, says string }

var (
	overHTTP1 = secured{"tls1", "HTTP/1.1 over TLS"}
	overHTTP2 = secured{"tls2", "HTTP/2 over TLS"}
	overTLS   = []secured{overHTTP1, overHTTP2}
)

// securedOf is the way that a model's name says; nil if it says none.
func securedOf(model string) *secured {
	for i, way := range overTLS {
		if strings.HasPrefix(model, way.name+"-") {
			return &overTLS[i]
		}
	}
	return nil
}

// asks is the bytes of a call to a model.
func (s *subject) asks(model string, stream bool, prompt int) []byte {
	at := s.endpoint
	if way := securedOf(model); way != nil && s.name != relayName {
		at.prefix = "/" + way.name + at.prefix
		model = viaOpenAI + strings.TrimPrefix(model, way.name+"-")
	}
	return at.request(s.key, question(model, stream, prompt))
}

// takes reports whether a subject can be put to a phase: the others than the relay convert nothing, peers and the upstream itself are asked
// without TLS, and nginx speaks HTTP/1.1 to upstreams.
func (s *subject) takes(ph phase) bool {
	way := securedOf(ph.model)
	switch {
	case s.name == relayName:
		return true
	case ph.relayOnly:
		return false
	case way == nil || s.name == bareName:
		return true
	}
	return s.name == nginxName && *way == overHTTP1
}

// plainly is the phase without TLS that one over it is held against.
func plainly(phase string) string {
	for _, way := range overTLS {
		phase = strings.TrimPrefix(phase, way.name+" ")
	}
	return phase
}

// securePhases are those over TLS.
func securePhases() (all []phase) {
	for _, way := range overTLS {
		for _, ph := range phases {
			switch ph.name {
			case "plain 1", "plain 64", "burst 1", "burst 64":
				ph.name, ph.model = way.name+" "+ph.name, way.name+"-"+strings.TrimPrefix(ph.model, viaOpenAI)
				all = append(all, ph)
			}
		}
	}
	return all
}

// over is what a subject's memory is called if its upstream is asked that way.
func (w secured) over(subject string) string { return subject + ", " + w.says }

// The bounds over TLS, as the others are.
const (
	secureCall      = 0.7
	secureCallAlone = 0.85
	secureStream    = 0.95
	secureMemory    = 0.6
	secureKept      = 0.09
)

var secureKiB = map[secured]float64{overHTTP1: 48, overHTTP2: 40}

func (b *bench) secureTargets() (all []target) {
	r := b.results
	for _, way := range overTLS {
		times := func(what string, limit float64, phase string, of func(subject, phase string) []float64) {
			phase = way.name + " " + phase
			all = append(all, target{
				what: way.says + ": " + what, limit: limit, unit: "×",
				got: spreadOf(ratios(of(relayName, phase), of(bareName, phase))),
			})
		}
		cpu := func(subject, phase string) []float64 { return r.of(subject, phase, "cpu") }
		times("CPU of a non-streaming call, 64 at a time", secureCall, "plain 64", cpu)
		times("CPU of a non-streaming call, one at a time", secureCallAlone, "plain 1", cpu)
		times("CPU of a stream of chunks that come at once, 64 at a time", secureStream, "burst 64", cpu)
		times("added p99, one call at a time", addedTail, "plain 1", func(subject, phase string) []float64 { return r.added(subject, phase, "p99") })
		times("added time to the first token (median), one stream at a time", addedFirst, "burst 1",
			func(subject, phase string) []float64 { return r.added(subject, phase, "first p50") })
		all = append(all, b.memoryTargets(way.says+": ", b.memory[way.over(relayName)], b.memory[way.over(bareName)], memoryBounds{secureMemory, secureKiB[way], secureKept})...)
	}
	return all
}

// secureCosts is the table of what is asked over TLS.
func (b *bench) secureCosts(r *report) {
	r.say("## Over TLS\n")
	r.say("The upstream is asked over TLS 1.3, the client asks without. *Added* is to the direct calls without TLS, so that it has the upstream's own share of it.\n")
	names := []string{relayName, bareName}
	if b.version != "" {
		names = append(names, nginxName)
	}
	r.say("| | %s | relay ÷ ReverseProxy |\n| --- |%s --: |", strings.Join(names, " | "), strings.Repeat(" --: |", len(names)))
	for _, way := range overTLS {
		for _, l := range []line{
			{"CPU µs a call, 1 at a time", "plain 1", "cpu", false},
			{"CPU µs a call, 64 at a time", "plain 64", "cpu", false},
			{"calls a second, 64 at a time", "plain 64", "rate", false},
			{"added p50 µs, 1 at a time", "plain 1", "p50", true},
			{"added p99 µs, 1 at a time", "plain 1", "p99", true},
			{"CPU µs a stream, 1 at a time", "burst 1", "cpu", false},
			{"CPU µs a stream, 64 at a time", "burst 64", "cpu", false},
			{"added time to first token, p50 µs, 1 at a time", "burst 1", "first p50", true},
			{"allocations a call", "plain 1", "objects", false},
			{"allocations a stream", "burst 1", "objects", false},
		} {
			l.what, l.phase = way.says+": "+l.what, way.name+" "+l.phase
			b.costLine(r, l, names)
		}
	}
	r.say("")
}
