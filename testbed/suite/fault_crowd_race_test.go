//go:build race

package suite

// crowd is how many clients there are at once. The race detector bears no more than some thousand goroutines.
const crowd = 300

// manyCalls is how many are made one after another, some at a time.
const manyCalls = 1500
