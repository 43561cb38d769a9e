package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// calls lists what was done and how it ended.
func (r *report) calls(say func(string, ...any)) {
	say("## What was done\n")
	say("Each fault met the only channel of its model in six calls of ten, the first of two in one of four, and the last of two in the rest; over all ways")
	say("through the adaptors (OpenAI and Anthropic clients, `openai`, `anthropic` and `xai` channels), HTTP/1.1 with and without TLS and HTTP/2, streams and whole answers, wherever")
	say("there is such a thing. Classes are those of the fault list that the tests follow.\n")
	head := "| fault | class | requests |"
	rule := "| --- | --- | --: |"
	for _, name := range resultNames {
		head, rule = head+" "+name+" |", rule+" --: |"
	}
	say("%s\n%s", head, rule)
	for i, f := range faults {
		total, row := int64(0), ""
		for _, n := range r.load.tally[i] {
			total += n
			row += " " + orBlank(n) + " |"
		}
		say("| %s | %s | %s |%s", f.name, f.class, grouped(float64(total)), row)
	}
	say("\nHow the relay counted them. Requests are clients' calls; attempts are what channels were asked, retries included.\n")
	say("| outcome | requests | attempts |\n| --- | --: | --: |")
	var outcomes []string
	for name := range r.account.requests {
		outcomes = append(outcomes, name)
	}
	for name := range r.account.attempts {
		if !slices.Contains(outcomes, name) {
			outcomes = append(outcomes, name)
		}
	}
	slices.SortFunc(outcomes, func(a, b string) int { return int(r.account.requests[b] - r.account.requests[a]) })
	for _, name := range outcomes {
		say("| `%s` | %s | %s |", name, orBlank(int64(r.account.requests[name])), orBlank(int64(r.account.attempts[name])))
	}
	say("| all | %s | %s |\n", grouped(r.account.total(r.account.requests)), grouped(r.account.total(r.account.attempts)))
}

func (r *report) configuration(say func(string, ...any)) {
	say("## With what\n")
	say("- A machine with %d cores and %s, %s, Go %s. It ran the relay, the clients and the upstreams.", r.machine.Cores, r.machine.Memory, r.machine.Kernel, r.machine.Go)
	say("- The relay as it is built, a process of its own: %d channels with %d keys each, Prometheus metrics on, reloaded (SIGHUP) every %s, its channels", r.channels, keysOfChannel, reloadEvery*operateEvery)
	say("  enabled anew every %s, so that those that fail by design are not passed over. `CLIENT_WRITE_TIMEOUT` %s; clocks of %s where a clock had to run out.", operateEvery, clientWriteTimeout, hastyClock)
	waited := r.load.saturated.Load()
	say("- %.0f requests a second, steady, at most %s at a time (%s had to wait for a place), seed %d.", r.rate, grouped(float64(r.concurrency)), grouped(float64(waited)), r.seed)
	say("- The slowest sample (health and what `/proc` says) took %s, %d could not be taken; the machine itself stood still for %s at the worst.",
		r.load.slowest.Round(time.Millisecond), r.load.missed, r.load.stood.Round(time.Millisecond))
	say("- Goroutines, calls and bodies are read from `/api/monitor/health`, the heap from `/debug/pprof/heap` after a collection, memory and descriptors from `/proc`.")
	say("- Not in it: DNS failures, slow request headers, panics, a collector that hangs, shutdown in the middle. The tests have those.")
}

func orBlank(n int64) string {
	if n == 0 {
		return ""
	}
	return grouped(float64(n))
}

// grouped writes a whole number with commas between its thousands.
func grouped(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// roughly is a duration for a reader.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	}
	return fmt.Sprintf("%.1f hours", d.Hours())
}
