package check

import (
	"errors"
	"flag"
)

// ExitCode is what a program that proves something exits with: 0 if it did or was asked for help, 1 if the proof failed, 2 for a wrong
// call, 130 if it was interrupted, and 3 if something could not be run.
func ExitCode(err, failed, usage error, interrupted bool) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case interrupted:
		return 130
	case errors.Is(err, failed):
		return 1
	case errors.Is(err, usage):
		return 2
	}
	return 3
}
