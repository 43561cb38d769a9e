package resume

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

func sentMessages(t *testing.T, events ...string) (*Transcript, *page) {
	t.Helper()
	p := &page{}
	a := follow(p, wire.Messages, nil)
	for _, e := range events {
		require.NoError(t, a.Write(messagesEvent(eventNameOf(e), e)))
	}
	return a, p
}

func eventNameOf(data string) string {
	_, rest, _ := strings.Cut(data, `"type":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

const (
	messageBegun = `{"type":"message_start","message":{"id":"one"}}`
	anotherBegun = `{"type":"message_start","message":{"id":"two"}}`
	textBegun    = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	onceSaid     = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Once upon "}}`
	thoughtBegun = `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`
	hmThought    = `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`
	thoughtDone  = `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}`
	blockDone    = `{"type":"content_block_stop","index":0}`
)

// restOf writes the events of another answer to a stream that broke off.
func restOf(t *testing.T, c *Continuation, events ...string) {
	t.Helper()
	for _, e := range events {
		require.NoError(t, c.Write(messagesEvent(eventNameOf(e), e)), e)
	}
}

func TestAnEmptyEndReasonIsNone(t *testing.T) {
	a, _ := sentChat(t, `{"id":"one","choices":[{"index":0,"delta":{"content":"Once"},"finish_reason":""}]}`)
	assert.True(t, a.Resumable(), "some servers have one in every chunk")
	a, _ = sentMessages(t, messageBegun, textBegun, onceSaid, `{"type":"message_delta","delta":{"stop_reason":""},"usage":{"output_tokens":1}}`)
	assert.True(t, a.Resumable())
}

func TestWhatComesUnderTheNameOfTheWholeIsTextToo(t *testing.T) {
	a, _ := sentChat(t, `{"id":"one","choices":[{"index":0,"message":{"role":"assistant","content":"Once"}}]}`)
	assert.Equal(t, "Once", a.Text(), "or all of it would be said again")
}

// A client that has only the beginning of a stream gets the other answer as it is: what was thought is signed, and a provider wants
// it back with the calls that follow it.
func TestAnAnswerOfWhichTheClientHasNothingKeepsItsReasoning(t *testing.T) {
	a, p := sentMessages(t, messageBegun)
	require.True(t, a.Resumable())
	restOf(t, a.Continue(false), anotherBegun, thoughtBegun, hmThought, thoughtDone, blockDone,
		`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"look","input":{}}}`)
	assert.Contains(t, p.String(), `"thinking":"hm"`)
	assert.Contains(t, p.String(), `"signature":"EqQB"`)
	assert.Contains(t, p.String(), `"index":1,"content_block":{"type":"tool_use"`)
	assert.NotContains(t, p.String(), "two")

	a, p = sentChat(t, `{"id":"one","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`)
	require.NoError(t, a.Continue(false).Write(chatEvent(`{"id":"two","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}`)))
	assert.Contains(t, p.String(), `"reasoning_content":"hm"`)
}

func TestAStreamThatBreaksOffInThoughtIsFinished(t *testing.T) {
	a, p := sentMessages(t, messageBegun, thoughtBegun, hmThought)
	require.True(t, a.Resumable())
	require.Empty(t, a.Text(), "all of the answer is asked for")
	c := a.Continue(false)
	restOf(t, c, anotherBegun, thoughtBegun, hmThought, thoughtDone, blockDone, strings.Replace(textBegun, "0", "1", 1), strings.Replace(onceSaid, "0", "1", 1),
		`{"type":"content_block_stop","index":1}`, `{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":5}}`, `{"type":"message_stop"}`)
	sent := p.String()
	assert.Equal(t, 1, strings.Count(sent, `"hm"`))
	assert.NotContains(t, sent, "EqQB", "of another thought")
	assert.Less(t, strings.Index(sent, `{"type":"content_block_stop","index":0}`), strings.Index(sent, `{"type":"content_block_start","index":1`))
	assert.Contains(t, sent, `"stop_reason":"stop_sequence","stop_sequence":"END"`)
	assert.Equal(t, "Once upon ", saidIn(sent))

	a, p = sentChat(t, `{"id":"one","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}`)
	require.True(t, a.Resumable())
	require.NoError(t, a.Continue(false).Write(chatEvent(`{"id":"two","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}`)))
	assert.Equal(t, 1, strings.Count(p.String(), "hm"))

	a, _ = sentChat(t, `{"id":"one","choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}}]}`)
	assert.True(t, a.Resumable(), "as Mistral thinks")
}

func TestNothingIsPutBehindWhatOnlyItsFormatHasAWordFor(t *testing.T) {
	for name, chunk := range map[string]string{
		"an image":      `{"id":"one","choices":[{"index":0,"delta":{"images":[{"image_url":{"url":"data:x"}}]}}]}`,
		"audio":         `{"id":"one","choices":[{"index":0,"delta":{"audio":{"id":"x"}}}]}`,
		"an old call":   `{"id":"one","choices":[{"index":0,"delta":{"function_call":{"name":"f"}}}]}`,
		"another part":  `{"id":"one","choices":[{"index":0,"delta":{"content":[{"type":"image_url","image_url":{"url":"data:x"}}]}}]}`,
		"two choices":   `{"id":"one","choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}`,
		"a second one":  `{"id":"one","choices":[{"index":1,"delta":{"content":"a time."}}]}`,
		"half a call":   `{"id":"one","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t"}]}}]}`,
		"half its name": `{"id":"one","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}`,
	} {
		a, p := sentChat(t, `{"id":"one","choices":[{"index":0,"delta":{"content":"Once upon "}}]}`)
		c := a.Continue(false)
		err := c.Write(chatEvent(chunk))
		if err == nil {
			err = c.Write(chatEvent("[DONE]"))
		}
		assert.Error(t, err, "as a rest: %s", name)
		assert.NotContains(t, p.String(), "a time.")
		assert.NotContains(t, p.String(), "[DONE]")
		require.NoError(t, a.Write(chatEvent(chunk)))
		assert.False(t, a.Resumable(), name)
	}
	for _, kind := range []string{"server_tool_use", "web_search_tool_result", "something_new"} {
		a, _ := sentMessages(t, messageBegun, textBegun, onceSaid)
		block := `{"type":"content_block_start","index":1,"content_block":{"type":"` + kind + `","id":"s","name":"web_search","input":{}}}`
		assert.Error(t, a.Continue(false).Write(messagesEvent("content_block_start", block)), kind)
		a, _ = sentMessages(t, messageBegun, textBegun, onceSaid, blockDone, block)
		assert.False(t, a.Resumable(), kind)
	}
}

// A third channel is not asked for the rest of an answer that has said why it ends.
func TestAnAnswerThatHasSaidWhyItEndsIsNotResumed(t *testing.T) {
	a, p := sentChat(t, `{"id":"one","choices":[{"index":0,"delta":{"content":"Once upon "}}]}`)
	require.NoError(t, a.Continue(false).Write(chatEvent(`{"id":"two","choices":[{"index":0,"delta":{"content":"a time."},"finish_reason":"stop"}]}`)))
	assert.Contains(t, p.String(), "a time.")
	assert.False(t, a.Resumable())
	a, _ = sentMessages(t, messageBegun, textBegun, onceSaid, blockDone, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`)
	assert.False(t, a.Resumable())
}

func TestABlockThatIsOpenAndEmptyIsGoneOnWith(t *testing.T) {
	a, p := sentMessages(t, messageBegun, textBegun)
	restOf(t, a.Continue(false), anotherBegun, textBegun, onceSaid)
	assert.Equal(t, 1, strings.Count(p.String(), "content_block_start\n"))
	assert.Contains(t, p.String(), onceSaid)

	a, p = sentMessages(t, messageBegun, textBegun, blockDone, strings.Replace(textBegun, "0", "1", 1), strings.Replace(onceSaid, "0", "1", 1), strings.Replace(blockDone, "0", "1", 1))
	restOf(t, a.Continue(false), anotherBegun, textBegun, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a time."}}`)
	assert.Contains(t, p.String(), `{"type":"content_block_start","index":2,`, "blocks are counted as they were sent, the empty ones too")
	assert.Equal(t, "Once upon a time.", saidIn(p.String()))
}

// What a call's maker has signed, and the id that it has given it, are the client's as they are.
func TestACallOfARestKeepsItsIDAndItsSignature(t *testing.T) {
	a, p := sentChat(t, `{"id":"one","created":1,"model":"a","choices":[{"index":0,"delta":{"content":"Let me look."}}]}`)
	c := a.Continue(false)
	for _, chunk := range []string{
		`{"id":"two","created":2,"model":"b","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"functions.look:0","type":"function","function":{"name":"look","arguments":""},"extra_content":{"google":{"thought_signature":"U0lH+/=="}}}]}}]}`,
		`{"id":"two","created":2,"model":"b","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}]}`,
		`{"id":"two","created":2,"model":"b","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`,
		`[DONE]`,
	} {
		require.NoError(t, c.Write(chatEvent(chunk)))
	}
	sent := p.String()
	assert.Contains(t, sent, `"tool_calls":[{"index":0,"id":"functions.look:0","type":"function","function":{"name":"look","arguments":""},"extra_content":{"google":{"thought_signature":"U0lH+/=="}}}]`)
	assert.Contains(t, sent, `"arguments":"{\"a\":1}"`)
	assert.Contains(t, sent, `"finish_reason":"tool_calls"`)
	assert.Contains(t, sent, `"prompt_tokens":7,"completion_tokens":3`)
	assert.Contains(t, sent, `"model":"b"`, "who goes on")
	assert.NotContains(t, sent, `"two"`)
	assert.NotContains(t, sent, `"created":2`)
}
