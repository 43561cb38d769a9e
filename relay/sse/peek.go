package sse

import "bytes"

// longestIndent is how much white space Peek looks behind, at the beginning of a line.
const longestIndent = 512

// Peek returns the first byte of what is no blank line, no comment and no byte order mark, and leaves it where it is: it tells
// an event stream from an object or a web page, whatever it is labelled. It may be called before the first Next. What it skips
// says nothing, and would not be returned by Next either. Errors are those of Next.
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

// first looks for Peek's byte in what is buffered.
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

// Rest is what has been read and is not part of any event that was returned, for who takes over from here. It is valid until
// the next call.
func (r *Reader) Rest() []byte {
	if r.buf == nil {
		return nil
	}
	return r.buf.bytes[r.start:r.end]
}
