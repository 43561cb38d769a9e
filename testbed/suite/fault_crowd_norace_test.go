//go:build !race

package suite

// crowd is how many clients there are at once.
const crowd = 1000

// manyCalls is how many are made one after another, some at a time.
const manyCalls = 5000
