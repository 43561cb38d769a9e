package eventstream

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/stretchr/testify/require"

	"one-api/relay/sse"
)

const most = 1 << 20

// message is a message as Amazon's own encoder makes it.
func message(t testing.TB, payload string, headers ...string) []byte {
	t.Helper()
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	var b bytes.Buffer
	require.NoError(t, eventstream.NewEncoder().Encode(&b, m))
	return b.Bytes()
}

func event(t testing.TB, name, payload string) []byte {
	return message(t, payload, ":message-type", "event", ":event-type", name, ":content-type", "application/json")
}

func chunk(t testing.TB, inner string) []byte {
	return event(t, "chunk", `{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(inner))+`","p":"abcdefghijklmnop"}`)
}

func read(from io.Reader) (string, error) {
	r := NewReader(from, most)
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestMessagesBecomeEventsHoweverTheyArrive(t *testing.T) {
	stream := bytes.Join([][]byte{
		message(t, "{}", ":message-type", "event", ":event-type", "initial-response"),
		chunk(t, `{"type":"content_block_delta","delta":{"text":"é\n"}}`),
		event(t, "metadata", "{\n \"usage\":{}}"),
		message(t, `{"message":"Too many tokens"}`, ":message-type", "exception", ":exception-type", "throttlingException"),
		message(t, "", ":message-type", "error", ":error-code", "500", ":error-message", `it "broke"`),
		message(t, "x", ":message-type", "novel"),
	}, nil)
	want := ":\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"é\\n\"}}\n\n" +
		"event: metadata\ndata: {\ndata:  \"usage\":{}}\n\n" +
		"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"throttlingException\",\"message\":\"Too many tokens\"}}\n\n" +
		"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"500\",\"message\":\"it \\\"broke\\\"\"}}\n\n" +
		":\n\n"
	for name, way := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "in halves": iotest.HalfReader,
		"with the end beside the last of it": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(way(bytes.NewReader(stream)))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestALongMessageComesWholeAndTheNextOneAfterIt(t *testing.T) {
	long := strings.Repeat("a", 300<<10)
	got, err := read(bytes.NewReader(bytes.Join([][]byte{chunk(t, `{"type":"x","text":"`+long+`"}`), chunk(t, `{"type":"y"}`)}, nil)))
	require.NoError(t, err)
	require.Equal(t, "event: x\ndata: {\"type\":\"x\",\"text\":\""+long+"\"}\n\nevent: y\ndata: {\"type\":\"y\"}\n\n", got)
}

func TestWhatIsWrongWithAStreamIsSaidBehindWhatWasGoodOfIt(t *testing.T) {
	good := chunk(t, `{"type":"ping"}`)
	const first = "event: ping\ndata: {\"type\":\"ping\"}\n\n"
	spoilt := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 0x40
		return b
	}
	for name, tc := range map[string]struct {
		then []byte
		err  error
	}{
		"a checksum of the lengths":     {spoilt(9), ErrCorrupt},
		"a length":                      {spoilt(3), ErrCorrupt},
		"a byte of the payload":         {spoilt(len(good) - 20), ErrCorrupt},
		"the checksum at the end":       {spoilt(len(good) - 1), ErrCorrupt},
		"lengths that contradict":       {lengths(40, 30), ErrCorrupt},
		"a length below the least":      {lengths(8, 0), ErrCorrupt},
		"a message over the bound":      {lengths(most+1, 0), ErrTooLarge},
		"a length of four gigabytes":    {lengths(1<<32-1, 0), ErrTooLarge},
		"headers of a megabyte":         {lengths(most-1, most-100), ErrTooLarge},
		"an end within the lengths":     {good[:7], ErrCut},
		"an end within the payload":     {good[:len(good)-30], ErrCut},
		"a chunk without bytes":         {event(t, "chunk", `{"p":"abc"}`), ErrCorrupt},
		"a chunk whose bytes are wrong": {event(t, "chunk", `{"bytes":"*"}`), ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(bytes.NewReader(append(bytes.Clone(good), tc.then...)))
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, first, got)
		})
	}
}

// lengths is the beginning of a message of these lengths, with the checksum that they have.
func lengths(all, headers uint32) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, all), headers)
	return append(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), make([]byte, 64)...)
}

func TestALengthIsNoReasonToMakeRoom(t *testing.T) {
	announced := lengths(15<<20, 0)
	r := NewReader(io.MultiReader(bytes.NewReader(announced), iotest.ErrReader(io.ErrUnexpectedEOF)), 16<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := io.ReadAll(r)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	require.Less(t, len(r.in), 8<<10)
}

func TestTheLabelSaysWhetherAnAnswerIsFramedSo(t *testing.T) {
	require.True(t, Is("application/vnd.amazon.eventstream"))
	require.True(t, Is("Application/VND.amazon.EventStream; charset=x"))
	require.False(t, Is("text/event-stream"))
	require.False(t, Is(""))
}

// FuzzReader holds the Reader against Amazon's decoder: what that takes for a message of an event is an event, and nothing makes it panic
// or hold more than it may.
func FuzzReader(f *testing.F) {
	f.Add(chunk(f, `{"type":"message_stop"}`), 3)
	f.Add(append(event(f, "messageStop", `{"stopReason":"end_turn"}`), event(f, "metadata", `{}`)...), 1)
	f.Add(lengths(100, 90), 8)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		want, rest := 0, bytes.NewReader(stream)
		for {
			begin := int(rest.Size()) - rest.Len()
			if rest.Len() < leastMessage || binary.BigEndian.Uint32(stream[begin:]) > most {
				break
			}
			m, err := eventstream.NewDecoder().Decode(rest, nil)
			if err != nil || header(m.Headers, ":message-type") != "event" || header(m.Headers, ":event-type") == "chunk" {
				break
			}
			if name := header(m.Headers, ":event-type"); name != "" && name != "initial-response" {
				want++
			}
		}
		r := NewReader(&inPieces{stream, max(1, piece%64)}, most)
		events, got := sse.NewReader(r, 4*most), 0
		for {
			if _, err := events.Next(); err != nil {
				break
			}
			got++
		}
		require.GreaterOrEqual(t, got, want)
		require.LessOrEqual(t, len(r.in), 2*max(len(stream), firstBuffer))
	})
}

type inPieces struct {
	rest []byte
	size int
}

func (p *inPieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
