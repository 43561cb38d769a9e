package http1

import "fmt"

// maxWaste is how many bytes of framing may come in excess of what chunks of a sensible size need.
const maxWaste = 16 << 10

// chunks decodes the chunked transfer coding (RFC 9112, section 7.1) in place, from pieces that may end anywhere.
type chunks struct {
	state chunkState
	left  uint64 // of the chunk's size, while it is read; then of its data
	line  int    // bytes of the line at hand
	waste int    // see maxWaste
	done  bool
}

type chunkState uint8

const (
	chunkSize      chunkState = iota // in the hexadecimal size
	chunkSpace                       // behind it: spaces until the line's end
	chunkExtension                   // behind it and a semicolon, until the line's end
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart // at the beginning of a line of the trailer
	trailerLine
	trailerLF
	trailerEndLF
)

// decode moves the data in b to its front. excess is how many bytes of b are behind the end of the last chunk.
func (c *chunks) decode(b []byte) (data, excess int, err error) {
	for i := 0; i < len(b); {
		if c.done {
			return data, len(b) - i, nil
		}
		if c.state == chunkData {
			n := len(b) - i
			if uint64(n) > c.left {
				n = int(c.left) //nolint:gosec // less than len(b)
			}
			if data != i {
				copy(b[data:], b[i:i+n])
			}
			data, i = data+n, i+n
			if c.left -= uint64(n); c.left == 0 {
				c.state = chunkDataCR
			}
			continue
		}
		if err := c.frame(b[i]); err != nil {
			return data, 0, err
		}
		i++
	}
	return data, 0, nil
}

// frame takes a byte that is not data.
func (c *chunks) frame(b byte) error {
	switch c.state {
	case chunkSize:
		return c.size(b)
	case chunkSpace, chunkExtension:
		c.line++
		switch {
		case b == '\r':
			c.state = chunkSizeLF
		case b == '\n':
			return fmt.Errorf("%w: a chunk's size ends in a bare line feed", ErrMalformed)
		case c.state == chunkSpace && b != ' ' && b != '\t':
			return fmt.Errorf("%w: invalid byte in chunk length", ErrMalformed)
		case c.line > maxChunkLine:
			return fmt.Errorf("%w: a chunk extension is too long", ErrMalformed)
		}
	case chunkSizeLF:
		return c.begin(b)
	case chunkDataCR:
		return c.expect(b, '\r', chunkDataLF)
	case chunkDataLF:
		return c.expect(b, '\n', chunkSize)
	default:
		return c.trailer(b)
	}
	return nil
}

func (c *chunks) size(b byte) error {
	digit, ok := hexadecimal(b)
	switch {
	case ok && c.line == 16:
		return fmt.Errorf("%w: http chunk length too large", ErrMalformed)
	case ok:
		c.left = c.left<<4 | uint64(digit)
		c.line++
	case c.line == 0:
		return fmt.Errorf("%w: invalid byte in chunk length", ErrMalformed)
	case b == '\r':
		c.state = chunkSizeLF
	case b == ' ' || b == '\t':
		c.state = chunkSpace
	case b == ';':
		c.state = chunkExtension
	default:
		return fmt.Errorf("%w: invalid byte in chunk length", ErrMalformed)
	}
	return nil
}

// begin takes the line feed behind a chunk's size.
func (c *chunks) begin(b byte) error {
	if b != '\n' {
		return fmt.Errorf("%w: a chunk's size does not end in CR LF", ErrMalformed)
	}
	// As net/http does: a chunk may have 16 bytes of framing, and twice as much as it has of data.
	c.waste += c.line + 2 - 16
	if c.left < 1<<20 {
		c.waste -= 2 * int(c.left)
	} else {
		c.waste = 0
	}
	if c.waste = max(0, c.waste); c.waste > maxWaste {
		return fmt.Errorf("%w: there is more framing than data in its chunks", ErrMalformed)
	}
	c.line = 0
	if c.state = chunkData; c.left == 0 {
		c.state = trailerStart
	}
	return nil
}

func (c *chunks) expect(b, want byte, next chunkState) error {
	if b != want {
		return fmt.Errorf("%w: a chunk's data does not end in CR LF (malformed chunked encoding)", ErrMalformed)
	}
	c.state = next
	return nil
}

// trailer skips the fields behind the last chunk, up to the empty line.
func (c *chunks) trailer(b byte) error {
	if c.line++; c.line > maxTrailer {
		return fmt.Errorf("%w: the trailer is too long", ErrMalformed)
	}
	if b == '\n' && (c.state == trailerStart || c.state == trailerLine) {
		return fmt.Errorf("%w: a line of the trailer ends in a bare line feed", ErrMalformed)
	}
	switch c.state {
	case trailerStart:
		if c.state = trailerLine; b == '\r' {
			c.state = trailerEndLF
		}
	case trailerLine:
		if b == '\r' {
			c.state = trailerLF
		}
	case trailerLF:
		if c.state = trailerStart; b != '\n' {
			return fmt.Errorf("%w: a line of the trailer does not end in CR LF", ErrMalformed)
		}
	case trailerEndLF:
		if b != '\n' {
			return fmt.Errorf("%w: the trailer does not end in CR LF", ErrMalformed)
		}
		c.done = true
	default: // no state of the trailer
	}
	return nil
}

func hexadecimal(b byte) (byte, bool) {
	switch {
	case '0' <= b && b <= '9':
		return b - '0', true
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10, true
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10, true
	}
	return 0, false
}
