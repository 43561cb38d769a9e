//go:build !race

package harness

// Crowd is how many clients there are at once.
const Crowd = 1000

// ManyCalls is how many are made one after another, some at a time.
const ManyCalls = 5000
