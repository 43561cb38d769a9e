package apikey

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

func TestAKeyThatOpensNothingSaysWhyAndAnyOtherWillDo(t *testing.T) {
	token := func(name string, change func(*config.Token)) config.Token {
		t := config.Token{Name: name, Digests: [][sha256.Size]byte{sha256.Sum256([]byte("sk-" + name))}}
		change(&t)
		return t
	}
	store := NewStore([]config.Token{
		token("good", func(*config.Token) {}),
		token("off", func(t *config.Token) { t.Disabled = true }),
		token("old", func(t *config.Token) { t.Expires = time.Now().Add(-time.Second) }),
		token("new", func(t *config.Token) { t.Expires = time.Now().Add(time.Hour) }),
		token("home", func(t *config.Token) { t.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }),
	})
	for _, test := range []struct {
		header, from, want string
		why                Why
	}{
		{"Bearer sk-good", "203.0.113.9", "good", Unknown},
		{"Bearer sk-off", "203.0.113.9", "", Disabled},
		{"Bearer sk-old", "203.0.113.9", "", Expired},
		{"Bearer sk-new", "203.0.113.9", "new", Unknown},
		{"Bearer sk-home", "203.0.113.9", "", Elsewhere},
		{"Bearer sk-home", "192.0.2.7", "home", Unknown},
		{"Bearer sk-home", "", "", Elsewhere},
		{"Bearer sk-nobody", "192.0.2.7", "", Unknown},
		{"Bearer sk-good-12", "203.0.113.9", "", Pinned},
		{"good-12", "203.0.113.9", "", Pinned},
		{"Bearer sk-good-12a", "203.0.113.9", "", Unknown},
		{"Bearer sk-good-", "203.0.113.9", "", Unknown},
		{"Bearer sk-nobody-12", "203.0.113.9", "", Unknown},
		{"Bearer -12", "203.0.113.9", "", Unknown},
	} {
		from := func(*http.Request) netip.Addr { a, _ := netip.ParseAddr(test.from); return a }
		r := &http.Request{Header: http.Header{"Authorization": {test.header}}}
		key, why := store.FindIn(r, from)
		require.Equal(t, test.why, why, test.header)
		require.Equal(t, test.want != "", key != nil, test.header)
		if key != nil {
			require.Equal(t, test.want, key.Name)
		}
		r.Header["X-Api-Key"] = []string{"sk-good"}
		key, why = store.FindIn(r, from)
		require.NotNil(t, key, test.header)
		require.Equal(t, Unknown, why)
	}
}
