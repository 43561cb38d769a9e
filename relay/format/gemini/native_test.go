package gemini

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSignaturesOfAnotherAccountAreReplacedInCallsAndLeftOutElsewhere since Gemini wants one on a call, and takes this one of others.
func TestSignaturesOfAnotherAccountAreReplacedInCallsAndLeftOutElsewhere(t *testing.T) {
	for given, want := range map[string]string{
		`{"contents":[{"role":"model","parts":[{"text":"a","thoughtSignature":"S"},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"S"},{"functionCall":{"name":"g"}}]}],"x":1}`: `{"contents":[{"role":"model","parts":[{"text":"a"},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"` + unsigned + `"},{"functionCall":{"name":"g"}}]}],"x":1}`,
		`{"contents":[{"parts":[{"function_call":{"name":"f"},"thought_signature":"S"}]}]}`:                                                                                                `{"contents":[{"parts":[{"function_call":{"name":"f"},"thought_signature":"` + unsigned + `"}]}]}`,
		`{"contents":[{"parts":[{"text":"thoughtSignature"}]}]}`:                                                                                                                           `{"contents":[{"parts":[{"text":"thoughtSignature"}]}]}`,
	} {
		require.Equal(t, want, string(Unsigned([]byte(given))))
	}
}
