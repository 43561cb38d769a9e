package resume

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/membudget"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// filled repeats a piece until there are so many bytes.
func filled(piece string, size int) string { return strings.Repeat(piece, size/len(piece)) }

// hostile is events that an upstream can send at no cost and that cost a decoder dearly. %PIECES% is where there is room.
var hostile = map[wire.Endpoint][]string{
	wire.ChatCompletions: {
		`{"choices":[` + more(`{},`) + `{}]}`,
		`{"choices":[{"index":0,"delta":{` + more(`"k":0,`) + `"content":"a"}}]}`,
		`{` + more(`"k":0,`) + `"choices":[{"index":0,"delta":{"content":"a"}}]}`,
		`{"choices":[{` + more(`"\u0061":1,`) + `"index":0,"delta":{"content":"a"}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"` + more(`\u0001`) + `"}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"` + more("\xff") + `"}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"a"},"x":[` + more(`[],`) + `0]}]}`,
		`{"choices":[{"index":0,"delta":{"content":"a","tool_calls":[` + more(`0,`) + `0]}}]}`,
		`{"usage":[` + more(`0,`) + `0],"choices":[]}`,
	},
	wire.Messages: {
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + more(`\u0001`) + `"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + more("\xff") + `"}}`,
		`{"type":"content_block_delta","index":0,"delta":{` + more(`"k":0,`) + `"type":"text_delta","text":"a"}}`,
		`{` + more(`"k":0,`) + `"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`,
		`{"type":"message_start","message":{"content":[` + more(`{},`) + `{}]}}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","content":[` + more(`{},`) + `{}]}}`,
		`{"type":"content_block_delta","index":0,` + more(`"k":0,`) + `"delta":{"type":"signature_delta"}}`,
	},
}

// more marks what is repeated.
func more(piece string) string { return "%" + piece + "%" }

func filledOut(event string, size int) string {
	before, rest, _ := strings.Cut(event, "%")
	piece, after, _ := strings.Cut(rest, "%")
	return before + filled(piece, size) + after
}

// allocated is how many bytes are allocated while do runs, dead or alive. No test runs beside this one.
func allocated(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func beginningOf(endpoint wire.Endpoint) []byte {
	if endpoint == wire.Messages {
		return append(messagesEvent("message_start", `{"type":"message_start","message":{"id":"one"}}`),
			messagesEvent("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Once upon a time "}}`)...)
	}
	return chatEvent(`{"id":"one","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"Once upon a time "}}]}`)
}

// TestWhatAnUpstreamSendsCostsTheTranscriptNoMoreThanItsSize: an event may have 16 MiB, and it took 2.6 GB.
func TestWhatAnUpstreamSendsCostsTheTranscriptNoMoreThanItsSize(t *testing.T) {
	for endpoint, events := range hostile {
		for _, event := range events {
			for _, size := range []int{longestEvent / 2, 8 << 20} {
				text := chatEvent(filledOut(event, size))
				name := endpoint.Path() + " " + event

				a := follow(&sink{}, endpoint, nil)
				require.NoError(t, a.Write(beginningOf(endpoint)))
				took := allocated(func() { require.NoError(t, a.Write(text)) })
				require.Less(t, took, int64(5*longestEvent), "noting %d bytes: %s", size, name)
				require.LessOrEqual(t, len(a.Text()), maxText)

				a = follow(&sink{}, endpoint, nil)
				require.NoError(t, a.Write(beginningOf(endpoint)))
				took = allocated(func() {
					c := a.Continue(false)
					if endpoint == wire.Messages {
						require.NoError(t, c.Write(beginningOf(endpoint)))
					}
					_ = c.Write(text)
				})
				require.Less(t, took, int64(24*longestEvent), "fitting %d bytes: %s", size, name)
			}
		}
	}
}

// sink is a client that keeps nothing.
type sink struct{}

func (sink) Hold([]byte) (bool, error) { return false, nil }
func (sink) Whole([]byte) error        { return nil }
func (sink) Flush() error              { return nil }
func (sink) Write([]byte) error        { return nil }

// TestTheTranscriptIsHeldOfTheBudget fills a budget with the transcript of one stream: the others cannot be resumed, and nothing else
// happens to them.
func TestTheTranscriptIsHeldOfTheBudget(t *testing.T) {
	within, like := membudget.New(600<<10), &membudget.Lease{}
	like.Of(within)
	piece := func(n int) []byte {
		return chatEvent(`{"choices":[{"index":0,"delta":{"content":"` + filled("word ", n) + `"}}]}`)
	}
	first, second := follow(&sink{}, wire.ChatCompletions, like), follow(&sink{}, wire.ChatCompletions, like)
	require.NoError(t, first.Write(piece(200<<10)))
	require.True(t, first.Resumable())
	require.NoError(t, second.Write(piece(200<<10)))
	require.False(t, second.Resumable())
	require.Empty(t, second.Text())
	require.InDelta(t, 400<<10, within.Used(), membudget.Free+1000)

	err := first.Continue(false).Write(piece(30 << 10))
	var failure *outcome.Failure
	require.ErrorAs(t, err, &failure, "there is no room for the search")
	require.Equal(t, outcome.TooLarge, failure.Outcome)
	require.True(t, first.Resumable())
	for _, a := range []*Transcript{first, second, nil} {
		a.Close()
		a.Close()
	}
	require.Zero(t, within.Used())
}
