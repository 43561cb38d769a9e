package sse

import "bytes"

// longestIndent is how much white space Peek skips at the beginning of a line.
const longestIndent = 512

// Peek returns the first byte that does not belong to a blank line, a comment or a byte order mark, without consuming it. It distinguishes
// an event stream from an object or a web page, whatever the label says. It may be called before the first Next. What it skips
// carries no content, and Next would not return it either. Errors are those of Next.
func (r *Reader) Peek() (byte, error) {
	for {
		if r.begun || r.begin() {
			if c, found := r.first(); found {
				return c, nil
			}
		}
		switch {
		case r.err != nil:
			return 0, r.err
		case r.begun && r.end-r.start > r.max:
			r.err = ErrTooLarge
			return 0, r.err
		}
		r.fill()
	}
}

// first looks for Peek's byte in the buffer.
func (r *Reader) first() (c byte, found bool) {
	for r.start < r.end {
		text := r.buf.bytes[:r.end]
		switch text[r.start] {
		case '\n', '\r':
			r.pos = r.start + 1
			r.drop(false)
		case ':':
			stop := r.lines.end(text, r.start)
			if stop == r.end {
				return 0, false
			}
			if r.pos = stop + 1; r.pos-r.start > r.max {
				r.err = ErrTooLarge
				return 0, false
			}
			r.drop(true)
		default:
			line := bytes.TrimLeft(text[r.start:], " \t\r\n")
			if len(line) > 0 {
				return line[0], true
			}
			return 0, len(text)-r.start > min(longestIndent, r.max)
		}
	}
	return 0, false
}

// Rest returns what was read but is not part of any returned event, for a caller that takes over from here. It is valid until
// the next call.
func (r *Reader) Rest() []byte {
	if r.buf == nil {
		return nil
	}
	return r.buf.bytes[r.start:r.end]
}
