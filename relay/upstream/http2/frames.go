package http2

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Frames (RFC 9113, section 6).
const (
	frameHeader = 9
	// largestFrame is what both ends take without having agreed on more.
	largestFrame = 16 << 10

	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

const (
	frameData byte = iota
	frameHeaders
	framePriority
	frameReset
	frameSettings
	framePushPromise
	framePing
	frameGoAway
	frameWindow
	frameContinuation
)

const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	settingTableSize     = 1
	settingPush          = 2
	settingStreams       = 3
	settingWindow        = 4
	settingFrameSize     = 5
	settingHeaderListLen = 6
)

// Code is why a stream or a connection is ended (RFC 9113, section 7).
type Code uint32

// The codes that are used here.
const (
	codeNone        Code = 0x0
	codeProtocol    Code = 0x1
	codeFlowControl Code = 0x3
	codeFrameSize   Code = 0x6
	codeRefused     Code = 0x7
	codeCancel      Code = 0x8
	codeCompression Code = 0x9
	codeCalm        Code = 0xb
)

var codes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String is the standard's name for it.
func (c Code) String() string {
	if int(c) < len(codes) {
		return codes[c]
	}
	return fmt.Sprintf("code %d", uint32(c))
}

// Bounds of a connection, and what goes wrong with one or with a call.
var (
	// ErrMalformed means that an answer, or what a connection says, is not HTTP/2.
	ErrMalformed = errors.New("http2: malformed answer")
	// ErrHeaderTooLarge means that an answer's header is over its bound.
	ErrHeaderTooLarge = errors.New("http2: the answer's header list is larger than 64 KiB")

	errNotSocket = errors.New("http2: not a connection of the operating system")
	errClosed    = errors.New("http2: the answer is closed")
	errEnded     = errors.New("http2: the call was ended")
	errIdle      = errors.New("http2: the connection was idle")
	errSilent    = errors.New("http2: the connection is dead: it does not answer a PING")
	// errRefused means that the server has not looked at the request: it may be sent again.
	errRefused = errors.New("http2: the upstream refused the stream unseen")
	// errUnseen means the same, of a connection that takes no more: nginx says goodbye after keepalive_requests, to a crowd that is under way.
	errUnseen = errors.New("http2: the upstream said goodbye before it had looked at the request")
	// errFull means that the connection took no more calls: nothing was sent.
	errFull = errors.New("http2: the connection takes no more streams")
)

// Reset is that the server has reset a stream.
type Reset struct{ Code Code }

func (e Reset) Error() string { return "http2: the stream was reset with " + e.Code.String() }

// broken is that a server does not keep to the protocol, or that its connection is ended because of that.
type broken struct {
	code Code
	what string
}

func (e *broken) Error() string { return "http2: the connection is malformed: " + e.what }

// gone is that a server has said goodbye, and has then closed the connection.
type gone struct{ code Code }

func (e *gone) Error() string {
	return "http2: the connection ended behind a GOAWAY with " + e.code.String()
}

func breach(code Code, what string) error { return &broken{code, what} }

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// frame is one that has come.
type frame struct {
	kind, flags byte
	stream      uint32
	size        int // of the payload, with its padding
	payload     []byte
}

func (f *frame) has(flag byte) bool { return f.flags&flag != 0 }

// unpad takes the padding off the payload.
func (f *frame) unpad() error {
	if !f.has(flagPadded) {
		return nil
	}
	if len(f.payload) == 0 {
		return breach(codeFrameSize, "a padded frame without a length of padding")
	}
	padding := int(f.payload[0])
	if f.payload = f.payload[1:]; padding > len(f.payload) {
		return breach(codeProtocol, "more padding than frame")
	}
	f.payload = f.payload[:len(f.payload)-padding]
	return nil
}

// appendFrame appends a frame's header.
func appendFrame(b []byte, kind, flags byte, stream uint32, size int) []byte {
	b = append(b, byte(size>>16), byte(size>>8), byte(size), kind, flags) //nolint:gosec // no frame is over 16 KiB
	return binary.BigEndian.AppendUint32(b, stream)
}

// appendNumber appends a frame that is one number: RST_STREAM and WINDOW_UPDATE.
func appendNumber(b []byte, kind byte, stream, number uint32) []byte {
	return binary.BigEndian.AppendUint32(appendFrame(b, kind, 0, stream, 4), number)
}

func appendSetting(b []byte, setting uint16, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, setting), value)
}
