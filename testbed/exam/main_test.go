// Package exam asks everything of everybody: each feature that clients rely on, on each surface, in front of each kind of provider. The
// providers are strict imitations, and what comes back is read by a reader for each surface which minds what SDKs and agents mind.
package exam

import (
	"testing"

	"one-api/testbed/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
