package main

import (
	"fmt"
	"io"
	"math"
	"slices"
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

// equal notes whether a query gave what was expected, no series more and none less.
func (r *report) equal(what string, want, got table) {
	var wrong []string
	for _, key := range want.keys() {
		value, there := got[key]
		switch {
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s: want %v, there is none", key, want[key]))
		case math.Abs(value-want[key]) > 1e-9*max(1, math.Abs(want[key])):
			wrong = append(wrong, fmt.Sprintf("%s: want %v, got %v", key, want[key], value))
		}
	}
	for _, key := range got.keys() {
		if _, there := want[key]; !there {
			wrong = append(wrong, fmt.Sprintf("%s: want none, got %v", key, got[key]))
		}
	}
	r.that(len(wrong) == 0, "%s (%d series, sum %v)", what, len(got), got.sum())
	for _, w := range wrong {
		fmt.Fprintln(r.out, "          "+w)
	}
}

// table is values by the values of some labels, joined with "|".
type table map[string]float64

func join(values ...string) string { return strings.Join(values, "|") }

func (t table) sum() (n float64) {
	for _, v := range t {
		n += v
	}
	return n
}

func (t table) keys() []string {
	var keys []string
	for key := range t {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
