package http1

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryByteThatAFieldMayNotHaveIsFoundAtEveryPlace(t *testing.T) {
	for c := range 256 {
		allowed := c == '\t' || c >= ' ' && c != 0x7f
		for length := 1; length < 20; length++ {
			for at := range length {
				for _, filler := range []string{"a", " ", "\t", "~", "\x80", "\xff"} {
					value := []byte(strings.Repeat(filler, length))
					value[at] = byte(c)
					require.Equal(t, allowed, isFieldValue(value), "%q", value)
				}
			}
		}
	}
}
