package jsonscan

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzObject holds Object against encoding/json: the verdict, where a text goes wrong, whether it is only cut short, and the
// members.
func FuzzObject(f *testing.F) {
	for _, text := range []string{
		``, `{}`, ` {"a":1} `, `{"model":"gpt-4o","messages":[{"role":"user","content":"hi \u00e9\n"}]}`,
		`{"model":"a","model":{"b":[-0.5e-7,true,false,null]}}`, `{"m\u006fdel":"x"}`, "{\"\xff\":\"\xff\"}",
		`{"a":[[[{}]]],"b":{"c":{}}}`, `{"a":01}`, `{"a":tru`, `{"a":"\ud83d`, `{"a":1}}`, `[1]`, `{"a":[1}`,
		string(chatRequest()), string(streamChunk()), nested(30),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		original := bytes.Clone(text)
		var members []Member
		err := Object(text, func(m Member) {
			require.True(t, json.Valid(m.Value), "%q", m.Value)
			require.Equal(t, string(text[m.Start:m.End]), string(m.Value))
			members = append(members, m)
		})
		require.Equal(t, original, text)

		begin := skipSpace(text, 0)
		if begin == len(text) {
			require.ErrorIs(t, err, ErrTruncated)
			return
		}
		var syntax *SyntaxError
		if text[begin] != '{' {
			require.ErrorAs(t, err, &syntax)
			require.Equal(t, begin, syntax.Offset)
			return
		}
		if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) > MaxDepth {
			return // The limits differ on purpose.
		}
		requireVerdictOfEncodingJSON(t, text, err)
		if err != nil {
			return
		}
		requireMembersOfEncodingJSON(t, text, members)
		for stop := range text {
			if stop > 300 {
				break
			}
			cut := bytes.TrimRight(text, " \t\r\n")
			if stop < len(cut) {
				require.ErrorIs(t, Object(text[:stop], ignore), ErrTruncated, "%q", text[:stop])
			}
		}
		for _, m := range members {
			if string(m.Key) == "model" {
				requireOnlyModelDiffers(t, text, m)
			}
		}
	})
}

// requireVerdictOfEncodingJSON appends a byte that is wrong everywhere: if encoding/json stumbles only there, the text
// before it was the beginning of something valid.
func requireVerdictOfEncodingJSON(t *testing.T, text []byte, err error) {
	if json.Valid(text) {
		require.NoError(t, err)
		return
	}
	var anything json.RawMessage
	var theirs *json.SyntaxError
	require.ErrorAs(t, json.Unmarshal(append(bytes.Clone(text), 0), &anything), &theirs)
	wrong := int(theirs.Offset) - 1
	if wrong == len(text) {
		require.ErrorIs(t, err, ErrTruncated)
		return
	}
	var syntax *SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, wrong, syntax.Offset, "%v, %v", syntax, theirs)
}

func requireMembersOfEncodingJSON(t *testing.T, text []byte, members []Member) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	_, err := decoder.Token()
	require.NoError(t, err)
	for _, m := range members {
		require.True(t, decoder.More())
		key, err := decoder.Token()
		require.NoError(t, err)
		if len(m.Key) <= LongestKey { // a longer one may be as it stands
			require.Equal(t, key, string(m.Key))
		}
		var value json.RawMessage
		require.NoError(t, decoder.Decode(&value))
		require.Equal(t, string(value), string(m.Value))

		var elements []string
		isArray := Elements(m.Value, func(element []byte) { elements = append(elements, string(element)) })
		require.Equal(t, m.Value[0] == '[', isArray)
		if isArray {
			var want []json.RawMessage
			require.NoError(t, json.Unmarshal(m.Value, &want))
			require.Len(t, elements, len(want))
			for i := range want {
				require.Equal(t, string(want[i]), elements[i])
			}
		}
	}
	require.False(t, decoder.More())
	_, err = decoder.Token()
	require.NoError(t, err)
	_, err = decoder.Token()
	require.ErrorIs(t, err, io.EOF)
}

// requireOnlyModelDiffers uses the members themselves, since encoding/json keeps only the last of two equal keys.
func requireOnlyModelDiffers(t *testing.T, text []byte, model Member) {
	const name = "другая \"модель\"\n"
	replaced := Replace(text, model.Start, model.End, name)
	require.True(t, json.Valid(replaced), "%q", replaced)

	var before, after map[string]any
	decode := func(text []byte, to any) {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(to))
	}
	decode(text, &before)
	decode(replaced, &after)
	var values []string
	require.NoError(t, Object(replaced, func(m Member) {
		if m.Start == model.Start {
			s, ok := String(m.Value)
			require.True(t, ok)
			values = append(values, s)
		}
	}))
	require.Equal(t, []string{name}, values)
	maps.DeleteFunc(before, func(key string, _ any) bool { return key == "model" })
	maps.DeleteFunc(after, func(key string, _ any) bool { return key == "model" })
	require.Equal(t, before, after)
}

func FuzzString(f *testing.F) {
	for _, value := range []string{`""`, `"a\n\u00e9\ud83d\ude00\ud83d"`, "\"\xff\\/\"", `"`, `null`, `"a"b`, `"\ud83d\u`, ` "a"`} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got, ok := String(value)
		var want string
		isString := len(value) > 0 && value[0] == '"' && value[len(value)-1] == '"' && json.Unmarshal(value, &want) == nil
		require.Equal(t, isString, ok, "%q", value)
		require.Equal(t, want, got, "%q", value)

		// Any bytes make a model name that survives the way out and back.
		text := Replace([]byte(`{"model":0}`), 9, 10, string(value))
		require.NoError(t, Object(text, func(m Member) {
			back, ok := String(m.Value)
			require.True(t, ok)
			var want string
			require.NoError(t, json.Unmarshal(m.Value, &want))
			assert.Equal(t, want, back)
			assert.Equal(t, string([]rune(string(value))), back)
		}))
	})
}
