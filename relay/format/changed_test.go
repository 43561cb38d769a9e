package format

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/secret"
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
	require.Equal(t, "\n{\"a\":[2]}", string(WithEach([]byte("\n{\"a\":[1]}"), "a", func([]byte) []byte { return []byte("2") })), "white space may stand before it")
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

// TestNobodyMakesASealOfWhatHeKnows where a channel has no secret: it is as good as any, for as long as the process runs.
func TestNobodyMakesASealOfWhatHeKnows(t *testing.T) {
	own := NewSeal("", "a")
	id, kept := own.Open(own.Into("call_1", "SIG"))
	assert.Equal(t, "call_1SIG", id+kept)
	assert.Empty(t, own.EndUser("someone@example.com", 64), "a name that is another one tomorrow is none")
	for _, known := range []string{"", "a"} {
		mac := hmac.New(sha256.New, []byte(known))
		for _, part := range []string{"seal", "a", "call_1", "SIG"} {
			mac.Write([]byte(part + "\x00"))
		}
		tag := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		for _, tag := range []string{tag[:sealTag], secret.Of(known).Hint + tag[:14]} {
			if len(tag) == sealTag {
				_, kept = own.Open("call_1" + sealMark + tag + base64.RawURLEncoding.EncodeToString([]byte("SIG")))
				assert.Empty(t, kept)
			}
		}
	}
}

func TestChannelsToOneMakerReadEachOthersSeals(t *testing.T) {
	kin := []secret.Key{secret.Of("s"), secret.Of("t"), secret.Of("u")}
	a, b, stranger := NewSeal("s", "m", kin...), NewSeal("t", "m", kin...), NewSeal("v", "m")
	for _, sealed := range []string{a.Into("call_1", "SIG"), b.Into("call_1", "SIG")} {
		for _, by := range []*Seal{a, b} {
			_, kept := by.Open(sealed)
			assert.Equal(t, "SIG", kept)
		}
		_, kept := stranger.Open(sealed)
		assert.Empty(t, kept)
		_, kept = NewSeal("s", "another", kin...).Open(sealed)
		assert.Empty(t, kept, "another maker's")
	}
}
