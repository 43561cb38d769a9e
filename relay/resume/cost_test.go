//go:build !race

// The race detector allocates.

package resume

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/exchange"
)

// TestFollowingAPieceAllocatesWhatItSays: a stream that is never rescued costs no more.
func TestFollowingAPieceAllocatesWhatItSays(t *testing.T) {
	for _, c := range pieces {
		a := follow(sink{}, c.endpoint, nil)
		require.NoError(t, a.Write(beginningOf(c.endpoint)))
		a.text = append(make([]byte, 0, maxText), a.text...)
		var to exchange.Downstream = a
		assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _ = to.Write(c.event) }), c.allocs, c.name)
		assert.True(t, a.Resumable())
	}
}
