package faults

import (
	"os"
	"testing"

	"one-api/testbed/harness"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(attackedFile); file != "" { // this process is a relay for one of the tests
		if err := beAttacked(file); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	harness.Main(m)
}
