package chat_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// chunk is of the size that most chunks have.
const chunk = `{"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"content":" stream"},"finish_reason":null}]}`

func TestAnEventOfANativeStreamAllocatesNothing(t *testing.T) {
	events := map[string]sse.Event{
		"clean":      clean("", chunk),
		"with usage": clean("", chunk[:len(chunk)-1]+`,"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}`),
		"not clean":  {Data: []byte(chunk)},
		"the end":    clean("", "[DONE]"),
	}
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			tr := native()
			_, err := tr.Event(clean("", chunk))
			require.NoError(t, err)
			_, err = tr.Event(event) // grows the scratch buffer
			require.NoError(t, err)
			assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = tr.Event(event) }))
		})
	}
}

func TestAWholeNativeAnswerAllocatesNothingButItsTranslator(t *testing.T) {
	body := []byte(`{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello!"},"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}}`)
	var tr lane.Translator
	var err error
	var usage wire.Usage
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() {
		tr = native()
		_, err = tr.Whole(body)
		usage = tr.Usage()
	}))
	require.NoError(t, err)
	assert.Equal(t, wire.Usage{Uncached: 4, CacheRead: 3, Text: 5, Reasoning: 2}, usage)
}

func BenchmarkEventOfANativeStream(b *testing.B) {
	event, tr := clean("", chunk), native()
	b.SetBytes(int64(len(event.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = tr.Event(event)
	}
}

func BenchmarkEventOfAConvertedStream(b *testing.B) {
	event, tr := clean("", chunk), converted()
	b.SetBytes(int64(len(event.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = tr.Event(event)
	}
}
