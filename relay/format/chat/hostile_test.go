package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
)

// TestAStreamCannotMakeTheConversionRememberWithoutEnd sends what an answer never has: tool calls and ids without number and
// without end.
func TestAStreamCannotMakeTheConversionRememberWithoutEnd(t *testing.T) {
	for name, call := range map[string]func(i int) string{
		"calls without number": func(i int) string {
			return fmt.Sprintf(`{"index":%d,"id":"call_%d","function":{"name":"f","arguments":"{}"}}`, i, i)
		},
		"calls without number or index": func(i int) string { return fmt.Sprintf(`{"id":"call_%d","function":{"name":"f"}}`, i) },
		"a long id": func(i int) string {
			return fmt.Sprintf(`{"index":%d,"id":%q,"function":{"name":"f"}}`, i, strings.Repeat("x", 1<<20))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := converted()
			for i := range 2000 {
				if _, err := tr.Event(clean("", toolCalls(call(i)))); err != nil {
					require.Error(t, err)
					f := outcome.FailureOf(err)
					require.Equal(t, outcome.UpstreamMalformed, f.Outcome)
					return
				}
			}
			t.Fatal("2000 calls were taken")
		})
	}
}

func TestAUsageThatIsNoneIsNotKept(t *testing.T) {
	for _, tr := range []lane.Translator{converted(), native()} {
		_, err := tr.Event(clean("", `{"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":7}}`))
		require.NoError(t, err)
		_, err = tr.Event(clean("", `{"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":8,"x":"`+strings.Repeat("x", 1<<20)+`"}}`))
		require.NoError(t, err)
		require.Equal(t, int64(7), tr.Usage().Input())
	}
}
