package main

import (
	"math"
	"slices"
)

// unknown is a figure that was not measured.
var unknown = math.NaN()

// quantile of sorted values; unknown where there are none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return unknown
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// spread is the median of several rounds, and their bounds.
type spread struct{ median, low, high float64 }

func spreadOf(values []float64) spread {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		return spread{unknown, unknown, unknown}
	}
	slices.Sort(known)
	middle := known[len(known)/2]
	if len(known)%2 == 0 {
		middle = (middle + known[len(known)/2-1]) / 2
	}
	return spread{middle, known[0], known[len(known)-1]}
}

// ratios divides round by round. A round in which the divisor is nothing says nothing: what a proxy adds can be lost in the noise.
func ratios(of, to []float64) []float64 {
	var all []float64
	for i := range min(len(of), len(to)) {
		r := unknown
		if to[i] > 0 {
			r = of[i] / to[i]
		}
		all = append(all, r)
	}
	return all
}

// minus subtracts round by round.
func minus(of, what []float64) []float64 {
	var all []float64
	for i := range min(len(of), len(what)) {
		all = append(all, of[i]-what[i])
	}
	return all
}
