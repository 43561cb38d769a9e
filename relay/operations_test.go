package relay

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

func TestTheReferenceOfMetricsKnowsHowManyOperationsThereAre(t *testing.T) {
	operations := map[string]bool{}
	for endpoint := range wire.Endpoints {
		operations[endpoint.Operation()] = true
	}
	page, err := os.ReadFile("../telemetry/METRICS.md")
	require.NoError(t, err)
	require.Contains(t, string(page), fmt.Sprintf("operations (%d)", len(operations)), "telemetry's Cardinality says it")
}
