package sse

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// An open stream has a Reader for as long as it lasts.
func TestAReaderIsSmall(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(Reader{}), uintptr(240))
}
