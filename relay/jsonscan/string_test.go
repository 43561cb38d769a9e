package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStringsAreDecodedAsEncodingJSONDoes(t *testing.T) {
	for _, value := range []string{
		`""`, `"gpt-4o"`, `"é€😀"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u20AC"`, `"\ud83d\ude00"`, `"x\ud83dy"`, `"\ude00"`,
		`"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\n"`, `"\ud83d` + `\\u0041"`, `"\u0000"`, "\"\x7f\"",
		"\"\xff\"", "\"a\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\\n\xff\xfe\\n\"", "\"" + strings.Repeat("\xff", 100) + "\\n\"",
		`"` + strings.Repeat(`long \"text\" `, 50) + `"`,
	} {
		var want string
		require.NoError(t, json.Unmarshal([]byte(value), &want), "%q", value)
		got, ok := String([]byte(value))
		assert.True(t, ok, "%q", value)
		assert.Equal(t, want, got, "%q", value)
	}
}

func TestWhatIsNoStringIsNotDecoded(t *testing.T) {
	for _, value := range []string{``, `"`, `"a`, `a"`, `null`, `1`, `["a"]`, `"a"b"`, `"a" `, `"\x"`, `"\u12"`, "\"\n\""} {
		got, ok := String([]byte(value))
		assert.False(t, ok, "%q", value)
		assert.Empty(t, got, "%q", value)
	}
}

func TestEverySpecialByteIsFoundAtEveryPlace(t *testing.T) {
	for length := range 100 {
		text := bytes.Repeat([]byte{0x80}, length)
		for place := range length {
			for c := range 256 {
				text[place] = byte(c)
				want := length
				if c < 0x20 || c == '"' || c == '\\' {
					want = place
				}
				if got := skipPlain(text, 0); got != want {
					require.Equal(t, want, got, "byte %#x at %d of %d", c, place, length)
				}
			}
			text[place] = 0x80
		}
	}
}

func TestAStringCostsOneAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, value := range []string{
		`"` + strings.Repeat("plain ", 20) + `"`,
		`"` + strings.Repeat(`escaped\n`, 20) + `"`,
		`"` + strings.Repeat("not UTF-8 \xff\xff\xff", 20) + `"`,
	} {
		text := []byte(value)
		var got string
		assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { got, _ = String(text) }), value)
		assert.NotEmpty(t, got)
	}
}
