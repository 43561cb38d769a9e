package chat

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An open stream has an inspector for as long as it lasts.
func TestAnInspectorIsSmall(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(inspector{}), uintptr(176))
}

func TestProgressKnowsEveryChoiceByItsIndexAndAllOddOnesAsOne(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		var p progress
		begun, ended := map[int64]bool{}, map[int64]bool{}
		for range 1 + r.IntN(6) {
			index := int64(r.IntN(140) - 3)
			as := index
			if index < 0 || index >= maxChoices {
				as = maxChoices
			}
			p.begins(index)
			begun[as] = true
			if r.IntN(3) > 0 {
				p.ends(index)
				ended[as] = true
			}
			require.True(t, p.any())
			require.Equal(t, len(begun) == 1 && begun[0], p.onlyFirst())
			for asked := range 4 {
				require.Equal(t, len(begun) == len(ended) && len(begun) >= max(asked, 1), p.complete(asked))
			}
		}
	}
	var p progress
	p.beyond().unknown = "odd"
	require.False(t, p.any(), "an end reason is no choice")
	require.Equal(t, "odd", p.unknown())
}
