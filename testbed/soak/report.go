package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"one-api/testbed/internal/machine"
	"one-api/testbed/soak/slope"
)

// report is all that a soak has found.
type report struct {
	settings
	machine    machine.Machine
	began      time.Time
	channels   int
	start, end sample // before the load, and after it
	load       *load
	account    account
	trends     []trend
	checks     []check
	old        *load // nil: it was left out
	oldEnd     sample
}

func (r *report) passed() bool {
	for _, t := range r.trends {
		if t.leaks {
			return false
		}
	}
	for _, c := range r.checks {
		if !c.ok {
			return false
		}
	}
	return true
}

// write writes the report and the picture.
func (r *report) write(directory string) error {
	text := r.markdown()
	if r.old != nil {
		p := &picture{old: points(r.old.samples), oldEnd: r.oldEnd, relay: points(r.load.samples)}
		if err := p.save(filepath.Join(directory, "soak.svg"), filepath.Join(directory, "soak.png")); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(directory, "soak.md"), []byte(text), 0o644)
}

// summary is the report for a terminal.
func (r *report) summary(w io.Writer) {
	for _, t := range r.trends {
		fmt.Fprintf(w, "%-7s %s: %s a 1,000 requests (95%%: %s … %s; joint: %s … %s), %s over the run; level %s\n",
			word(!t.leaks), t.name, t.figure(t.line.Slope, 4), t.figure(t.line.Low, 4), t.figure(t.line.High, 4), t.figure(t.joint.Low, 4), t.figure(t.joint.High, 4), t.figure(t.growth, 1), t.figure(t.level, 1))
	}
	for _, c := range r.checks {
		fmt.Fprintf(w, "%-7s %s: %s\n", word(c.ok), c.what, c.got)
	}
}

func word(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAILED"
}

func (q quantity) figure(v float64, digits int) string {
	if q.unit == "" {
		return signless(fmt.Sprintf("%.*f", digits, v))
	}
	return signless(fmt.Sprintf("%.*f", digits, v)) + " " + q.unit
}

// signless turns -0.0 into 0.0.
func signless(number string) string {
	if strings.Trim(number, "-0.") == "" {
		return strings.TrimPrefix(number, "-")
	}
	return number
}

func (r *report) markdown() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	verdict := "**Passed**: nothing grows with the number of requests, all of it came back, and every request is accounted for."
	if !r.passed() {
		verdict = "**Failed**: see the lines that are marked below."
	}
	say("<!-- Written by scripts/soak. Run it again instead of editing this. -->\n")
	say("# Soak\n\n%s\n", verdict)
	say("%s requests in %s (%.0f a second), of which two thirds were meant to go wrong; %s.\n", grouped(float64(r.load.ended.Load())),
		roughly(r.load.took), r.load.achieved(), r.began.UTC().Format("2006-01-02"))
	if r.old != nil {
		say("![Goroutines over requests: the old way of writing adaptors, and this relay](soak.svg)\n")
		say("Both panels have the same vertical scale. On the left is a small relay written as the old fork's adaptors were (`testbed/soak/oldway`):")
		say("a request to the upstream that knows nothing of its client, error bodies that nobody bounds or closes, a goroutine a stream that")
		say("hands over line by line to a handler that may have left. It got the same calls, and its clients gave up after %s. After %s of them it", oldPatience, grouped(r.oldEnd.requests))
		say("held %s goroutines, %s file descriptors and %.0f MiB. On the right is the relay, after %s.\n",
			grouped(r.oldEnd.goroutines), grouped(r.oldEnd.files), r.oldEnd.rss/mebi, grouped(float64(r.load.ended.Load())))
	}
	r.slopes(say)
	r.ending(say)
	r.calls(say)
	r.configuration(say)
	return b.String()
}

func (r *report) slopes(say func(string, ...any)) {
	part := measured(r.load.samples)
	from, to := part[0], part[len(part)-1]
	say("## What grows with the number of requests\n")
	say("| | level | slope per 1,000 requests | 95%% confidence interval | joint interval | growth over the run | tolerated | |")
	say("| --- | --: | --: | --: | --: | --: | --: | --- |")
	for _, t := range r.trends {
		say("| %s | %s | %s | %s … %s | %s … %s | %s | %s | %s |", t.name, t.figure(t.level, 1), t.figure(t.line.Slope, 4), t.figure(t.line.Low, 4), t.figure(t.line.High, 4),
			t.figure(t.joint.Low, 4), t.figure(t.joint.High, 4),
			t.figure(t.growth, 1), t.tolerance, mark(!t.leaks))
	}
	say("\nMeasured in steady state: from request %s to request %s, %d samples, the first %s left out. The slope is ordinary least squares on the",
		grouped(from.requests), grouped(to.requests), len(part), roughly(time.Duration(from.seconds*float64(time.Second))))
	say("means of %d batches of samples, because samples that follow each other are not independent; the intervals are Student's with %d degrees of", slope.Batches, slope.Batches-3)
	say("freedom, widened by what correlation is left between neighbouring batches. It is the slope at equal load: how many calls the clients were waiting")
	say("for at each sample is the regression's second variable, for a machine that gets busier holds more, and that is no leak. The joint intervals hold")
	say("all together with 95%%; of %d that hold with 95%% each, one is often wrong. Something *grows* when its joint interval is above zero and the growth over", len(r.trends))
	say("the measured part is more than what is tolerated; of two figures the larger one counts. The upper end of an interval is what this run could not have told from nothing.\n")
	if r.old == nil {
		return
	}
	if old, err := trends(measured(r.old.samples)); err == nil {
		say("The same arithmetic on the old way's run: %s goroutines a 1,000 requests (%s … %s), %s file descriptors, %s resident.\n",
			grouped(old[0].line.Slope), grouped(old[0].line.Low), grouped(old[0].line.High), grouped(old[4].line.Slope), old[6].figure(old[6].line.Slope, 1))
	}
}

func (r *report) ending(say func(string, ...any)) {
	say("## What was left, and who was told what\n")
	say("| | | |\n| --- | --- | --- |")
	for _, c := range r.checks {
		say("| %s | %s | %s |", c.what, c.got, mark(c.ok))
	}
	say("")
}

func mark(ok bool) string {
	if ok {
		return "ok"
	}
	return "**FAILED**"
}
