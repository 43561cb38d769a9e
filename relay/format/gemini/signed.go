package gemini

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// What models of others have thought, and want back, a client of Gemini's keeps where Google has it keep its own: in the
// thoughtSignature of the part that follows. It holds the words as well, since many clients leave thoughts out of a conversation, and who
// has signed them wants both.

// held is a piece of reasoning.
type held struct {
	Sealed   string `json:"s,omitempty"` // by its maker; empty: nobody has signed it
	Text     string `json:"t,omitempty"`
	Redacted bool   `json:"r,omitempty"`
}

// sealedBegins is in front of what the relay has put into a signature: Clean knows it by that.
const sealedBegins = "__sealed_"

// signed is reasoning as a signature: base64, as the API has it. Without any it only says that Gemini has not made the part.
func signed(all []held) string {
	list, err := json.Marshal(all)
	if err != nil { // texts only: cannot fail
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(append([]byte(sealedBegins), list...))
}

// isGooglesOwn reports whether a signature is of Gemini's, and not one that says that there is none.
func isGooglesOwn(signature string) bool {
	return signature != "" && signature != unsigned && !strings.HasPrefix(signature, sealedSign[1:]) &&
		!strings.HasPrefix(signature, foreignSign[1:])
}

// openSigned is what signed has put in; nil if it is none of its own. Clients that decode it and encode it again may write another
// alphabet.
func openSigned(signature string) (all []held) {
	if !strings.HasPrefix(signature, sealedSign[1:]) {
		return nil
	}
	text, err := base64.StdEncoding.DecodeString(plainBase64(signature))
	if err != nil || json.Unmarshal(text[len(sealedBegins):], &all) != nil {
		return nil
	}
	return all
}
