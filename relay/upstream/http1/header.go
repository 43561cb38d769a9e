package http1

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
)

// readHead reads the header of the answer, and what comes with it into rest. The request's header, which is in the page, has
// been sent. first is what stands there already of the answer.
func (a *Answer) readHead(first beginning) error {
	buffer, filled := a.page[:], first.n
	grown := false // out of the page
	read := 0      // bytes of interim answers
	for interim := 0; ; interim++ {
		end, scanned := headEnd(buffer[:filled], 0)
		for ; end == 0; end, scanned = headEnd(buffer[:filled], scanned) {
			if filled == len(buffer) {
				if read+filled >= maxHeader {
					return ErrHeaderTooLarge
				}
				buffer, grown = append(buffer, make([]byte, len(buffer))...), true
			}
			n, err := 0, first.err
			if err == nil {
				n, err = a.receive(buffer[filled:])
			}
			filled += n
			if n == 0 && err != nil {
				a.silent = filled+read == 0 && interim == 0
				if errors.Is(err, io.EOF) && filled > 0 {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
		}
		if err := a.parse(buffer[:end]); err != nil {
			return err
		}
		if a.Status == http.StatusSwitchingProtocols {
			return fmt.Errorf("%w: it switches protocols, which nobody proposed", ErrMalformed)
		}
		if a.Status/100 != 1 {
			a.settle(buffer[end:filled], grown)
			return nil
		}
		if read += end; interim == maxInterim || read > maxHeader {
			return fmt.Errorf("%w: too many interim answers", ErrMalformed)
		}
		filled = copy(buffer, buffer[end:filled])
	}
}

// settle keeps what came behind the header.
func (a *Answer) settle(rest []byte, grown bool) {
	if a.framing == byLength && a.left == 0 {
		a.ended = true
		a.reusable = a.reusable && len(rest) == 0
		rest = nil
	}
	a.rest = rest
	if len(rest) == 0 || grown {
		a.dropPage()
	}
}

// headEnd is where the header ends that b begins with; 0 if it has not come whole. It has been looked for as far as the
// beginning of the line at scanned.
func headEnd(b []byte, scanned int) (end, next int) {
	for {
		feed := bytes.IndexByte(b[scanned:], '\n')
		if feed < 0 {
			return 0, scanned
		}
		line := b[scanned : scanned+feed]
		if scanned > 0 && (len(line) == 0 || len(line) == 1 && line[0] == '\r') {
			return scanned + feed + 1, 0
		}
		scanned += feed + 1
	}
}

// parse reads a whole header. It may change it.
func (a *Answer) parse(head []byte) error {
	line, head := cutLine(head)
	unfold(head)
	old, err := a.parseStatus(line)
	if err != nil {
		return err
	}
	a.Type, a.Encoding, a.Length, a.Header = "", "", -1, nil
	if a.Status/100 != 2 {
		a.Header = http.Header{}
	}
	f := fields{}
	for len(head) > 0 {
		if line, head = cutLine(head); len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			return fmt.Errorf("%w: malformed header line", ErrMalformed)
		}
		name, value := line[:colon], bytes.Trim(line[colon+1:], " \t")
		if !isToken(name) || !isFieldValue(value) {
			return fmt.Errorf("%w: malformed header line", ErrMalformed)
		}
		if err := f.note(a, name, value); err != nil {
			return err
		}
		switch {
		case a.Status/100 != 2:
			a.Header.Add(string(name), string(value))
		case TellsLimits(name) && len(a.Header) < MostLimits && len(value) <= LongestLimit:
			if a.Header == nil {
				a.Header = http.Header{}
			}
			a.Header.Add(string(name), string(value))
		}
	}
	a.frame(f, old)
	return nil
}

// Bounds of what of a good answer's header is kept, for as long as the answer is open, which may be long: Anthropic tells sixteen figures
// of limits.
const (
	MostLimits   = 24
	LongestLimit = 64
)

var rateLimit = []byte("ratelimit-")

// TellsLimits reports whether a header's name is one under which providers say how much of a limit remains, or when to come again:
// ratelimit- with anything before and behind it, and what OpenAI's and Anthropic's SDKs go by.
func TellsLimits(name []byte) bool {
	switch {
	case len(name) < len(rateLimit):
		return false
	case is(name, "x-should-retry"), is(name, "retry-after-ms"):
		return true
	}
	for ; len(name) >= len(rateLimit); name = name[1:] {
		if name[0]|0x20 == rateLimit[0] && bytes.EqualFold(name[:len(rateLimit)], rateLimit) {
			return true
		}
	}
	return false
}

func (a *Answer) parseStatus(line []byte) (old bool, err error) {
	// HTTP/1.1 200 OK; the reason may be missing, and with it the space before it.
	const version = "HTTP/1."
	if len(line) < 12 || string(line[:len(version)]) != version || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return false, fmt.Errorf("%w: malformed HTTP response", ErrMalformed)
	}
	a.Status = 0
	for _, digit := range line[9:12] {
		if digit < '0' || digit > '9' {
			return false, fmt.Errorf("%w: malformed HTTP status code", ErrMalformed)
		}
		a.Status = 10*a.Status + int(digit-'0')
	}
	minor := line[7]
	if a.Status < 100 || minor < '0' || minor > '9' {
		return false, fmt.Errorf("%w: malformed HTTP response", ErrMalformed)
	}
	return minor == '0', nil
}

// fields is what of a header decides how the answer ends.
type fields struct {
	chunked, length, close, keep bool
}

func (f *fields) note(a *Answer, name, value []byte) error {
	switch {
	case is(name, "content-type"):
		if a.Type == "" {
			a.Type = shared(value)
		}
	case is(name, "content-encoding"):
		if a.Encoding == "" {
			a.Encoding = shared(value)
		}
	case is(name, "content-length"):
		n, ok := length(value)
		if !ok || f.length && n != a.Length {
			return fmt.Errorf("%w: malformed Content-Length", ErrMalformed)
		}
		f.length, a.Length = true, n
	case is(name, "transfer-encoding"):
		if f.chunked || !is(value, "chunked") {
			return fmt.Errorf("%w: malformed, or unsupported, Transfer-Encoding", ErrMalformed)
		}
		f.chunked = true
	case is(name, "connection"):
		for option := range bytes.SplitSeq(value, []byte{','}) {
			option = bytes.Trim(option, " \t")
			f.close = f.close || is(option, "close")
			f.keep = f.keep || is(option, "keep-alive")
		}
	}
	return nil
}

// frame says how the answer ends (RFC 9112, section 6.3). old: it is of HTTP/1.0.
func (a *Answer) frame(f fields, old bool) {
	a.reusable = !f.close && (!old || f.keep)
	bodiless := a.Status/100 == 1 || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
	a.chunks = chunks{}
	switch {
	case bodiless:
		a.framing, a.left, a.Length = byLength, 0, 0
	case f.chunked && !old:
		// A length beside it is a trap for whoever believes it, and not for the one who sent it.
		a.framing, a.Length = byChunks, -1
	case f.length:
		a.framing, a.left = byLength, a.Length
	default:
		a.framing, a.reusable = byClosing, false
	}
}

// unfold makes one line of a field's several, as the standard asks of those who still meet them. The first line cannot continue
// from any: it keeps its space, and is malformed.
func unfold(head []byte) {
	for i := 0; i+1 < len(head); i++ {
		feed := bytes.IndexByte(head[i:], '\n')
		if feed < 0 {
			return
		}
		if i += feed; i+1 < len(head) && (head[i+1] == ' ' || head[i+1] == '\t') {
			head[i] = ' '
			if i > 0 && head[i-1] == '\r' {
				head[i-1] = ' '
			}
		}
	}
}

// cutLine is the first line of b, without its end, and what follows it.
func cutLine(b []byte) (line, rest []byte) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		line = b
	} else {
		line, rest = b[:end], b[end+1:]
	}
	if last := len(line) - 1; last >= 0 && line[last] == '\r' {
		line = line[:last]
	}
	return line, rest
}

// is compares with a word in lower case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// length reads a Content-Length. One that no int64 can hold is none: it comes from nobody who has that much.
func length(value []byte) (n int64, ok bool) {
	if len(value) == 0 {
		return 0, false
	}
	for _, digit := range value {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		d := int64(digit - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, true
}

// shared is a copy of a value, or, for those that nearly all answers have, one that all of them share.
func shared(value []byte) string {
	switch string(value) {
	case "application/json":
		return "application/json"
	case "text/event-stream":
		return "text/event-stream"
	case "text/event-stream; charset=utf-8":
		return "text/event-stream; charset=utf-8"
	case "identity":
		return "identity"
	}
	return string(value)
}

// isToken reports whether text may be the name of a field.
func isToken[T string | []byte](text T) bool {
	for i := range len(text) {
		if !tokens[text[i]] {
			return false
		}
	}
	return len(text) > 0
}

// isFieldValue reports whether text may be the value of a field. It looks at eight bytes at a time for one below the space, or DEL.
func isFieldValue(text []byte) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		eight := binary.LittleEndian.Uint64(text)
		below, del := (eight-' '*low)&^eight, eight^0x7f*low
		if (below|(del-low)&^del)&high != 0 && !isPlain(text[:8]) {
			return false
		}
	}
	return isPlain(text)
}

func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

var tokens = func() (is [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		is[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		is[c] = true
	}
	return is
}()
