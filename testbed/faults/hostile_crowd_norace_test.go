//go:build !race

package faults

const (
	attackers     = 500
	ordinaryCalls = 100
	judged        = true // memory and time are
)
