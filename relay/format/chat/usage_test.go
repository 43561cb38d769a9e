package chat

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/wire"
)

func TestAFigureThatIsSpeltAsAFractionIsNotLost(t *testing.T) {
	var figures tally
	figures.note([]byte(`{"prompt_tokens":7.0,"completion_tokens":3.0,"prompt_tokens_details":{"cached_tokens":2.0}}`))
	assert.Equal(t, wire.Usage{Uncached: 5, CacheRead: 2, Text: 3}, figures.neutral())
}
