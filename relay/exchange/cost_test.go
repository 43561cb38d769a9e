package exchange

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// An open stream holds an exchange and its resources for as long as it lasts. The sizes are the allocator's, which takes 8 bytes of
// each above 512 to say where the pointers are.
func TestAnExchangeAndWhatItHoldsFitIntoTheirSizeClasses(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(Exchange{}), uintptr(640-8))
	assert.LessOrEqual(t, unsafe.Sizeof(resources{}), uintptr(320))
}

func TestAStringIsFoundBehindItsKeyAndNowhereElse(t *testing.T) {
	long := strings.Repeat("m", longestModel)
	for _, key := range []keyed{modelKey, versionKey, tierKey, speedKey, geoOf} {
		for text, want := range map[string]string{
			`{K:"a"}`:                              "a",
			`{"x":{K : "a"}}`:                      "a",
			"{\"_\":\"_ V _\",K\t:\r\n\"a-_1\"}":   "a-_1",
			`{"x":"K",K:"a"}`:                      "a",
			`{"x":[K,K],K:"a"}`:                    "a",
			`{K:null,K:1,K:{"y":2},K:"a",K:"b"}`:   "a",
			`{K:""}`:                               "",
			`{K:"` + long + `"}`:                   long,
			`{K:"` + long + `m"}`:                  "none",
			`{K:"a\"b"}`:                           "none",
			`{K:"a`:                                "none",
			`{K:`:                                  "none",
			`{K`:                                   "none",
			`K`:                                    "none",
			``:                                     "none",
			`{"_":1,"service_tie":2,"inference_ge`: "none",
			key.text[1:] + `:"a"`:                  "none",
			key.text[:len(key.text)-1] + `x":"a"`:  "none",
		} {
			text = strings.ReplaceAll(text, "K", key.text)
			got := stringBehind([]byte(text), key)
			if want == "none" {
				assert.Nil(t, got, text)
				continue
			}
			assert.NotNil(t, got, text)
			assert.Equal(t, want, string(got), text)
		}
	}
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
