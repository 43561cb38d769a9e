package controller

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// An open call holds this for as long as it lasts. The allocator has nothing between 1,024 bytes and 1,152, and takes 8 of
// them to say where the pointers are.
func TestACallFitsIntoAKilobyte(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(call{}), uintptr(1024-8))
}
