// Package ledger puts a load whose cost is known through the relay, as the program that people run, and compares what it remembers with
// what was: while its database is stopped, locked, full or may not be written, and when the relay itself is killed.
package ledger

import (
	"testing"

	"one-api/testbed/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
