//go:build !unix

package http1

import "errors"

// Supported reports whether this system lets a connection be read without waiting.
const Supported = false

func readNow(uintptr, []byte) (n int, ready bool, err error) { return 0, true, errors.ErrUnsupported }

// WriteNow is of systems that can.
func WriteNow(uintptr, []byte) (n int, err error) { return 0, errors.ErrUnsupported }
