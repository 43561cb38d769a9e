package exchange

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPhraseIsFoundHoweverItIsWritten(t *testing.T) {
	const phrase = "Your credit is \"low\", sk/é"
	plain, err := json.Marshal(phrase)
	require.NoError(t, err)
	var escaped strings.Builder
	for _, r := range phrase {
		if r < 0x10000 {
			escaped.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				escaped.WriteByte("0123456789abcdef"[r>>shift&15])
			}
		}
	}
	for name, body := range map[string]string{
		"plain":               `{"a":` + string(plain) + `}`,
		"as a name":           `{` + string(plain) + `:1}`,
		"escaped":             `{"a":"` + escaped.String() + `"}`,
		"slashes":             `{"a":"Your credit is \"low\", sk\/\u00E9"}`,
		"in capitals":         `{"a":` + strings.ToUpper(string(plain)) + `}`,
		"far in":              `{"a":"` + strings.Repeat("x", 3*quoteBlock) + `","b":` + string(plain) + `}`,
		"with more around it": `{"a":"..` + string(plain[1:len(plain)-1]) + `.."}`,
	} {
		require.True(t, quotes([]byte(body), phrase), name)
	}
	for at := quoteBlock - 2*len(phrase); at < quoteBlock+8; at++ { // across two blocks
		require.True(t, quotes([]byte(strings.Repeat("x", at)+escaped.String()), phrase), at)
	}
	for _, body := range []string{"", `{"a":"Your credit is fine"}`, `{"a":"\u005"}`, `{"a":"\`, `{"a":"\ud83d"}`} {
		require.False(t, quotes([]byte(body), phrase), body)
	}
	require.True(t, quotes(nil, strings.Repeat("x", maxPhrase+1)), "what is too long to be looked for may be there")
}

func FuzzWhatAClientWritesIsFound(f *testing.F) {
	f.Add("abc", "Your credit balance is too low", "def")
	f.Add("\n", "é\"\\/", strings.Repeat("x", 100))
	f.Fuzz(func(t *testing.T, before, phrase, after string) {
		if phrase == "" || strings.ContainsAny(phrase, "\n\r\t\b\f") || strings.ToValidUTF8(phrase, "") != phrase || strings.ToLower(phrase) != phrase {
			t.Skip()
		}
		for _, r := range phrase {
			if r > 0xffff {
				t.Skip() // no phrase that is looked for has any
			}
		}
		body, err := json.Marshal(before + phrase + after)
		require.NoError(t, err)
		require.True(t, quotes(body, phrase), "%q in %q", phrase, body)
	})
}
