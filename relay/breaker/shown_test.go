package breaker

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAKeyIsShownAsItsProviderWantsItAndMadeOnce(t *testing.T) {
	k := NewKey("k")
	assert.Equal(t, []string{"Bearer k"}, k.Shown("Bearer "))
	assert.Zero(t, testing.AllocsPerRun(10, func() { k.Shown("Bearer ") }))
	assert.Equal(t, []string{"k"}, k.Shown(""), "its channel has become another provider's")
}
