package messages

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/wire"
)

func TestAFigureThatIsSpeltAsAFractionIsNotLost(t *testing.T) {
	var figures tally
	figures.note([]byte(`{"input_tokens":5.0,"cache_read_input_tokens":2.0,"output_tokens":3.0}`))
	assert.Equal(t, wire.Usage{Uncached: 5, CacheRead: 2, Text: 3}, figures.neutral())
}
