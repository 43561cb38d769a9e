package jsonscan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// byElements is Objects in two passes.
func byElements(value []byte) (said []string, isArray bool) {
	isArray = Elements(value, func(element []byte) {
		var of []string
		if Object(element, func(m Member) { of = append(of, fmt.Sprintf("%s=%s", m.Key, m.Value)) }) == nil {
			said = append(append(said, of...), string(element))
		}
	})
	return said, isArray
}

func TestObjectsAreWhatElementsAndObjectSayOfThem(t *testing.T) {
	elements := []string{`{}`, `{ }`, `{"a":1}`, ` {"a" : [{"b":2}] , "c":"}]"} `, `7`, `null`, `[{"a":1}]`, `"{\"a\":1}"`, `{"\u0061":{"x":{}}}`, "\n{\"a\":\"\\\"\"}\t"}
	values := []string{``, `null`, `{}`, `"[]"`, `[]`, `[ ]`, `7`}
	for _, a := range elements {
		values = append(values, "["+a+"]")
		for _, b := range elements {
			values = append(values, "["+a+","+b+"]", "[ "+strings.Join([]string{b, a, b}, " , ")+" ]")
		}
	}
	for _, value := range values {
		want, isArray := byElements([]byte(value))
		var got []string
		require.Equal(t, isArray, Objects([]byte(value), func(m Member) {
			require.Equal(t, string(m.Value), value[m.Start:m.End])
			got = append(got, fmt.Sprintf("%s=%s", m.Key, m.Value))
		}, func(object []byte) { got = append(got, string(object)) }), value)
		require.Equal(t, want, got, value)
	}
}

func TestObjectsOfWhatIsNoArrayAreNone(t *testing.T) {
	for _, broken := range []string{`[`, `[ `, `[{`, `[{"a":1}`, `[{"a":1},`, `[{"a":1}}`, `[1 2]`} {
		require.False(t, Objects([]byte(broken), func(Member) {}, func([]byte) {}), broken)
	}
}
