package sse

import "slices"

// Append appends one event in canonical form: "event: name\n" if name is not empty, "data: line\n" for each line of data,
// and "\n". Data that is nil has no line; data that is empty has one, which is empty. An LF, CR LF or CR ends a line of data,
// and one in name ends the name, so that neither can smuggle in another field. Nothing is allocated if dst has room.
func Append(dst []byte, name, data []byte) []byte {
	name = name[:new(lineScanner).end(name, 0)]
	// For one line of data, which is almost every event, this is the exact size, and otherwise less than that.
	dst = slices.Grow(dst, len("event: \ndata: \n\n")+len(name)+len(data)-absent(name, data))

	if len(name) > 0 {
		dst = append(dst, "event: "...)
		dst = append(dst, name...)
		dst = append(dst, '\n')
	}
	if data != nil {
		var lines lineScanner
		for from := 0; from <= len(data); {
			stop := lines.end(data, from)
			dst = append(dst, "data: "...)
			dst = append(dst, data[from:stop]...)
			dst = append(dst, '\n')
			from = afterEnd(data, stop)
		}
	}
	return append(dst, '\n')
}

// AppendTo appends the event in canonical form, which is how an event that is not Clean is passed on. Fields other than event
// and data (id, retry and unknown ones) are left out: no LLM API resumes a stream by them.
func (e Event) AppendTo(dst []byte) []byte {
	return Append(dst, e.Name, e.Data)
}

// PassedOn is the event as it is passed on: as it came if it is Clean, else in canonical form in scratch, which keeps its memory for the
// next one.
func (e *Event) PassedOn(scratch *[]byte) []byte {
	if e.Clean {
		return e.Raw
	}
	*scratch = e.AppendTo((*scratch)[:0])
	return *scratch
}

// absent is the length of the framing that Append leaves out.
func absent(name, data []byte) (n int) {
	if len(name) == 0 {
		n += len("event: \n")
	}
	if data == nil {
		n += len("data: \n")
	}
	return n
}
