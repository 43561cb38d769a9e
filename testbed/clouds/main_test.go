// Package clouds tests channels to clouds, whose models are in accounts of the operator's: Azure's resources and Vertex AI.
package clouds

import (
	"testing"

	"one-api/testbed/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
