//go:build race

package faults

// strangers is how many requests of strangers the series are bounded against. The race detector makes each one ten times as
// expensive.
const strangers = 20_000
