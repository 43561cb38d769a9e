package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnIDThatIsTakenStaysAndAnotherIsTheSameEveryTime(t *testing.T) {
	for id, want := range map[string]string{
		"call_abc": "call_abc", "functions.get_time:0": "functions_get_time_0", "": "", strings.Repeat("a", 40): strings.Repeat("a", 40),
		"é": "_",
	} {
		assert.Equal(t, want, FitID(id, 40), id)
	}
	long, other := FitID(strings.Repeat("a", 300), 40), FitID(strings.Repeat("a", 301), 40)
	assert.Len(t, long, 40)
	assert.NotEqual(t, long, other)
	assert.Equal(t, long, FitID(strings.Repeat("a", 300), 40))
	assert.Equal(t, long, FitID(long, 40), "what has been made to fit fits")
}

func TestWhatIsNotChangedIsTheObjectItself(t *testing.T) {
	object := []byte(`{"a":[{"id":"x"},{"id":"y"}],"é\"":1}`)
	same := func(e []byte) []byte { return e }
	for _, got := range [][]byte{
		WithEach(object, "a", same), WithEach(object, "b", same), WithIDs(object, strings.ToUpper, "id"), Without(object, "b"),
		WithText(object, "a", func(v []byte) string { return string(v) }),
	} {
		require.Same(t, &object[0], &got[0])
	}
	changed := WithEach(object, "a", func(e []byte) []byte { return WithIDs(e, strings.ToUpper, "id") })
	require.Equal(t, `{"a":[{"id":"X"},{"id":"Y"}],"é\"":1}`, string(changed))
	require.Equal(t, `{"a":[{"id":"y"}],"é\"":1}`, string(WithEach(object, "a", func(e []byte) []byte {
		if strings.Contains(string(e), "x") {
			return nil
		}
		return e
	})))
	require.Equal(t, `{"a":[],"é\"":1}`, string(WithEach(object, "a", func([]byte) []byte { return nil })))
	require.JSONEq(t, `{"é\"":1}`, string(Without(object, "a")), "a name is escaped again")
	require.Equal(t, `{"a":0,"é\"":1}`, string(WithText(object, "a", func([]byte) string { return "0" })))
}

func TestAnIDIsLookedForWhereItStands(t *testing.T) {
	odd := func(id []byte) bool { return !Fits(id, 9) }
	assert.True(t, HoldsID([]byte(`{"x":[{"id" : "a.b"}]}`), odd, `"id"`))
	assert.True(t, HoldsID([]byte(`{"id":"a","tool_use_id":"0123456789"}`), odd, `"id"`, `"tool_use_id"`))
	assert.False(t, HoldsID([]byte(`{"id":"a","text":"\"id\":\"a.b\"","b":"id","c":{"id":1}}`), odd, `"id"`))
	assert.False(t, HoldsID(nil, odd, `"id"`))
}

func TestWhatIsSealedIsKnownForReasoningWithoutItsSecret(t *testing.T) {
	seal := NewSeal("s", "a")
	for sealed, want := range map[string]bool{
		seal.CallID("call_1", "functions.f:0", ""): false, seal.CallID("call_1", "", "SIG"): true, seal.CallID("call_1", "f:0", "SIG"): true,
		seal.Into("", "sig:SIG"): true, "call_1": false,
	} {
		clean, reasoned := Unseal([]byte(`{"id":"` + sealed + `"}`))
		assert.Equal(t, want, reasoned, sealed)
		assert.NotContains(t, string(clean), "__sealed_")

		foreign := &Target{Seal: NewSeal("s", "b")}
		public, own, signature := foreign.OpenCallID(sealed)
		assert.Equal(t, Unsealed(sealed), public)
		assert.Empty(t, own+signature)
		assert.Equal(t, want, foreign.Lost, sealed)
		assert.False(t, foreign.Gave)
	}
	own := &Target{Seal: seal}
	_, _, signature := own.OpenCallID(seal.CallID("call_1", "", "SIG"))
	assert.Equal(t, "SIG", signature)
	assert.True(t, own.Gave)
	assert.False(t, own.Lost)
	refused := &Target{Seal: seal, Unsigned: true}
	_, id, signature := refused.OpenCallID(seal.CallID("call_1", "f:0", "SIG"))
	assert.Equal(t, "f:0", id, "an id is no reasoning")
	assert.Empty(t, signature)
	assert.True(t, refused.Lost)
}
