package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReplacePutsTheEncodedStringInPlace(t *testing.T) {
	const text = `{"a":1,"model": "gpt-4","b":"x"}`
	var found Member
	require.NoError(t, Object([]byte(text), func(m Member) {
		if string(m.Key) == "model" {
			found = m
		}
	}))
	for _, c := range []struct{ model, want string }{
		{"gpt-4o", `{"a":1,"model": "gpt-4o","b":"x"}`},
		{"", `{"a":1,"model": "","b":"x"}`},
		{`a"b\c`, `{"a":1,"model": "a\"b\\c","b":"x"}`},
		{"a\nb\x00\x1f\x7f", `{"a":1,"model": "a\nb\u0000\u001f` + "\x7f" + `","b":"x"}`},
		{"é€😀<&>\u2028", `{"a":1,"model": "é€😀<&>` + "\u2028" + `","b":"x"}`},
		{"a\xffb\xe2\x82", `{"a":1,"model": "a` + "\uFFFDb\uFFFD\uFFFD" + `","b":"x"}`},
	} {
		body := []byte(text)
		got := Replace(body, found.Start, found.End, c.model)
		assert.Equal(t, c.want, string(got))
		assert.Equal(t, text, string(body), "the original must stay as it is")
		assert.Equal(t, len(got), encodedLen(c.model)+len(text)-len(`"gpt-4"`))

		var decoded struct{ Model string }
		require.NoError(t, json.Unmarshal(got, &decoded))
		assert.Equal(t, strings.ToValidUTF8(c.model, "\uFFFD"), strings.ReplaceAll(decoded.Model, "\uFFFD\uFFFD", "\uFFFD"))
	}
}

func TestReplaceCostsOneAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	body := chatRequest()
	var got []byte
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { got = Replace(body, 9, 22, "a\x01\xff\"-model") }))
	assert.NotEmpty(t, got)
}
