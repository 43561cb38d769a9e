package sse

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const bound = 16 << 20

// copied is an Event that stays valid. Name and data keep the difference between none and empty.
type copied struct {
	raw        string
	name, data []byte
	clean      bool
}

func (c copied) equal(other copied) bool {
	return c.raw == other.raw && c.clean == other.clean && bytes.Equal(c.name, other.name) && bytes.Equal(c.data, other.data) &&
		(c.name == nil) == (other.name == nil) && (c.data == nil) == (other.data == nil)
}

func readAll(source io.Reader, maxEvent int) (events []copied, err error) {
	reader := NewReader(source, maxEvent)
	defer reader.Close()
	return readOn(reader)
}

// peekAndReadAll is readAll by who wants to know first what comes.
func peekAndReadAll(source io.Reader, maxEvent int) (events []copied, err error) {
	reader := NewReader(source, maxEvent)
	defer reader.Close()
	_, _ = reader.Peek()
	return readOn(reader)
}

func readOn(reader *Reader) (events []copied, err error) {
	for {
		event, err := reader.Next()
		if err != nil {
			return events, err
		}
		events = append(events, copied{string(event.Raw), bytes.Clone(event.Name), bytes.Clone(event.Data), event.Clean})
	}
}

// splitReader returns its text in pieces of random length.
type splitReader struct {
	text   []byte
	random *rand.Rand
	most   int
}

func (r *splitReader) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	n := min(1+r.random.IntN(r.most), len(p), len(r.text))
	copy(p, r.text[:n])
	r.text = r.text[n:]
	return n, nil
}

// requireHoweverSplit reads the text whole, byte by byte, in random pieces and with the error beside the last bytes.
func requireHoweverSplit(t *testing.T, text []byte, maxEvent int) ([]copied, error) {
	t.Helper()
	want, wantErr := readAll(bytes.NewReader(text), maxEvent)
	splits := []io.Reader{iotest.DataErrReader(bytes.NewReader(text))}
	for seed := range uint64(4) {
		splits = append(splits, &splitReader{text, rand.New(rand.NewPCG(seed, 0)), 1 + 3*len(text)/(4+int(seed))})
	}
	if len(text) < 1<<17 {
		splits = append(splits, iotest.OneByteReader(bytes.NewReader(text)), iotest.HalfReader(bytes.NewReader(text)),
			&splitReader{text, rand.New(rand.NewPCG(9, 0)), 4})
	}
	for i, split := range splits {
		got, err := readAll(split, maxEvent)
		require.Equal(t, wantErr, err, "split %d", i)
		require.Equal(t, len(want), len(got), "split %d", i)
		for j := range want {
			if !want[j].equal(got[j]) {
				require.Fail(t, "events differ", "split %d, event %d: %.300q, want %.300q", i, j, got[j], want[j])
			}
		}
	}
	return want, wantErr
}

func TestStreamsAreParsedAsTheStandardSaysHoweverTheyAreSplit(t *testing.T) {
	type event struct {
		name, data any // nil means none
		clean      bool
	}
	for _, c := range []struct {
		name, text string
		want       []event
	}{
		{"nothing", "", nil},
		{"only blank lines", "\n\r\n\r\n\n\n", nil},
		{"one event", "data: x\n\n", []event{{nil, "x", true}}},
		{"no space behind the colon", "data:x\n\n", []event{{nil, "x", true}}},
		{"only one space is taken off", "data:  x \n\n", []event{{nil, " x ", true}}},
		{"a colon in the value", "data: a: b\n\n", []event{{nil, "a: b", true}}},
		{"data without a colon", "data\n\n", []event{{nil, "", true}}},
		{"data without a value", "data:\n\ndata: \n\n", []event{{nil, "", true}, {nil, "", true}}},
		{"data of several lines", "data: a\ndata:\ndata\ndata:b\n\ndata: c\n\n", []event{{nil, "a\n\n\nb", true}, {nil, "c", true}}},
		{"a name", "event: delta\ndata: x\n\nevent:y\ndata: z\n\n", []event{{"delta", "x", true}, {"y", "z", true}}},
		{"a name behind the data", "data: x\nevent: delta\n\n", []event{{"delta", "x", true}}},
		{"the last name counts", "event: a\ndata: x\nevent: b\n\n", []event{{"b", "x", true}}},
		{"an empty name is none", "event: a\nevent:\ndata: x\n\nevent\n\n", []event{{nil, "x", true}}},
		{"a name without data", "event: ping\n\n", []event{{"ping", nil, true}}},
		{"unknown fields", "id: 1\nretry: 2\ndata: x\nDATA: y\ndatax: z\n data: v\nfoo\n\n", []event{{nil, "x", true}}},
		{"only unknown fields", "id: 1\n\nretry: 3000\n\ndata: x\n\n", []event{{nil, "x", true}}},
		{"comments between events", ": ping\n\n:\n\ndata: x\n\n: a\n: b\ndata: y\n\n", []event{{nil, "x", true}, {nil, "y", true}}},
		{"a comment inside an event", "data: x\n: ping\n\n", []event{{nil, "x", false}}},
		{"CR LF", "data: x\r\n\r\nevent: e\r\ndata: y\r\ndata: z\r\n\r\n", []event{{nil, "x", false}, {"e", "y\nz", false}}},
		{"CR", "data: x\r\rdata: y\rdata: z\r\r", []event{{nil, "x", false}, {nil, "y\nz", false}}},
		{"all line ends", "data: a\ndata: b\rdata: c\r\n\ndata: d\n\r\ndata: e\r\n\r", []event{{nil, "a\nb\nc", false}, {nil, "d", false}, {nil, "e", false}}},
		{"CR LF comments before a clean event", ": ping\r\n\r\n:ping\r\ndata: x\n\n", []event{{nil, "x", true}}},
		{"a byte order mark", "\uFEFFdata: x\n\n", []event{{nil, "x", true}}},
		{"a byte order mark later on", "data: x\n\n\uFEFFdata: y\n\n", []event{{nil, "x", true}}},
		{"two byte order marks", "\uFEFF\uFEFFdata: x\n\n", nil},
		{"a part of a byte order mark", "\xEF\xBB", nil},
		{"runes of several bytes", "data: é€😀\n\ndata: 日本語\n\n", []event{{nil, "é€😀", true}, {nil, "日本語", true}}},
		{"bytes that are not UTF-8", "data: \xff\xfe\x00\n\n", []event{{nil, "\xff\xfe\x00", true}}},
		{"no blank line at the end", "data: x\n\ndata: [DONE]\n", []event{{nil, "x", true}, {nil, "[DONE]", false}}},
		{"no line end at the end", "data: x\n\ndata: [DONE]", []event{{nil, "x", true}, {nil, "[DONE]", false}}},
		{"several lines and no blank line at the end", "event: e\ndata: x\ndata: y", []event{{"e", "x\ny", false}}},
		{"CR at the end", "data: [DONE]\r", []event{{nil, "[DONE]", false}}},
		{"CR LF at the end", "data: [DONE]\r\n", []event{{nil, "[DONE]", false}}},
		{"a name alone at the end", "event: message_st", nil},
		{"a field without a value at the end", "data:", nil},
		{"a comment at the end", "data: x\n\n: pi", []event{{nil, "x", true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := requireHoweverSplit(t, []byte(c.text), bound)
			require.Equal(t, io.EOF, err)
			var events []event
			for _, e := range got {
				shown := event{clean: e.clean}
				if e.name != nil {
					shown.name = string(e.name)
				}
				if e.data != nil {
					shown.data = string(e.data)
				}
				events = append(events, shown)
				if e.clean {
					assert.Contains(t, c.text, e.raw)
					assert.True(t, strings.HasSuffix(e.raw, "\n\n"), "%q", e.raw)
				}
			}
			assert.Equal(t, c.want, events)
		})
	}
}

func TestRawIsTheEventAsItCame(t *testing.T) {
	got, _ := requireHoweverSplit(t, []byte("\uFEFF: hello\n\nid: 1\nevent:e\ndata:  x\n\n\n:ping\ndata: y\n:z\n\ndata: v\r\n\r\ndata: w"), bound)
	var raw []string
	for _, event := range got {
		raw = append(raw, event.raw)
	}
	assert.Equal(t, []string{"id: 1\nevent:e\ndata:  x\n\n", "data: y\n:z\n\n", "data: v\r\n\r", "data: w"}, raw)
}

func TestAnEventSplitInTheMiddleOfARuneArrivesWhole(t *testing.T) {
	const text = "data: 😀\n\n"
	for cut := range len(text) {
		source := io.MultiReader(strings.NewReader(text[:cut]), strings.NewReader(text[cut:]))
		got, err := readAll(source, bound)
		require.Equal(t, io.EOF, err)
		require.Len(t, got, 1)
		assert.Equal(t, "😀", string(got[0].data))
		assert.Equal(t, text, got[0].raw)
	}
}

func TestAnErrorComesBehindTheEventsThatCameWithIt(t *testing.T) {
	broken := errors.New("connection reset")
	source := iotest.DataErrReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n\ndata: c\n"), iotest.ErrReader(broken)))
	got, err := readAll(source, bound)
	require.Len(t, got, 2, "the event that came in part must not look like a whole one")
	assert.Same(t, broken, err)
}

func TestOnlyACleanEndCompletesAnEvent(t *testing.T) {
	for _, end := range []error{io.ErrUnexpectedEOF, errors.New("reset")} {
		got, err := readAll(io.MultiReader(strings.NewReader("data: [DONE]\n"), iotest.ErrReader(end)), bound)
		assert.Empty(t, got)
		assert.Same(t, end, err)
	}
}

func TestTheLastErrorIsRepeated(t *testing.T) {
	reader := NewReader(strings.NewReader("data: x"), bound)
	_, err := reader.Next()
	require.NoError(t, err)
	for range 3 {
		_, err = reader.Next()
		require.Equal(t, io.EOF, err)
		assert.True(t, reader.Buffered())
	}
	reader.Close()
	_, err = reader.Next()
	require.Equal(t, io.EOF, err)
}

func TestAReaderThatReturnsNothingForEverIsGivenUp(t *testing.T) {
	calls := 0
	_, err := readAll(readFunc(func([]byte) (int, error) { calls++; return 0, nil }), bound)
	assert.Equal(t, io.ErrNoProgress, err)
	assert.Equal(t, 100, calls)
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestNextReadsOnlyWhenNoCompleteEventIsBuffered(t *testing.T) {
	for _, c := range []struct {
		first  string
		events int
	}{
		{"data: a\n\ndata: b\n\ndata: c", 2},
		{"data: a\n\n: ping\n\nid: 1\n\nevent: e\n\n\n", 2},
		{"data: a\r\rdata: b\r\r", 2},
		{"data: a\r\n\r\ndata: b\r\n\r", 2},
	} {
		reads := 0
		reader := NewReader(readFunc(func(p []byte) (int, error) {
			reads++
			if reads == 1 {
				return copy(p, c.first), nil
			}
			return 0, io.EOF
		}), bound)
		assert.False(t, reader.Buffered())
		for i := range c.events {
			event, err := reader.Next()
			require.NoError(t, err)
			assert.Equal(t, 1, reads, "%q", c.first)
			before := copied{string(event.Raw), bytes.Clone(event.Name), bytes.Clone(event.Data), event.Clean}
			assert.Equal(t, i < c.events-1, reader.Buffered(), "%q, event %d", c.first, i)
			assert.Equal(t, before, copied{string(event.Raw), event.Name, event.Data, event.Clean}, "looking ahead must not touch the event")
		}
		reader.Close()
	}
}

func TestLookingAheadLeavesJoinedDataAlone(t *testing.T) {
	reader := NewReader(strings.NewReader("data: a\ndata: b\n\ndata: c\ndata: d\n\n"), bound)
	defer reader.Close()
	event, err := reader.Next()
	require.NoError(t, err)
	assert.True(t, reader.Buffered())
	assert.Equal(t, "a\nb", string(event.Data))
}

func TestAClosedReaderGivesAnErrorAndMayBeClosedAgain(t *testing.T) {
	reader := NewReader(strings.NewReader("data: a\ndata: b\n\ndata: c\n\n"), bound)
	_, err := reader.Next()
	require.NoError(t, err)
	reader.Close()
	reader.Close()
	_, err = reader.Next()
	assert.Equal(t, errClosed, err)
	assert.True(t, reader.Buffered())
}

func TestEventsCannotGrowIntoTheBuffer(t *testing.T) {
	reader := NewReader(strings.NewReader("event: e\ndata: a\n\ndata: b\ndata: c\n\ndata: d\n\n"), bound)
	defer reader.Close()
	for _, want := range []string{"a", "b\nc", "d"} {
		event, err := reader.Next()
		require.NoError(t, err)
		assert.Equal(t, want, string(event.Data))
		assert.Equal(t, len(event.Raw), cap(event.Raw))
		assert.Equal(t, len(event.Name), cap(event.Name))
		assert.Equal(t, len(event.Data), cap(event.Data))
	}
}

// What came together can leave together: a run of events is one piece of the buffer, for as long as there is a whole event in it.
func TestEventsThatFollowEachOtherAreARun(t *testing.T) {
	text := "data: a\n\ndata: b\n\n: a comment\n\ndata: c\ndata: d\n\ndata: e\n\n"
	reader := NewReader(strings.NewReader(text), 100)
	defer reader.Close()
	var runs []string
	var run Run
	for {
		event, err := reader.Next()
		require.NoError(t, err)
		if !run.Add(event) {
			runs = append(runs, string(reader.Bytes(run)))
			run = Run{}
			require.True(t, run.Add(event), "an empty run takes any")
		}
		if !reader.Complete() {
			runs = append(runs, string(reader.Bytes(run)))
			break
		}
	}
	require.Equal(t, []string{"data: a\n\ndata: b\n\n", "data: c\ndata: d\n\ndata: e\n\n"}, runs)
}
