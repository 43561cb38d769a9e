package jsonscan

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheLastOfSeveralMembersOfANameIsFound(t *testing.T) {
	object := []byte(` {"a":1,"b":2,"a":{"c":3}}`)
	found := Find(object, "a")
	assert.Equal(t, `{"c":3}`, string(found.Value))
	assert.Equal(t, `{"c":3}`, string(object[found.Start:found.End]))
	for _, none := range []string{``, `[]`, `"a"`, `{}`, `{"A":1}`} {
		assert.Zero(t, Find([]byte(none), "a"), none)
	}
}

func TestWhatIsNoObjectHasNoMembers(t *testing.T) {
	visited := ""
	for _, value := range []string{``, `null`, `[{"a":1}]`, `"{}"`, `{}`, `{"b":1,"c":2}`} {
		Members([]byte(value), func(m Member) { visited += string(m.Key) })
	}
	assert.Equal(t, "bc", visited)
}

func TestAByteOrderMarkIsLeftOut(t *testing.T) {
	for text, want := range map[string]string{"\uFEFF{}": "{}", "{}": "{}", "": "", "\uFEFF": "", "\xef\xbb": "\xef\xbb", "\uFEFF\uFEFF": "\uFEFF"} {
		assert.Equal(t, want, string(WithoutBOM([]byte(text))), "%q", text)
	}
}

func TestWhatIsNoCountLeavesAFigureAsItWas(t *testing.T) {
	n := int64(5)
	assert.False(t, CountInto([]byte(`null`), &n))
	assert.False(t, CountInto([]byte(`-1`), &n))
	assert.Equal(t, int64(5), n)
	assert.True(t, CountInto([]byte(`"7"`), &n))
	assert.Equal(t, int64(7), n)
}
