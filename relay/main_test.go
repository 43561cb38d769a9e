package relay

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long the tests wait for what is bound to happen, on a machine that is busy with something else.
const patience = time.Minute
