// Package check notes what a proof has found: each check with its result, and tables of what was expected and what came.
package check

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Report prints each check with its result, and counts.
type Report struct {
	Out            io.Writer
	Checks, Failed int
}

// That notes a check.
func (r *Report) That(ok bool, what string, args ...any) {
	r.Checks++
	verdict := "ok    "
	if !ok {
		verdict = "FAILED"
		r.Failed++
	}
	fmt.Fprintf(r.Out, "%s  %s\n", verdict, fmt.Sprintf(what, args...))
}

// Equal notes whether a query gave what was expected, no series more and none less. NaN is a value that cannot be foreseen.
func (r *Report) Equal(what string, want, got Table) {
	var wrong []string
	for _, key := range want.Keys() {
		value, there := got[key]
		switch {
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s: want %v, there is none", key, want[key]))
		case !math.IsNaN(want[key]) && math.Abs(value-want[key]) > 1e-9*max(1, math.Abs(want[key])):
			wrong = append(wrong, fmt.Sprintf("%s: want %v, got %v", key, want[key], value))
		}
	}
	for _, key := range got.Keys() {
		if _, there := want[key]; !there {
			wrong = append(wrong, fmt.Sprintf("%s: want none, got %v", key, got[key]))
		}
	}
	r.That(len(wrong) == 0, "%s (%d series, sum %v)", what, len(got), got.Sum())
	for _, w := range wrong {
		fmt.Fprintln(r.Out, "          "+w)
	}
}

// Table is values by the values of some labels, joined.
type Table map[string]float64

// Join makes a table's key of the values of labels, and Split takes it apart.
func Join(values ...string) string { return strings.Join(values, "|") }

// Split is the values that Join has joined.
func Split(key string) []string { return strings.Split(key, "|") }

// Sum is the sum of the values.
func (t Table) Sum() (n float64) {
	for _, v := range t {
		n += v
	}
	return n
}

// Keys are the keys in their order.
func (t Table) Keys() []string {
	var keys []string
	for key := range t {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
