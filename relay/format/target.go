package format

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// longestName is how many characters OpenAI takes of a function's name.
const longestName = 64

// Name is a tool's name as OpenAI and those who are compatible take it. One that is too long gets a shorter one, which the answer is
// told of.
func (t *Target) Name(name string) string {
	if len(name) <= longestName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	mark := "_" + hex.EncodeToString(sum[:4])
	short := strings.ToValidUTF8(name[:longestName-len(mark)], "") + mark
	if t.Names == nil {
		t.Names = map[string]string{}
	}
	t.Names[short] = name
	return short
}
