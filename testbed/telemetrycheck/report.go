package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// report prints each check with its result, and counts.
type report struct {
	out            io.Writer
	checks, failed int
}

// that notes a check.
func (r *report) that(ok bool, what string, args ...any) {
	r.checks++
	verdict := "ok    "
	if !ok {
		verdict = "FAILED"
		r.failed++
	}
	fmt.Fprintf(r.out, "%s  %s\n", verdict, fmt.Sprintf(what, args...))
}

// equal notes whether a query gave what was expected, no series more and none less. NaN is a value that cannot be foreseen.
func (r *report) equal(what string, want, got table) {
	var wrong []string
	for _, key := range want.keys() {
		value, there := got[key]
		switch {
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s: want %v, there is none", key, want[key]))
		case !math.IsNaN(want[key]) && math.Abs(value-want[key]) > 1e-9*max(1, math.Abs(want[key])):
			wrong = append(wrong, fmt.Sprintf("%s: want %v, got %v", key, want[key], value))
		}
	}
	for _, key := range got.keys() {
		if _, there := want[key]; !there {
			wrong = append(wrong, fmt.Sprintf("%s: want none, got %v", key, got[key]))
		}
	}
	r.that(len(wrong) == 0, "%s (%d series)", what, len(got))
	for _, w := range wrong {
		fmt.Fprintln(r.out, "          "+w)
	}
}

func split(key string) []string { return strings.Split(key, "|") }
