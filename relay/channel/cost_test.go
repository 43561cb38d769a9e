package channel

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// An open stream holds an exchange and its holding for as long as it lasts. The sizes are the allocator's, which takes 8 bytes of
// each above 512 to say where the pointers are.
func TestAnExchangeAndWhatItHoldsFitIntoTheirSizeClasses(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(Exchange{}), uintptr(640-8))
	assert.LessOrEqual(t, unsafe.Sizeof(holding{}), uintptr(288))
}
