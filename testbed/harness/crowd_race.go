//go:build race

package harness

// Crowd is how many clients there are at once. The race detector bears no more than some thousand goroutines.
const Crowd = 300

// ManyCalls is how many are made one after another, some at a time.
const ManyCalls = 1500
