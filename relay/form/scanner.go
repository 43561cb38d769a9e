// Package form finds, in a multipart/form-data body that passes by in pieces, where a few of its fields stand and what they say
// (RFC 7578, RFC 2046). It holds no more than the header of one part at a time, however large the files are, and changes nothing: whoever
// wants another value in a field replaces its bytes.
//
// The upstream reads the same body with another parser. What parsers are known to read differently (a line that ends in a bare LF, a name
// that is given twice or in another encoding, a folded header) is therefore refused, where it could decide what a field is.
package form

import (
	"bytes"
	"strconv"
)

// Bounds of a body.
const (
	longestBoundary = 200     // RFC 2046 allows 70
	longestHeader   = 8 << 10 // of a part
	mostParts       = 1000
	// LongestValue is how many bytes the value of a field may have that is wanted.
	LongestValue = 4 << 10
)

// Part is a part of a body.
type Part struct {
	Name string
	// File says that the part has a filename. Servers take such a part for a file, whatever its name is.
	File bool
	// Encoded says that its content is not as it stands (Content-Transfer-Encoding).
	Encoded  bool
	From, To int64 // where its content is in the body
	// Value is the content, if it is wanted, and as far as LongestValue goes.
	Value []byte
	Long  bool // there is more of it
}

// Error is what is wrong with a body, as its sender is told.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

// Scanner reads a body.
type Scanner struct {
	wants func(name string) bool
	visit func(Part)

	delimiter []byte // CRLF and --boundary
	state     state
	buffer    []byte // what has come and has not been read
	at        int64  // where buffer begins in the body
	part      Part
	wanted    bool
	parts     int
	start     int64 // where the first delimiter begins
	err       error
}

type state uint8

const (
	inPreamble state = iota
	inHeader
	inContent
	inEpilogue
)

// NewScanner begins to read a body with that boundary. visit is called with every part once it has ended; wants says which of them have
// their value kept.
func NewScanner(boundary string, wants func(name string) bool, visit func(Part)) (*Scanner, error) {
	if boundary == "" || len(boundary) > longestBoundary {
		return nil, &Error{"The Content-Type of the request has no usable boundary: a multipart/form-data body needs the one that its parts " +
			"are divided by. Most HTTP libraries write that header themselves: do not set Content-Type by hand."}
	}
	// The first delimiter may stand at the beginning, as if a line had ended there.
	return &Scanner{wants: wants, visit: visit, delimiter: []byte("\r\n--" + boundary), buffer: []byte("\r\n"), at: -2, start: -1}, nil
}

// Start is where the first delimiter begins: another part can be put in there.
func (s *Scanner) Start() int64 { return s.start }

// Write reads the next piece. An error is an *Error.
func (s *Scanner) Write(piece []byte) (int, error) {
	switch {
	case s.err != nil:
		return len(piece), s.err
	case s.state == inEpilogue:
		s.epilogue(piece)
		return len(piece), s.err
	}
	s.buffer = append(s.buffer, piece...)
	for more := true; more && s.err == nil; {
		switch s.state {
		case inPreamble, inContent:
			more = s.content()
		case inHeader:
			more = s.header()
		case inEpilogue:
			more = false
		}
	}
	return len(piece), s.err
}

// End is called when all of the body has come.
func (s *Scanner) End() error {
	if s.err == nil && (s.state == inContent || s.state == inPreamble) {
		s.buffer = append(s.buffer, "\r\n"...) // the last boundary's line may end with the body
		s.content()
	}
	switch {
	case s.err != nil, s.state == inEpilogue:
		return s.err
	case s.state == inPreamble:
		return s.undivided()
	}
	return &Error{"The request's multipart body ends in the middle of part " + strconv.Itoa(s.parts) +
		": its last boundary, with two dashes behind it, is missing."}
}

// wrong ends it all.
func (s *Scanner) wrong(what string) bool {
	s.err = &Error{"Part " + strconv.Itoa(s.parts) + " of the request's multipart body cannot be read: " + what + "."}
	return false
}

// drop forgets the first n bytes of the buffer.
func (s *Scanner) drop(n int) {
	s.at += int64(n)
	s.buffer = s.buffer[:copy(s.buffer, s.buffer[n:])]
}

// content reads up to the next delimiter; true: there is more to be done.
func (s *Scanner) content() bool {
	if s.state == inPreamble && !s.begins() {
		return false
	}
	at := bytes.Index(s.buffer, s.delimiter)
	if at < 0 {
		s.keep(len(s.buffer) - len(s.delimiter) + 1)
		return false
	}
	rest := s.buffer[at+len(s.delimiter):]
	switch {
	case len(rest) == 0:
		s.keep(at)
		return false
	case bytes.IndexByte([]byte(" \t\r\n-"), rest[0]) < 0: // of a longer word
		s.keep(at + len(s.delimiter))
		return true
	}
	last := false
	if rest[0] == '-' {
		if len(rest) == 1 {
			s.keep(at)
			return false
		}
		if rest[1] != '-' {
			return s.wrong("a boundary is followed by a single dash")
		}
		last, rest = true, rest[2:]
	}
	line := bytes.TrimLeft(rest, " \t")
	switch {
	case len(line) < 2 && (len(line) == 0 || line[0] == '\r'):
		if len(rest) > longestHeader {
			return s.wrong("a boundary's line is too long")
		}
		s.keep(at)
		return false
	case !bytes.HasPrefix(line, []byte("\r\n")):
		if line[0] == '\n' {
			return s.wrong("lines have to end in CR and LF, and the boundary's ends in LF alone")
		}
		return s.wrong("something stands on the line of a boundary")
	}
	if s.state == inContent && s.at+int64(at) < s.part.From {
		return s.wrong("its header is followed by a boundary at once")
	}
	s.ends(at)
	if last {
		s.state = inEpilogue
		s.epilogue(line)
		s.buffer = nil
		return false
	}
	if s.parts++; s.parts > mostParts {
		return s.wrong("there are more than " + strconv.Itoa(mostParts))
	}
	s.state = inHeader
	s.drop(len(s.buffer) - len(line)) // the header, with the CRLF before it
	return true
}

// begins reports whether the body begins with its first delimiter, as far as it has come. A line may be empty before it; other words there
// (a preamble) nobody sends, and parsers differ in which of them they take for a delimiter.
func (s *Scanner) begins() bool {
	if s.at < 0 && bytes.HasPrefix(s.buffer[2:], []byte("\r\n")) {
		s.drop(2)
	}
	n := min(len(s.buffer), len(s.delimiter))
	if !bytes.Equal(s.buffer[:n], s.delimiter[:n]) && !bytes.Equal(s.buffer, []byte("\r\n\r")) {
		s.err = s.undivided()
	}
	return s.err == nil
}

func (s *Scanner) undivided() error {
	return &Error{"The request's body does not begin with the boundary that its Content-Type names (" +
		strconv.QuoteToASCII(string(s.delimiter[4:])) + "). Most HTTP libraries write that header themselves: do not set Content-Type by hand."}
}

// epilogue is for what comes behind the last boundary.
func (s *Scanner) epilogue(text []byte) {
	if len(bytes.TrimSpace(text)) > 0 && s.err == nil {
		s.err = &Error{"Something stands behind the last boundary of the request's multipart body."}
	}
}

// keep takes in the first n bytes of the buffer as content.
func (s *Scanner) keep(n int) {
	if n <= 0 {
		return
	}
	s.note(s.buffer[:n])
	s.drop(n)
}

// note keeps what belongs to a value that is wanted.
func (s *Scanner) note(content []byte) {
	if s.state != inContent || !s.wanted {
		return
	}
	if before := s.part.From - s.at; before > 0 {
		content = content[min(int64(len(content)), before):]
	}
	if room := LongestValue - len(s.part.Value); len(content) > room {
		content, s.part.Long = content[:room], true
	}
	s.part.Value = append(s.part.Value, content...)
}

// ends ends the part whose content ends at this place of the buffer.
func (s *Scanner) ends(at int) {
	if s.state == inPreamble {
		s.start = max(0, s.at+int64(at)+2)
		return
	}
	s.note(s.buffer[:at])
	s.part.To = s.at + int64(at)
	s.visit(s.part)
}

// header reads a part's header, before which the buffer has a CRLF; true: there is more to be done.
func (s *Scanner) header() bool {
	end := bytes.Index(s.buffer, []byte("\r\n\r\n"))
	switch {
	case end > longestHeader || end < 0 && len(s.buffer) > longestHeader+4:
		return s.wrong("its header is larger than " + strconv.Itoa(longestHeader>>10) + " KiB")
	case end < 0:
		return false
	}
	s.part = Part{From: s.at + int64(end) + 4}
	if end > 0 {
		if what := s.part.read(s.buffer[2:end]); what != "" {
			return s.wrong(what)
		}
	}
	s.wanted = s.wants(s.part.Name)
	s.state = inContent
	s.drop(end + 2) // the empty line's CRLF stays: parsers differ in whether it may also be that of the next delimiter
	return true
}
