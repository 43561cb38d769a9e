package sse

import "bytes"

// lineScanner finds the ends of lines (LF, CR LF or CR) and looks at every byte once for each of the two characters, however
// the text arrives and whichever line ends it uses. The zero value is ready to scan a text from its beginning.
type lineScanner struct {
	lf, cr int // the first of its kind at or behind the line, or up to where none was found
}

// end returns the index of the LF or CR that ends the line at b[from:], or len(b) if there is none yet. b and from only
// ever grow between two calls.
func (s *lineScanner) end(b []byte, from int) int {
	s.lf = seek(b, max(s.lf, from), '\n')
	s.cr = seek(b, max(s.cr, from), '\r')
	return min(s.lf, s.cr)
}

// moved tells the scanner that the text was moved n bytes towards the front.
func (s *lineScanner) moved(n int) {
	s.lf = max(s.lf-n, 0)
	s.cr = max(s.cr-n, 0)
}

func seek(b []byte, from int, c byte) int {
	if from >= len(b) {
		return len(b)
	}
	if i := bytes.IndexByte(b[from:], c); i >= 0 {
		return from + i
	}
	return len(b)
}

// afterEnd returns the index after the line end at b[end], whether that is LF, CR LF, CR or the end of b.
func afterEnd(b []byte, end int) int {
	if end+1 < len(b) && b[end] == '\r' && b[end+1] == '\n' {
		return end + 2
	}
	return end + 1
}
