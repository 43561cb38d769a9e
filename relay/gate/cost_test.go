package gate

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/apikey"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/telemetry"
)

func TestReadingACallAllocatesNothingButItsModelsName(t *testing.T) {
	body := []byte(`{"model":"gpt-4o-mini-of-some-length","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat("x", 10_000) + `"}]}`)
	var call lane.Call
	var refusal *outcome.Refusal
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { _, refusal = parseCall(&call, wire.ChatCompletions, body) }))
	require.Nil(t, refusal)
	assert.Equal(t, "gpt-4o-mini-of-some-length", call.Model)
}

// plain is a request that nothing is known of.
type plain struct{ Arrival }

func (*plain) Route() string        { return wire.ChatCompletions.Path() }
func (*plain) HTTP() telemetry.HTTP { return telemetry.HTTP{Method: http.MethodPost} }
func (*plain) Began() time.Time     { return time.Now() }

// What every request goes through before its key is looked up.
func TestLettingARequestInAllocatesNothingButItsID(t *testing.T) {
	w := httptest.NewRecorder()
	header := w.Header()
	r := &plain{Arrival{W: w, R: &http.Request{Method: http.MethodPost, URL: &url.URL{Path: wire.ChatCompletions.Path()}, Header: http.Header{
		"Authorization": {"Bearer sk-test-0123456789abcdef"}, "Content-Type": {"application/json"}, "User-Agent": {"test"},
	}}}}
	gates := New(ChainsOptions{Throttle: &Throttle{}})
	key := ""
	enter := func() {
		if gates.Every.Enter(r, &r.Passed) == nil {
			key = apikey.Bearer(r.R.Header)
		}
		gates.Every.Leave(r, &r.Passed)
	}
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, enter))
	assert.Equal(t, "sk-test-0123456789abcdef", key)
	assert.Equal(t, []string{r.ID()}, header["X-Oneapi-Request-Id"])
	assert.Equal(t, []string{r.ID()}, header["X-Request-Id"])

	r.R.Header["X-Request-Id"] = []string{"of-the-client"}
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, enter))
	assert.Equal(t, []string{r.ID()}, header["X-Oneapi-Request-Id"], "the relay's own, whatever the client says")
	assert.Equal(t, []string{"of-the-client"}, header["X-Request-Id"])
	assert.Equal(t, "of-the-client", r.ClientID())
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
