//go:build !race

package suite

const (
	attackers     = 500
	ordinaryCalls = 100
	judged        = true // memory and time are
)
