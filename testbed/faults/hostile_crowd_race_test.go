//go:build race

package faults

// The race detector takes many times the memory and the time: fewer attackers, and neither is judged.
const (
	attackers     = 48
	ordinaryCalls = 12
	judged        = false
)
