//go:build !unix

package http2

import "errors"

func writeNow(uintptr, []byte) (n int, err error) { return 0, errors.ErrUnsupported }
