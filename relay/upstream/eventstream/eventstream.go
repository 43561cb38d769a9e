// Package eventstream reads Amazon's event streams (application/vnd.amazon.eventstream) as server-sent events, which is what the rest of
// the relay knows: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html has the frames, and
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html what is in them.
package eventstream

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"one-api/relay/jsonscan"
	"one-api/relay/membudget"
	"one-api/relay/sse"
)

// MediaType is the Content-Type of such streams.
const MediaType = "application/vnd.amazon.eventstream"

// Is reports whether a Content-Type is that of an event stream.
func Is(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), MediaType)
}

// What a stream may fail by, beside the errors of its source.
var (
	ErrTooLarge = errors.New("an event-stream message is too large")
	ErrCorrupt  = errors.New("an event-stream message is malformed")
	// ErrCut is the end of the source in the midst of a message.
	ErrCut = errors.New("the event stream ends within a message")
)

const (
	preludeBytes  = 12 // two lengths and their checksum
	leastMessage  = preludeBytes + 4
	longestHeader = 128 << 10
	firstBuffer   = 2 << 10
)

// Reader turns messages into events, as they come. Each message that an upstream has sent whole is an event: its name is the
// message's :event-type, its data the payload, and what InvokeModelWithResponseStream wraps in base64 is unwrapped. An exception, or an
// error, is an event of the name error. A Reader is not safe for concurrent use.
type Reader struct {
	// Lease counts the buffers while they are not small; nil: they are not counted.
	Lease *membudget.Lease

	src        io.Reader
	max        int
	in         []byte // in[start:end] was read and not yet decoded
	start, end int
	checked    bool   // the prelude at start has been found good
	payload    []byte // of the last message, for the next one
	plain      []byte // what was in base64, likewise
	out        []byte // out[given:] has not been handed out yet
	given      int
	err        error // to be returned after what is in out
	decoder    *eventstream.Decoder
}

// NewReader reads messages of at most max bytes.
func NewReader(src io.Reader, max int) *Reader {
	return &Reader{src: src, max: max, decoder: eventstream.NewDecoder()}
}

// Read waits for a message that is whole, and returns no more than there is without waiting again. Its errors are those of the source,
// io.EOF only between two messages, ErrTooLarge, ErrCorrupt and ErrCut.
func (r *Reader) Read(p []byte) (int, error) {
	for r.given == len(r.out) {
		if r.err != nil {
			return 0, r.err
		}
		r.out, r.given = r.out[:0], 0
		if cap(r.out) > 16*firstBuffer {
			r.out = nil // the large event is over
		}
		r.decodes()
		if len(r.out) == 0 && r.err == nil {
			r.fill()
		}
	}
	n := copy(p, r.out[r.given:])
	r.given += n
	return n, nil
}

// decodes turns the messages into events that have come whole.
func (r *Reader) decodes() {
	for r.err == nil {
		message, whole := r.next()
		if !whole {
			return
		}
		r.err = r.decode(message)
	}
}

// next is the message at the beginning of the buffer, if it is whole. A length is believed only if its checksum is right and it is
// within the bounds, and room is made for no more than has come.
func (r *Reader) next() (message []byte, whole bool) {
	text := r.in[r.start:r.end]
	if len(text) < preludeBytes {
		return nil, false
	}
	length, headers := binary.BigEndian.Uint32(text), binary.BigEndian.Uint32(text[4:])
	if !r.checked {
		switch {
		case crc32.ChecksumIEEE(text[:8]) != binary.BigEndian.Uint32(text[8:]):
			r.err = fmt.Errorf("%w: the checksum of its lengths is wrong", ErrCorrupt)
		case length < leastMessage || headers > length-leastMessage:
			r.err = fmt.Errorf("%w: its lengths contradict each other", ErrCorrupt)
		case int64(length) > int64(r.max) || headers > longestHeader:
			r.err = ErrTooLarge
		}
		if r.err != nil {
			return nil, false
		}
		r.checked = true
	}
	if uint64(len(text)) < uint64(length) {
		return nil, false
	}
	r.start += int(length)
	r.checked = false
	return text[:length:length], true
}

// decode adds a message's event to out.
func (r *Reader) decode(message []byte) error {
	m, err := r.decoder.Decode(bytes.NewReader(message), r.payload)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrCorrupt, err.Error())
	}
	r.payload = m.Payload
	if len(r.payload) > 16*firstBuffer {
		r.payload = nil
	}
	kind := header(m.Headers, ":message-type")
	switch kind {
	case "exception":
		r.failed(header(m.Headers, ":exception-type"), m.Payload)
	case "error":
		r.failed(header(m.Headers, ":error-code"), append(append([]byte(`{"message":`),
			jsonscan.AppendString(nil, header(m.Headers, ":error-message"))...), '}'))
	case "event", "":
		return r.event(header(m.Headers, ":event-type"), m.Payload)
	default: // nothing that anybody knows: a sign of life
		r.out = append(r.out, ":\n\n"...)
	}
	return r.hold()
}

// event adds an event of the answer.
func (r *Reader) event(name string, payload []byte) error {
	switch name {
	case "", "initial-response":
		r.out = append(r.out, ":\n\n"...)
	case "chunk":
		inner, ok := base64Of(jsonscan.MemberOf(payload, "bytes"))
		if !ok {
			return fmt.Errorf("%w: a chunk has no bytes", ErrCorrupt)
		}
		plain, err := base64.StdEncoding.AppendDecode(r.plain[:0], inner)
		if err != nil {
			return fmt.Errorf("%w: a chunk's bytes are not base64", ErrCorrupt)
		}
		if r.plain = plain; cap(plain) > 16*firstBuffer {
			r.plain = nil
		}
		kind, _ := jsonscan.String(jsonscan.MemberOf(plain, "type"))
		r.out = sse.Append(r.out, []byte(kind), plain)
	default:
		r.out = sse.Append(r.out, []byte(name), payload)
	}
	return r.hold()
}

// failed adds an event that reports an error, in the words of the other formats: {"error":{"type","message"}}.
func (r *Reader) failed(kind string, payload []byte) {
	message := ""
	for _, name := range [...]string{"message", "Message"} {
		if text, ok := jsonscan.String(jsonscan.MemberOf(payload, name)); ok && message == "" {
			message = text
		}
	}
	data := jsonscan.AppendString([]byte(`{"type":"error","error":{"type":`), kind)
	data = jsonscan.AppendString(append(data, `,"message":`...), message)
	r.out = sse.Append(r.out, []byte("error"), append(data, "}}"...))
}

func header(all eventstream.Headers, name string) string {
	if value, ok := all.Get(name).(eventstream.StringValue); ok {
		return string(value)
	}
	return ""
}

// base64Of is what stands between the quotes of a string without escapes.
func base64Of(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// fill reads once, and makes room first for what has come.
func (r *Reader) fill() {
	pending := r.end - r.start
	switch {
	case r.start > 0 && (pending == 0 || r.end == len(r.in)):
		copy(r.in, r.in[r.start:r.end])
		r.start, r.end = 0, pending
	case pending == len(r.in):
		grown := make([]byte, max(firstBuffer, 2*len(r.in)))
		copy(grown, r.in[r.start:r.end])
		r.in, r.start, r.end = grown, 0, pending
		if r.err = r.hold(); r.err != nil {
			return
		}
	}
	if pending == 0 && len(r.in) > 16*firstBuffer {
		r.in = make([]byte, firstBuffer)
	}
	n, err := r.src.Read(r.in[r.end:])
	r.end += n
	switch {
	case errors.Is(err, io.EOF) && n == 0 && r.end > r.start:
		r.err = ErrCut
	case n == 0:
		r.err = err
	}
}

// hold counts what is held beyond what any stream may.
func (r *Reader) hold() error {
	if r.Lease == nil {
		return nil
	}
	return r.Lease.Hold(int64(len(r.in) + cap(r.payload) + cap(r.plain) + cap(r.out)))
}

// Close gives back what is held. It does not close the source.
func (r *Reader) Close() {
	if r.err == nil {
		r.err = io.ErrClosedPipe
	}
	r.in, r.payload, r.plain, r.out, r.given, r.start, r.end = nil, nil, nil, nil, 0, 0, 0
	if r.Lease != nil {
		r.Lease.Release()
	}
}
