package limits

import (
	"testing"

	"one-api/testbed/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
