//go:build unix

package http2

import (
	"os"
	"syscall"
)

// writeNow writes what a connection takes without waiting, which may be nothing.
func writeNow(fd uintptr, b []byte) (n int, err error) {
	n, err = syscall.Write(int(fd), b)
	for err == syscall.EINTR {
		n, err = syscall.Write(int(fd), b)
	}
	switch {
	case err == syscall.EAGAIN:
		return 0, nil
	case err != nil:
		return 0, os.NewSyscallError("write", err)
	}
	return n, nil
}
