//go:build !race

package relay

// crowd is how many clients leave at once.
const crowd = 1000
