//go:build unix

package http1

import (
	"io"
	"os"
	"syscall"
)

// Supported reports whether this system lets a connection be read without waiting.
const Supported = true

// readNow reads what there is to read. ready is false if the connection is open and nothing has come.
func readNow(fd uintptr, b []byte) (n int, ready bool, err error) {
	n, err = syscall.Read(int(fd), b)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), b)
	}
	switch {
	case err == syscall.EAGAIN:
		return 0, false, nil
	case err != nil:
		return 0, true, os.NewSyscallError("read", err)
	case n == 0:
		return 0, true, io.EOF
	}
	return n, true, nil
}

// WriteNow writes what a connection takes without waiting, which may be nothing.
func WriteNow(fd uintptr, b []byte) (n int, err error) {
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
