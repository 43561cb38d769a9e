// Package secret is what follows from things that only this installation knows: names that say nothing to others, and keys that tell what
// the relay has sealed from what somebody else has made up.
package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"
)

// HintLength is how many characters a key's hint has.
const HintLength = 2

// Key signs. The zero value is none.
type Key struct {
	// Hint tells most keys apart, so that what one of many has signed need not be held against all of them. It tells nothing else.
	Hint string
	text string
}

// Of is the key that a secret text is; none if that is empty.
func Of(text string) Key {
	if text == "" {
		return Key{}
	}
	k := Key{text: text}
	k.Hint = base64.RawURLEncoding.EncodeToString(k.Sum("hint"))[:HintLength]
	return k
}

// Passing is a key that nobody knows and that ends with the process.
var Passing = sync.OnceValue(func() Key {
	text := make([]byte, sha256.Size)
	_, _ = rand.Read(text) // never fails: it ends the process where there is no randomness
	return Of(string(text))
})

// Sum is the HMAC-SHA-256 of a list of texts, no two of which have the same.
func (k Key) Sum(parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(k.text))
	for _, part := range parts {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return mac.Sum(nil)
}

// For is another secret that follows from one and from what it is for, in hexadecimal digits. It gives nothing away of the first.
func For(use, text string) string {
	mac := hmac.New(sha256.New, []byte(text))
	mac.Write([]byte(use))
	return hex.EncodeToString(mac.Sum(nil))
}
