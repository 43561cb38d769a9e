package controller

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/apikey"
	"one-api/relay/gate"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

func TestReadingACallAllocatesNothingButItsModelsName(t *testing.T) {
	body := []byte(`{"model":"gpt-4o-mini-of-some-length","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat("x", 10_000) + `"}]}`)
	var call lane.Call
	var refusal *outcome.Refusal
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { _, refusal = parseCall(&call, wire.ChatCompletions, body) }))
	require.Nil(t, refusal)
	assert.Equal(t, "gpt-4o-mini-of-some-length", call.Model)
}

// What every request of a relayed endpoint goes through before its key is looked up.
func TestLettingARequestInAllocatesNothingButItsID(t *testing.T) {
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: wire.ChatCompletions.Path()}, Header: http.Header{
		"Authorization": {"Bearer sk-test-0123456789abcdef"}, "Content-Type": {"application/json"}, "User-Agent": {"test"},
	}}
	header := make(http.Header, 8)
	var id gate.ID
	key, given := "", ""
	enter := func() {
		given = id.Give(header, r)
		if limitHeader(r.Header) == nil && !allowOrigin(header, r) {
			key = apikey.Bearer(r.Header)
		}
	}
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, enter))
	assert.Equal(t, "sk-test-0123456789abcdef", key)
	assert.Equal(t, []string{given}, header["X-Oneapi-Request-Id"])
	assert.Equal(t, []string{given}, header["X-Request-Id"])

	r.Header["X-Request-Id"] = []string{"of-the-client"}
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, enter))
	assert.Equal(t, []string{given}, header["X-Oneapi-Request-Id"], "the relay's own, whatever the client says")
	assert.Equal(t, []string{"of-the-client"}, header["X-Request-Id"])
	assert.Equal(t, "of-the-client", id.Client())
}

// An open call holds its visit for as long as it lasts. The allocator has nothing between 1,024 bytes and 1,152, and takes 8 of
// them to say where the pointers are.
func TestAVisitFitsIntoAKilobyte(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(visit{}), uintptr(1024-8))
}

// nameOf passes most keys over by their length. This is what it has to find, without that.
func TestANameIsFoundHoweverItsLettersAreFolded(t *testing.T) {
	slowly := func(key []byte) int {
		return slices.IndexFunc(exactly[:], func(name []byte) bool { return bytes.EqualFold(key, name) })
	}
	keys := []string{"", "messages", "temperature", "mode", "models ", "N", "ſ", "ſtream", "streamſ", "mödel", "fallbac\u212a", "\xff", "\xff\xff\xff\xff\xff"}
	for _, name := range exactly {
		plain := string(name)
		long := strings.NewReplacer("s", "ſ", "k", "\u212a").Replace(plain)
		keys = append(keys, plain, strings.ToUpper(plain), long, strings.ToUpper(plain[:1])+long[1:], plain+"x", plain[1:], "é"+plain)
	}
	found := 0
	for _, key := range keys {
		assert.Equal(t, slowly([]byte(key)), nameOf([]byte(key)), "%q", key)
		if nameOf([]byte(key)) >= 0 {
			found++
		}
	}
	assert.Greater(t, found, 3*len(exactly))
}
