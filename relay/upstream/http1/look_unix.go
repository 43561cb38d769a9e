//go:build unix

package http1

import "syscall"

// Supported reports whether this system lets an idle connection be looked at without waiting.
const Supported = true

// lookAt reads what there is to read from a connection where nothing should be: its end, or bytes that nobody asked for.
func (c *conn) lookAt(fd uintptr) bool {
	var b [1]byte
	n, err := syscall.Read(int(fd), b[:])
	c.quiet = n < 0 && err == syscall.EAGAIN
	return true // in any case: do not wait
}
