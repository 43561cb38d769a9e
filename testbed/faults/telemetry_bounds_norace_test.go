//go:build !race

package faults

// strangers is how many requests of strangers the series are bounded against.
const strangers = 100_000
