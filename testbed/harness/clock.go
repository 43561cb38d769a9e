package harness

import (
	"time"
	"unsafe"
)

// Stepped is what time.Now would have said if somebody had set the wall clock by then: the wall time in it differs by d, its
// monotonic reading does not. The layout is that of package time: a flag, 33 bits of seconds, 30 of nanoseconds.
func Stepped(t time.Time, d time.Duration) time.Time {
	const hasMonotonic, secondsShift = 1 << 63, 30
	wall := (*uint64)(unsafe.Pointer(&t))
	if *wall&hasMonotonic == 0 {
		panic("a time without a monotonic reading")
	}
	*wall = uint64(int64(*wall) + int64(d/time.Second)<<secondsShift)
	return t
}
