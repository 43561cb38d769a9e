package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// figureText is a number with as many digits as mean something.
func figureText(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case math.Abs(v) >= 1000:
		return grouped(v)
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// grouped writes 1234567 as 1,234,567.
func grouped(v float64) string {
	digits := strconv.FormatFloat(math.Round(math.Abs(v)), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	if v <= -0.5 {
		return "-" + digits
	}
	return digits
}

func (s spread) text(unit string) string {
	if s.low == s.high || math.IsNaN(s.median) {
		return figureText(s.median) + unit
	}
	return fmt.Sprintf("%s%s (%s … %s)", figureText(s.median), unit, figureText(s.low), figureText(s.high))
}

// report is the text as it grows.
type report struct{ strings.Builder }

func (r *report) say(format string, args ...any) { fmt.Fprintf(r, format+"\n", args...) }

func (r *report) row(cells ...string) { r.say("| %s |", strings.Join(cells, " | ")) }

// markdown is the report, and how many targets were missed.
func (b *bench) markdown() (text string, count int) {
	r := &report{}
	r.say("<!-- Written by scripts/bench. Run it again instead of editing this. -->\n")
	r.say("# What the relay costs\n")
	b.conditions(r)
	count = b.verdicts(r)
	if !b.only {
		b.callCosts(r)
		b.streamMemory(r)
	}
	if b.growth != nil {
		b.growthTables(r)
	}
	b.method(r)
	return r.String(), count
}

func (b *bench) conditions(r *report) {
	m := b.machine
	placed := "The subject has one core to itself, load, upstream and sink share the others."
	if !b.cores.apart {
		placed = "There is **one core** for all of them: figures of latency say little."
	}
	r.say("Rounds: %d, measurements of %v, %s; %d cores, %s, %s, Go %s; load average before the run %s. %s", b.rounds, b.duration,
		b.began.UTC().Format("2006-01-02"), m.Cores, m.Memory, m.Kernel, m.Go, m.Busy, placed)
	if load, err := strconv.ParseFloat(m.Busy, 64); err == nil && load > float64(m.Cores)/2 {
		r.say("**The machine was busy with something else**: what is compared within a round still compares, absolute figures and the tails of latencies do not hold.")
	}
	if ran := b.ran(); ran != "" {
		r.say("Beside the relay ran: %s.", ran)
	}
	if b.quick {
		r.say("A quick run: a look, no verdict.")
	}
	r.say("")
}

// ran names what the relay is held against.
func (b *bench) ran() string {
	if b.only {
		return ""
	}
	all := []string{"a bare httputil.ReverseProxy (Go " + b.machine.Go + ")"}
	if b.version != "" {
		all = append(all, "nginx "+b.version)
	}
	for _, p := range b.peers {
		all = append(all, p.name+" at "+p.url)
	}
	return strings.Join(all, ", ")
}

// verdicts says first what is weak.
func (b *bench) verdicts(r *report) (count int) {
	targets := b.targets()
	var weak []string
	for _, t := range targets {
		if t.judgement() == missed {
			weak = append(weak, fmt.Sprintf("- %s: %s where at most %s%s is promised.", t.what, t.got.text(t.unit), figureText(t.limit), t.unit))
		}
	}
	r.say("## What is weak\n")
	if len(weak) == 0 {
		r.say("No target was missed.\n")
	} else {
		r.say("%s\n", strings.Join(weak, "\n"))
	}
	r.say("## Targets\n")
	r.say("Ratios are to the bare ReverseProxy, or to what the line says: medians over the rounds of the ratio within a round, with the lowest and the highest.\n")
	r.say("| | measured | at most | |\n| --- | --: | --: | --- |")
	for _, t := range targets {
		r.row(t.what, t.got.text(t.unit), figureText(t.limit)+t.unit, t.judgement())
	}
	r.say("")
	return len(weak)
}

// line is a row of the table of costs.
type line struct {
	what, phase, name string
	added             bool // what the subject adds
}

var lines = []struct {
	title string
	lines []line
}{
	{"Non-streaming calls", []line{
		{"calls a second, 1 at a time", "plain 1", "rate", false},
		{"calls a second, 64 at a time", "plain 64", "rate", false},
		{"CPU µs a call, 1 at a time", "plain 1", "cpu", false},
		{"CPU µs a call, 64 at a time", "plain 64", "cpu", false},
		{"added p50 µs, 1 at a time", "plain 1", "p50", true},
		{"added p99 µs, 1 at a time", "plain 1", "p99", true},
		{"added p50 µs, 64 at a time", "plain 64", "p50", true},
		{"added p99 µs, 64 at a time", "plain 64", "p99", true},
		{"allocations a call", "plain 1", "objects", false},
		{"bytes allocated a call", "plain 1", "bytes", false},
		{"% of CPU that collects garbage, 64 at a time", "plain 64", "collecting", false},
		{"converted: CPU µs a call, 64 at a time", "converted plain 64", "cpu", false},
		{"converted: allocations a call", "converted plain 64", "objects", false},
	}},
	{fmt.Sprintf("Streams of %d chunks", chunksOfStream), []line{
		{"chunks at once: streams a second, 64 at a time", "burst 64", "rate", false},
		{"chunks at once: CPU µs a stream, 1 at a time", "burst 1", "cpu", false},
		{"chunks at once: CPU µs a stream, 64 at a time", "burst 64", "cpu", false},
		{fmt.Sprintf("a chunk every %v: CPU µs a stream, 64 at a time", pacedEvery), "paced 64", "cpu", false},
		{"added time to first token, p50 µs, 1 at a time", "burst 1", "first p50", true},
		{"added time to first token, p99 µs, 1 at a time", "burst 1", "first p99", true},
		{"added time to first token, p50 µs, 64 at a time", "paced 64", "first p50", true},
		{"added delay a chunk, p50 µs, 64 at a time", "paced 64", "delay p50", true},
		{"added delay a chunk, p99 µs, 64 at a time", "paced 64", "delay p99", true},
		{"allocations a stream", "burst 1", "objects", false},
		{"bytes allocated a stream", "burst 1", "bytes", false},
		{"chunks at once: % of CPU that collects garbage, 64 at a time", "burst 64", "collecting", false},
		{"converted: CPU µs a stream, 64 at a time", "converted burst 64", "cpu", false},
		{"converted: allocations a stream", "converted burst 64", "objects", false},
	}},
}

func (b *bench) callCosts(r *report) {
	names := b.names()
	for _, table := range lines {
		r.say("## %s\n", table.title)
		r.say("| | %s | relay ÷ ReverseProxy |\n| --- |%s --: |", strings.Join(names, " | "), strings.Repeat(" --: |", len(names)))
		for _, l := range table.lines {
			b.costLine(r, l, names)
		}
		r.say("")
	}
	b.secureCosts(r)
}

// costLine is a row: what each subject takes, and the relay beside the ReverseProxy.
func (b *bench) costLine(r *report, l line, names []string) {
	values := func(subject string) []float64 {
		if l.added {
			return b.results.added(subject, l.phase, l.name)
		}
		return b.results.of(subject, l.phase, l.name)
	}
	cells := []string{l.what}
	for _, name := range names {
		v := spreadOf(values(name)).median
		if l.added && name == direct { // what it is added to
			cells = append(cells, "("+figureText(spreadOf(b.results.of(direct, l.phase, l.name)).median)+")")
			continue
		}
		cells = append(cells, figureText(v))
	}
	r.row(append(cells, spreadOf(ratios(values(relayName), values(bareName))).text(""))...)
}

func (b *bench) streamMemory(r *report) {
	r.say("## Memory\n")
	r.say("Open streams that say something every %v, through processes that were started for this.\n", slowEvery)
	r.say("| | resident before | open streams | resident KiB a stream | in use KiB a stream | slowest chunk ms | still resident after | still in use after |")
	r.say("| --- | --: | --: | --: | --: | --: | --: | --: |")
	names := []string{relayName, bareName, nginxName}
	for _, way := range overTLS {
		names = append(names, way.over(relayName), way.over(bareName))
	}
	for _, name := range names {
		m, ok := b.memory[name]
		if !ok {
			continue
		}
		for i, h := range m.held {
			cells := []string{name, figureText(m.idle/(1<<20)) + " MiB", grouped(float64(h.streams)), figureText(h.rss / 1024), figureText(h.live / 1024), figureText(h.slowest), "", ""}
			if i == len(m.held)-1 {
				cells[6], cells[7] = kept(m.rssKept, m.rssGrown), kept(m.liveKept, m.liveGrown)
			}
			r.row(cells...)
		}
		if m.gaveOut != "" {
			r.say("\n%s gave out %s.\n", name, m.gaveOut)
		}
	}
	r.say("\n*In use* is heap and stacks after a collection; *resident* is what the kernel has given, with what the collector lets stand between two collections, and without what was never written to, such as most of the ReverseProxy's copy buffers. What is left after is of what the most streams had taken, %v after they had ended.\n", b.after)
}

func kept(after, grown float64) string {
	if math.IsNaN(after) {
		return "–"
	}
	return fmt.Sprintf("%s MiB (%.0f%%)", figureText(after/(1<<20)), 100*after/grown)
}

func (b *bench) method(r *report) {
	r.say("## How it is measured\n")
	r.say("`scripts/bench` does all of it again. The same bytes go to every subject over HTTP/1.1 on the loopback interface, from connections that stay open, in a closed loop; the upstream answers at once.")
	r.say("CPU is what the kernel counted for the subject's threads, divided by the calls. *Added* is the subject's figure less the one of calls that go straight to the upstream, in the same round.")
	r.say("The delay of a chunk is from the time that the upstream writes into it to its arrival. Allocations are the runtime's own count, and so is the CPU that collects garbage, by the clock: on a machine that is busy with something else it is too much. The relay runs as it comes, with a token that it checks, a")
	r.say("health it keeps, clocks that run, and metrics, traces and logs leaving over OTLP; the ReverseProxy does nothing of that, and has connections that stay open and no buffer pool; nginx has one worker,")
	r.say("connections to the upstream that stay open, and no buffering.\n")
	r.say("What it does not show: TLS on the client's side, a network between machines, more than one core for the relay, and calls a second of a machine whose load generator has cores of its own:")
	r.say("where calls a second stop before the subject's core is full (calls a second × CPU µs a call is well below a million), the load's core was full first.")
}
