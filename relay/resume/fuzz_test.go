package resume

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/sse"
	"one-api/relay/wire"
)

// FuzzContinuation fits whatever an upstream may send to an answer that broke off. What the client gets is events of JSON, and
// what it had stays as it was.
func FuzzContinuation(f *testing.F) {
	for endpoint, events := range hostile {
		for _, event := range events {
			f.Add(endpoint == wire.Messages, filledOut(event, 40), `{"type":"message_stop"}`)
		}
	}
	f.Add(false, `{"id":"two","choices":[{"index":0,"delta":{"content":"a time there"},"finish_reason":null}]}`, "[DONE]")
	f.Add(false, `{"choices":[{"delta":{"content":"a time "}}],"choices":[{"delta":null,"finish_reason":"stop"}],"usage":{"x":1}}`, `{"choices":[{}]}`)
	f.Add(true, `{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","name":"f"}}`, `{"type":"content_block_stop","index":3}`)
	f.Fuzz(func(t *testing.T, messages bool, first, second string) {
		endpoint := wire.ChatCompletions
		if messages {
			endpoint = wire.Messages
		}
		client := &page{}
		a := follow(client, endpoint, nil)
		defer a.Close()
		require.NoError(t, a.Write(beginningOf(endpoint)))
		const had = "Once upon a time "
		require.Equal(t, had, a.Text())
		client.Reset()
		c := a.Continue(false)
		for _, data := range []string{first, second} {
			if c.Write(sse.Append(nil, nil, []byte(data))) != nil {
				break
			}
		}
		require.True(t, strings.HasPrefix(a.Text(), had) || a.lost)
		require.NoError(t, sse.Each([]byte(client.String()), 1<<30, func(e sse.Event) error {
			if string(e.Data) != "[DONE]" {
				require.True(t, json.Valid(e.Data), "%q", e.Data)
			}
			return nil
		}))
	})
}
