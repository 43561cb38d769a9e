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

// TestAFigureIsReadUnderTheNamesOfOtherFormats has what servers say that speak several formats and have one usage for all.
func TestAFigureIsReadUnderTheNamesOfOtherFormats(t *testing.T) {
	for name, tc := range map[string]struct {
		usage string
		want  wire.Usage
	}{
		"as text":                        {`{"prompt_tokens":"7","completion_tokens":"3","prompt_tokens_details":{"cached_tokens":"2"}}`, wire.Usage{Uncached: 5, CacheRead: 2, Text: 3}},
		"the Responses API's":            {`{"input_tokens":7,"output_tokens":3,"total_tokens":10,"input_tokens_details":{"cached_tokens":2},"output_tokens_details":{"reasoning_tokens":1}}`, wire.Usage{Uncached: 5, CacheRead: 2, Text: 3, Reasoning: 1}},
		"Anthropic's":                    {`{"input_tokens":7,"output_tokens":3,"cache_read_input_tokens":20,"cache_creation_input_tokens":10}`, wire.Usage{Uncached: 7, CacheRead: 20, CacheWrite5m: 10, Text: 3}},
		"beside OpenAI's, which win":     {`{"input_tokens":1,"output_tokens":1,"prompt_tokens":7,"completion_tokens":3}`, wire.Usage{Uncached: 7, Text: 3}},
		"beside OpenAI's that are empty": {`{"prompt_tokens":0,"completion_tokens":0,"input_tokens":7,"output_tokens":3}`, wire.Usage{Uncached: 7, Text: 3}},
		"beside OpenAI's that come late": {`{"prompt_tokens":30,"completion_tokens":3,"input_tokens":7,"output_tokens":3,"cache_read_input_tokens":20}`, wire.Usage{Uncached: 10, CacheRead: 20, Text: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			var figures tally
			figures.note([]byte(tc.usage))
			assert.Equal(t, tc.want, figures.neutral())
		})
	}
}
