package messages_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatAStreamMakesTheConversionKeepIsSaid keeps the arguments of tool calls that are never closed.
func TestWhatAStreamMakesTheConversionKeepIsSaid(t *testing.T) {
	tr := chatTranslator(`{"stream":true}`)
	_, err := tr.Event(event(start))
	require.NoError(t, err)
	const size = 100_000
	for i := range 5 {
		step, err := tr.Event(event(fmt.Sprintf(
			`{"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":%q}}}`, i, strings.Repeat("x", size))))
		require.NoError(t, err)
		require.GreaterOrEqual(t, step.Retained, (i+1)*size)
		require.Less(t, step.Retained, (i+2)*size*3/2)
	}
	for i := range 5 {
		step, err := tr.Event(event(fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, i)))
		require.NoError(t, err)
		require.Less(t, step.Retained, (5-i)*size*3/2)
	}
}
