package controller

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// Every call makes one. The size is the allocator's, which takes 8 bytes of each above 512 to say where the pointers are: the next is 1,152.
func TestACallFitsIntoItsSizeClass(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(call{}), uintptr(1024-8))
}
