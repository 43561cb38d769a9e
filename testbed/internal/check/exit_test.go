package check

import (
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnExitCodeSaysWhetherTheProofOrItsCallFailed(t *testing.T) {
	failed, usage := errors.New("it grows"), errors.New("wrong call")
	require.Equal(t, 0, ExitCode(nil, failed, usage, true))
	require.Equal(t, 0, ExitCode(flag.ErrHelp, failed, usage, false))
	require.Equal(t, 1, ExitCode(fmt.Errorf("soak: %w", failed), failed, usage, false))
	require.Equal(t, 2, ExitCode(fmt.Errorf("%w: -rate", usage), failed, usage, false))
	require.Equal(t, 3, ExitCode(errors.New("no such file"), failed, usage, false))
	require.Equal(t, 130, ExitCode(failed, failed, usage, true))
}
