package exchange

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// An open stream holds an exchange and its resources for as long as it lasts. The sizes are the allocator's, which takes 8 bytes of
// each above 512 to say where the pointers are.
func TestAnExchangeAndWhatItHoldsFitIntoTheirSizeClasses(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(Exchange{}), uintptr(640-8))
	assert.LessOrEqual(t, unsafe.Sizeof(resources{}), uintptr(288))
}

func TestOnlyAChunkThatMayEndIsReadForTheSpan(t *testing.T) {
	for data, ends := range map[string]bool{
		`{"choices":[{"delta":{"content":"x"},"finish_reason":null}]}`:                                     false,
		`{"choices":[{"delta":{"content":"x"},"finish_reason": null}]}`:                                    false,
		`{"type":"content_block_delta"}`:                                                                   false,
		`{"choices":[{"finish_reason":"stop"}]}`:                                                           true,
		`{"choices":[{"index":0,"finish_reason":null},{"index":1,"finish_reason":"length"}]}`:              true,
		`{"choices":[{"finish_reason" : null}]}`:                                                           true, // looked at, and found to be none
		`{"choices":[{"finish_reason":null,"native_finish_reason":"stop"}]}`:                               true,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"o":1}}`: true,
	} {
		assert.Equal(t, ends, mayEnd([]byte(data)), data)
	}
}
