package apikey

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
)

func TestAQueryIsPassedOnWithoutKeys(t *testing.T) {
	const key = "sk-0123456789abcdef"
	tokens := NewStore([]config.Token{{Name: "t", Digests: [][sha256.Size]byte{sha256.Sum256([]byte(key))}}})
	for query, want := range map[string]string{
		"":                                     "",
		"beta=true":                            "beta=true",
		"beta=true&api-version=2025-01-01&x=1": "beta=true&api-version=2025-01-01&x=1",
		"beta=true&key=other":                  "beta=true",
		"KEY=1&api_key=1&api-key=1&API.Key=1&access_token=1&token=1&x-api-key=1&%6bey=1&beta=true": "beta=true",
		"beta=true&user=" + key:                            "beta=true",
		"beta=true;user=" + key:                            "beta=true",
		"beta=true&user=" + strings.TrimPrefix(key, "sk-"): "beta=true",
		"beta=true&user=Bearer+" + key:                     "beta=true",
		"beta=true&user=sk%2d0123456789abcdef":             "beta=true",
		"beta=true&" + key:                                 "beta=true",
		"beta=true&x=%zz":                                  "beta=true",
		"beta=%20%26":                                      "beta=%20%26",
		strings.Repeat("a=1&", 100):                        "",
	} {
		require.Equal(t, want, tokens.WithoutKeys(query), query)
	}
}
