//go:build !unix || solaris || aix

package telemetry

import (
	"errors"
	"os"
)

// lockFile fails: without a lock two processes could have one name.
func lockFile(*os.File) error { return errors.New("this system has no lock for files") }
