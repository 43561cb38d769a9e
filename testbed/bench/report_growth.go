package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// growthTables shows what costs do when there is more of something.
func (b *bench) growthTables(r *report) {
	r.say("## How costs grow\n")
	r.say("### Open streams\n")
	b.streamsTable(r, b.growth.streams)
	if n := b.growth.mostHTTP2; n > 0 {
		r.say("### Open streams from an upstream that speaks HTTP/2\n")
		r.say("Over TLS, up to 250 of them on a connection. %s were tried.%s\n", grouped(float64(n)), map[bool]string{true: " More need more descriptors than the relay, and the load, may have here."}[n < 2*b.most])
		b.streamsTable(r, b.growth.http2)
	}
	r.say("### Channels and tokens\n")
	r.say("Non-streaming calls, %d at a time, to a fresh relay each. A call should cost the same, however many there are.\n", growthConcurrency)
	r.say("| | CPU µs a call | to the first of its kind | resident at the start | ready after |\n| --- | --: | --: | --: | --: |")
	pointsTable(r, b.growth.channels, func(p point) string { return fmt.Sprintf("%s channels, %s", grouped(float64(p.size)), p.what) })
	pointsTable(r, b.growth.tokens, func(p point) string { return fmt.Sprintf("%s tokens, one at random", grouped(float64(p.size))) })
	r.say("")
	b.bodiesTable(r)
}

func (b *bench) streamsTable(r *report, m memory) {
	r.say("| streams | resident MiB | KiB a stream | in use KiB a stream | slowest chunk ms | lost |\n| --: | --: | --: | --: | --: | --: |")
	for _, h := range m.held {
		r.row(grouped(float64(h.streams)), figureText((m.idle+h.rss*float64(h.streams))/(1<<20)), figureText(h.rss/1024), figureText(h.live/1024), figureText(h.slowest), grouped(float64(h.lost)))
	}
	switch {
	case m.gaveOut != "":
		r.say("\n**It gave out** %s.", m.gaveOut)
	case m.mayOpen > 0:
		r.say("\nThe most took %s of the relay's %s file descriptors.", grouped(float64(m.open)), grouped(float64(m.mayOpen)))
	}
	if i := slices.IndexFunc(m.held, func(h held) bool { return h.streams >= 1000 }); i >= 0 {
		from, to := m.held[i], m.held[len(m.held)-1]
		if to.streams > from.streams {
			slope := (to.rss*float64(to.streams) - from.rss*float64(from.streams)) / float64(to.streams-from.streams)
			r.say("\nFrom %s streams to %s each further one costs **%s KiB**; each stood for %v.", grouped(float64(from.streams)), grouped(float64(to.streams)), figureText(slope/1024), b.settle)
		}
	}
	r.say("%v after their end %s were still resident, and %s in use.\n", b.after, kept(m.rssKept, m.rssGrown), kept(m.liveKept, m.liveGrown))
}

func pointsTable(r *report, points []point, name func(point) string) {
	for _, p := range inOrder(points) {
		r.row(name(p), p.cpu.text(""), p.ratio.text("×"), figureText(p.rss/(1<<20))+" MiB", p.up.Round(time.Millisecond).String())
	}
}

func (b *bench) bodiesTable(r *report) {
	r.say("### Bodies\n")
	r.say("One call at a time. *Copies* is how many bytes a call allocates for each byte of the body, without what a call of 1 KiB allocates; buffers that are used again do not count there, but at the peak.\n")
	r.say("| | KiB | CPU µs | CPU ns a byte | copies | peak MiB above idle | peak ÷ body |\n| --- | --: | --: | --: | --: | --: | --: |")
	base := map[string]float64{}
	for _, p := range inOrder(b.growth.bodies) {
		if _, ok := base[p.what]; !ok {
			base[p.what] = p.allocated
		}
		size := float64(p.size)
		copies := math.NaN()
		if p.size > 10<<10 {
			copies = (p.allocated - base[p.what]) / size
		}
		r.row(p.what, grouped(size/1024), figureText(p.cpu.median), figureText(p.cpu.median*1000/size), figureText(copies), figureText(p.peak/(1<<20)), figureText(p.peak/size))
	}
	r.say("")
}

// inOrder is the series one after the other, each by size.
func inOrder(points []point) []point {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(b.what, a.what), cmp.Compare(a.size, b.size))
	})
	return points
}

// copies is how many bytes the calls of the largest body allocate for each of its bytes.
func copies(points []point, what string) float64 {
	all := slices.DeleteFunc(inOrder(points), func(p point) bool { return p.what != what })
	if len(all) < 2 {
		return unknown
	}
	first, last := all[0], all[len(all)-1]
	return (last.allocated - first.allocated) / float64(last.size)
}
