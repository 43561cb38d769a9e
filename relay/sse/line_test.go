package sse

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBytesThatHaveBeenScannedAreNotLookedAtAgain(t *testing.T) {
	for _, end := range []byte("\n\r") {
		text := []byte("0123456789")
		var lines lineScanner
		assert.Equal(t, 6, lines.end(text[:6], 0))
		text[3] = end // Only a second look could find this one.
		assert.Equal(t, 8, lines.end(text[:8], 0))
		text[9] = end
		assert.Equal(t, 9, lines.end(text, 0))
		assert.Equal(t, 10, lines.end(text, 10))
	}
}

func TestAScannerKeepsItsPlaceWhenTheTextMoves(t *testing.T) {
	text := []byte("a\nbcdef")
	var lines lineScanner
	assert.Equal(t, 1, lines.end(text, 0))
	assert.Equal(t, 7, lines.end(text, 2))
	lines.moved(2)
	text = append(text[2:], "gh\n"...)
	text[1] = '\n'
	assert.Equal(t, 7, lines.end(text, 0))
}

func TestALineEndIsOneOrTwoBytes(t *testing.T) {
	for _, c := range []struct {
		text      string
		end, want int
	}{
		{"a\nb", 1, 2}, {"a\rb", 1, 2}, {"a\r\nb", 1, 3}, {"a\n\rb", 1, 2}, {"a\r", 1, 2}, {"a", 1, 2},
	} {
		assert.Equal(t, c.want, afterEnd([]byte(c.text), c.end), "%q", c.text)
	}
}
