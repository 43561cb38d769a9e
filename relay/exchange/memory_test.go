package exchange

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

func TestOnlyCommasThatSeparateAreCounted(t *testing.T) {
	for text, want := range map[string]int64{
		"":                          0,
		`[1,2,{"a":1,"b":[,]}]`:     4,
		`{"a,b":"c,d","e":"\",\\"}`: 1,
		`["\\\\",",\\\",",2]`:       2,
		`["not, closed`:             0,
		`["not, closed\",`:          0,
		`"a" , "b"`:                 1,
	} {
		require.Equal(t, want, commas([]byte(text)), text)
	}
}

// TestConvertingTakesNoMoreThanIsCounted decodes the shortest elements there are into the largest structs.
func TestConvertingTakesNoMoreThanIsCounted(t *testing.T) {
	text := []byte("[" + strings.Repeat("0,", 1<<17) + "0]")
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var blocks []wire.Block
			require.Error(b, json.Unmarshal(text, &blocks))
			require.Len(b, blocks, 1<<17+1)
		}
	})
	// A list grows by a quarter, so that the last two of its arrays, which are held at once, are 1.8 of the 5 that all of them are.
	held := result.AllocedBytesPerOp() * 18 / 50
	require.Less(t, held, Conversion(text))
	t.Logf("%d bytes of JSON: %d bytes are held, %d are counted", len(text), held, Conversion(text))
}
