package sse

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless repeats a text and counts what was taken of it.
type endless struct {
	text  string
	taken int
	most  int // of the bytes; 0 means no bound
}

func (r *endless) Read(p []byte) (int, error) {
	if r.most > 0 && r.taken >= r.most {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) {
		n += copy(p[n:], r.text[(r.taken+n)%len(r.text):])
	}
	r.taken += n
	return n, nil
}

func TestLongLinesArriveWhole(t *testing.T) {
	for _, size := range []int{70_000, 1 << 20, bound - len("data: \n\n")} {
		for _, end := range []string{"\n", "\r\n"} {
			if size > 1<<20 && end != "\n" {
				continue
			}
			line := strings.Repeat("é", size/2)
			text := "data: before" + end + end + "data: " + line + end + end + ": ping" + end + end + "data: after" + end + end
			got, err := requireHoweverSplit(t, []byte(text), bound)
			require.Equal(t, io.EOF, err)
			require.Len(t, got, 3)
			require.True(t, string(got[1].data) == line, "a line of %d bytes came back with %d", len(line), len(got[1].data))
			assert.Equal(t, "after", string(got[2].data))
		}
	}
}

func TestLongDataOfManyLinesArrivesWhole(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n"} {
		text := strings.Repeat("data:"+end, 20_000) + end
		got, err := requireHoweverSplit(t, []byte(text), bound)
		require.Equal(t, io.EOF, err)
		require.Len(t, got, 1)
		assert.Equal(t, strings.Repeat("\n", 19_999), string(got[0].data))
	}
}

func TestWhatIsOverTheBoundEndsInErrTooLargeWithBoundedMemory(t *testing.T) {
	for _, c := range []struct {
		name, text string
		events     int
	}{
		{"a line of 60 MiB", "data: x\n\ndata: " + strings.Repeat("y", 60<<20) + "\n\n", 1},
		{"no line end at all", strings.Repeat("z", 20<<20), 0},
		{"one comment line", ":" + strings.Repeat("z", 20<<20), 0},
		{"a field line without end behind an event", "event: x\n\n" + strings.Repeat(" ", 20<<20), 1},
		{"many lines of data", strings.Repeat("data: 0123456789012345678901234567890123456789\n", 400_000), 0},
		{"many comments inside an event", "data: x\n" + strings.Repeat(": 0123456789012345678901234567890123456789\n", 450_000), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := strings.NewReader(c.text)
			widest := 0
			var reader *Reader
			reader = NewReader(readFunc(func(p []byte) (int, error) {
				widest = max(widest, len(reader.buf.bytes))
				return source.Read(p)
			}), bound)
			defer reader.Close()
			for range c.events {
				_, err := reader.Next()
				require.NoError(t, err)
			}
			for range 2 {
				_, err := reader.Next()
				require.Equal(t, ErrTooLarge, err)
			}
			assert.Nil(t, reader.buf, "the memory must not wait for Close")
			assert.LessOrEqual(t, widest, bound+1)
			assert.LessOrEqual(t, len(c.text)-source.Len(), bound+burstBuffer, "it must not read on behind the bound")
		})
	}
}

func TestTheBoundIsExactHoweverTheStreamIsSplit(t *testing.T) {
	for _, c := range []struct {
		text string
		need int
	}{
		{"data: 0123456789\n\n", 18},
		{"data: 0123456789", 16},
		{"data: 0123456789\r\n\r\n", 19},
		{"\uFEFFdata: 0123456789\n\n", 18},
		{": 0123456789\n\ndata: x\n\n", 13},
		{": 01\n: 02\n: 03\n\n\n\ndata: x\n\n", 9},
		{"id: 01\nevent: e\ndata: x\n: 0\n\n", 29},
	} {
		_, err := requireHoweverSplit(t, []byte(c.text), c.need)
		assert.Equal(t, io.EOF, err, "%q", c.text)
		_, err = requireHoweverSplit(t, []byte(c.text), c.need-1)
		assert.Equal(t, ErrTooLarge, err, "%q", c.text)
	}
}

func TestNothingIsReturnedBehindAnEventThatIsTooLarge(t *testing.T) {
	reader := NewReader(strings.NewReader("data: a\n\ndata: 0123456789\n\ndata: b\n\n"), 12)
	defer reader.Close()
	_, err := reader.Next()
	require.NoError(t, err)
	assert.True(t, reader.Buffered())
	for range 3 {
		_, err = reader.Next()
		assert.Equal(t, ErrTooLarge, err)
	}
}

func TestKeepAlivesNeverAddUpToAnEvent(t *testing.T) {
	for _, text := range []string{": ping\n", ": ping\n\n", ": ping\r\n", ":\r", "\n", "\r\n", "\r", "id: 1\n\n", "retry: 1\r\n\r\n"} {
		source := &endless{text: text, most: 1 << 17}
		reader := NewReader(readFunc(func(p []byte) (int, error) {
			require.LessOrEqual(t, len(p), floodBuffer)
			return source.Read(p)
		}), 64)
		_, err := reader.Next()
		assert.Equal(t, io.EOF, err, "%q", text)
		reader.Close()
	}
}

func TestAStreamThatWaitsHoldsOnlyASmallBuffer(t *testing.T) {
	big := func(size int) string { return "data: " + strings.Repeat("x", size) + "\n\n" }
	joined := "data: " + strings.Repeat("x", 9000) + "\ndata: y\n\n"
	for _, text := range []string{big(6000), big(70_000), big(1 << 20), big(1<<20) + "data: a part of the next", joined} {
		source := strings.NewReader(text)
		var reader *Reader
		waited := false
		reader = NewReader(readFunc(func(p []byte) (int, error) {
			if source.Len() > 0 {
				return source.Read(p)
			}
			if !waited {
				// The event has to be returned before there is anything to wait for.
				waited = true
				assert.LessOrEqual(t, len(reader.buf.bytes), burstBuffer)
				assert.Nil(t, reader.scratch)
			}
			return 0, io.ErrUnexpectedEOF
		}), bound)
		_, err := reader.Next()
		require.NoError(t, err)
		_, err = reader.Next()
		require.Equal(t, io.ErrUnexpectedEOF, err)
		assert.True(t, waited)
		reader.Close()
	}
}

// A stream of slow tokens waits with 1 KiB, whatever it began with, and one that comes faster than it is read gets more at a
// time.
func TestTheBufferFollowsThePaceOfTheStream(t *testing.T) {
	event := "data: " + strings.Repeat("x", 192) + "\n\n"
	require.Len(t, event, 200)
	endless := strings.Repeat(event, 300)
	var waiting, rooms []int // bytes that there are for each read
	var reader *Reader
	reader = NewReader(readFunc(func(p []byte) (int, error) {
		rooms = append(rooms, len(reader.buf.bytes))
		n := copy(p, endless[:waiting[0]])
		endless, waiting = endless[n:], waiting[1:]
		return n, nil
	}), bound)
	defer reader.Close()
	for _, c := range []struct{ waiting, rooms []int }{
		{[]int{200, 200, 600, 3000, 200, 200}, []int{smallBuffer, smallBuffer, smallBuffer, burstBuffer, burstBuffer, smallBuffer}},
		{[]int{2000, 9000, 20000, 6000, 3000, 200, 200}, []int{smallBuffer, burstBuffer, floodBuffer, floodBuffer, floodBuffer, burstBuffer, smallBuffer}},
	} {
		rooms, waiting = nil, c.waiting
		for len(waiting) > 0 || reader.Complete() {
			_, err := reader.Next()
			require.NoError(t, err)
		}
		assert.Equal(t, c.rooms, rooms)
	}
}

func TestBuffersAreOfTheNextPooledSizeOrExact(t *testing.T) {
	for _, c := range []struct{ ask, get int }{
		{0, 1024}, {1, 1024}, {1024, 1024}, {1025, 2048}, {4096, 4096}, {4097, 8192}, {8192, 8192}, {40_000, 65536}, {65536, 65536}, {65537, 65537}, {1 << 20, 1 << 20},
	} {
		for range 3 {
			b := getBuffer(c.ask)
			assert.Len(t, b.bytes, c.get)
			putBuffer(b)
		}
	}
	putBuffer(nil)
}

// A byte is scanned and moved a bounded number of times: with 1 KB reads, a quadratic reader would touch 8 GB here.
func TestEachByteIsMovedAtMostTwice(t *testing.T) {
	text := bytes.Repeat([]byte("data: "+strings.Repeat("x", 1000)+"\n\n"), 1000)
	text = append(text, "data: "+strings.Repeat("y", 4<<20)+"\n\n"...)
	source := bytes.NewReader(text)
	var reader *Reader
	moved, before := 0, 0
	reader = NewReader(readFunc(func(p []byte) (int, error) {
		if reader.end != before { // fill has moved what was pending
			moved += reader.end
		}
		n, err := source.Read(p[:min(len(p), 1024)])
		before = reader.end + n
		return n, err
	}), bound)
	defer reader.Close()
	for {
		if _, err := reader.Next(); err != nil {
			require.Equal(t, io.EOF, err)
			break
		}
	}
	assert.Less(t, moved, 2*len(text))
}

// TestNothingIsReadFromABufferThatWasGivenBack spoils every buffer as soon as it is given back, while many readers share them.
// The race detector sees whoever still writes to one.
func TestNothingIsReadFromABufferThatWasGivenBack(t *testing.T) {
	recycled = func(b *buffer) {
		for i := range b.bytes {
			b.bytes[i] = 0xDB
		}
	}
	t.Cleanup(func() { recycled = func(*buffer) {} })
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			var text, got strings.Builder
			for i := range 400 { // now and then a large one, and one of two lines
				size := []int{3, 40, 600, 5000}[(i+caller)%4]
				fmt.Fprintf(&text, "data: %s\n", strings.Repeat(string(rune('a'+caller)), size))
				if i%5 == 0 {
					text.WriteString("data: second\n")
				}
				text.WriteString("\n")
			}
			source := strings.NewReader(text.String())
			reader := NewReader(readFunc(func(p []byte) (int, error) { return source.Read(p[:min(len(p), 1+source.Len()%7000)]) }), bound)
			var run Run
			for {
				event, err := reader.Next()
				if err != nil {
					break
				}
				if strings.Count(string(event.Data), string(rune('a'+caller))) == 0 {
					t.Errorf("data of another stream: %.40q", event.Data)
				}
				if !run.Add(event) {
					t.Error("nothing stands between these events")
				}
				if !reader.Complete() {
					got.Write(reader.Bytes(run))
					run = Run{}
				}
			}
			reader.Close()
			if got.String() != text.String() {
				t.Errorf("%d bytes became %d", text.Len(), got.Len())
			}
		})
	}
	all.Wait()
}
