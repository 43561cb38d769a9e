//go:build race

package relay

// crowd is how many clients leave at once. The race detector bears no more than some thousand goroutines.
const crowd = 300
