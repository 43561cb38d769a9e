package resume

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/exchange"
	"one-api/relay/format/chat"
	"one-api/relay/format/messages"
	"one-api/relay/membudget"
	"one-api/relay/wire"
)

// follow follows a stream to a client of an endpoint who asked for its usage.
func follow(client exchange.Downstream, endpoint wire.Endpoint, like *membudget.Lease) *Transcript {
	how := chat.Format.Rescue
	if endpoint == wire.Messages {
		how = messages.Format.Rescue
	}
	return NewTranscript(client, how, true, like)
}

// page is a client that keeps what it is sent, and what it holds back.
type page struct {
	strings.Builder
	held string
}

func (p *page) Hold(events []byte) (bool, error) {
	if p.Len() > 0 {
		return true, p.Write(events)
	}
	p.held += string(events)
	return false, nil
}

func (p *page) Whole(body []byte) error { p.Write(body); return nil }
func (p *page) Flush() error            { return nil }
func (p *page) Write(events []byte) error {
	p.WriteString(p.held)
	p.Builder.Write(events)
	p.held = ""
	return nil
}

func chatEvent(data string) []byte { return []byte("data: " + data + "\n\n") }

func sentChat(t *testing.T, chunks ...string) (*Transcript, *page) {
	t.Helper()
	p := &page{}
	a := follow(p, wire.ChatCompletions, nil)
	for _, c := range chunks {
		require.NoError(t, a.Write(chatEvent(c)))
	}
	return a, p
}

func TestTextThatIsHeldBackArrivesBeforeTheEndHoweverThatIsWritten(t *testing.T) {
	for _, end := range []string{
		`{"choices":[{"index":0,"finish_reason":"stop"}]}`,
		`{"choices":[{"index":0,"delta":null,"finish_reason":"stop"}]}`,
		`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
		`[DONE]`,
	} {
		a, p := sentChat(t, `{"id":"one","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"say hello world "}}]}`)
		c := a.Continue(false)
		require.NoError(t, c.Write(chatEvent(`{"id":"two","created":2,"choices":[{"index":0,"delta":{"role":"assistant","content":"hello"}}]}`)))
		assert.NotContains(t, p.String(), `"two"`, "it may be what the client has")
		require.NoError(t, c.Write(chatEvent(end)))
		assert.Contains(t, p.String(), `"content":"hello"`)
		assert.Equal(t, strings.Count(p.String(), `"id":`), strings.Count(p.String(), `"id":"one"`))
		assert.Equal(t, 1, strings.Count(p.String(), `"role"`))
	}
}

func TestATranscriptKnowsWhatCannotBeContinued(t *testing.T) {
	for name, chunk := range map[string]string{
		"a tool call":    `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1"}]}}]}`,
		"a refusal":      `{"choices":[{"index":0,"delta":{"refusal":"No."}}]}`,
		"another choice": `{"choices":[{"index":1,"delta":{"content":"b"}}]}`,
		"the end":        `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
		"parts":          `{"choices":[{"index":0,"delta":{"content":[{"type":"text"}]}}]}`,
	} {
		a, _ := sentChat(t, `{"choices":[{"index":0,"delta":{"content":"Once"}}]}`)
		assert.True(t, a.Resumable(), name)
		require.NoError(t, a.Write(chatEvent(chunk)))
		assert.False(t, a.Resumable(), name)
	}
	a, _ := sentChat(t, `{"choices":[{"index":0,"delta":{"content":"`+strings.Repeat("x", maxText+1)+`"}}]}`)
	assert.False(t, a.Resumable(), "too long")
	assert.Empty(t, a.Text())
}

// saidIn is the text of a stream of Anthropic's.
func saidIn(stream string) (text string) {
	for line := range strings.SplitSeq(stream, "\n") {
		var event struct{ Delta struct{ Text string } }
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &event) == nil {
			text += event.Delta.Text
		}
	}
	return text
}

func messagesEvent(name, data string) []byte {
	return []byte("event: " + name + "\ndata: " + data + "\n\n")
}

func TestALaterBlockOfAContinuationIsCountedOn(t *testing.T) {
	p := &page{}
	a := follow(p, wire.Messages, nil)
	require.NoError(t, a.Write(messagesEvent("message_start", `{"type":"message_start","message":{"id":"one"}}`)))
	require.NoError(t, a.Write(messagesEvent("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)))
	require.NoError(t, a.Write(messagesEvent("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Let me look: "}}`)))
	require.True(t, a.Resumable())
	c := a.Continue(true)
	for _, e := range [][2]string{
		{"message_start", `{"type":"message_start","message":{"id":"two"}}`},
		{"content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}`},
		{"content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`},
		{"content_block_stop", `{"type":"content_block_stop","index":0}`},
		{"content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`},
		{"content_block_delta", `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" one moment."}}`},
		{"content_block_stop", `{"type":"content_block_stop","index":1}`},
		{"content_block_start", `{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"look","input":{}}}`},
		{"content_block_delta", `{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}`},
		{"content_block_stop", `{"type":"content_block_stop","index":2}`},
		{"message_delta", `{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}`},
		{"message_stop", `{"type":"message_stop"}`},
	} {
		require.NoError(t, c.Write(messagesEvent(e[0], e[1])))
	}
	sent := p.String()
	assert.Equal(t, "Let me look: one moment.", saidIn(sent))
	assert.Equal(t, 1, strings.Count(sent, "message_start\n"))
	assert.NotContains(t, sent, "thinking")
	assert.NotContains(t, sent, `"index":2`)
	assert.Equal(t, 1, strings.Count(sent, `"partial_json"`))
	assert.Equal(t, 2, strings.Count(sent, "content_block_stop\n"))
	assert.Less(t, strings.Index(sent, "content_block_stop\n"), strings.Index(sent, `"tool_use"`), "the text is closed before the tool begins")
	assert.Equal(t, 1, strings.Count(sent, "message_stop\n"))
}

func TestWhatIsHeldBackIsNotedOnceTheClientHasIt(t *testing.T) {
	const role = `{"id":"one","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`
	begun := func() *Transcript {
		a := follow(&page{}, wire.ChatCompletions, nil)
		committed, err := a.Hold(chatEvent(role))
		require.NoError(t, err)
		assert.False(t, committed)
		assert.Zero(t, a.Noted())
		return a
	}
	a := begun()
	require.NoError(t, a.Write(chatEvent(`{"choices":[{"index":0,"delta":{"content":"Once"}}]}`)))
	assert.Equal(t, 2, a.Noted())
	committed, err := a.Hold(chatEvent(role))
	require.NoError(t, err)
	assert.True(t, committed)
	assert.Equal(t, 3, a.Noted())
	assert.Equal(t, "Once", a.Text())

	a = begun()
	a.Settle(true) // a keep-alive was due
	assert.Equal(t, 1, a.Noted())
	a.Settle(true)
	assert.Equal(t, 1, a.Noted())

	a = begun()
	a.Settle(false) // its channel has failed
	require.NoError(t, a.Write(chatEvent(`{"choices":[{"index":0,"delta":{"content":"Once"}}]}`)))
	assert.Equal(t, 1, a.Noted())
}
