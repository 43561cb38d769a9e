package sse

// block is what is known of an event after some of its lines. Offsets count from the beginning of the event.
type block struct {
	nameFrom, nameTo int // the value of the last event field
	dataFrom, dataTo int // the value of the first data field
	dataLines        int
	dataLen          int // of all data fields, joined

	strayFrom, strayTo int  // lines that hold an object instead of a field, or the value of a field "error" that is one
	strayOpen          bool // the next line may be one of them
	strayNamed         bool // it was such a field
	dirty              bool
}

// dispatched reports whether a blank line makes this an event to be returned.
func (b *block) dispatched() bool {
	return b.dataLines > 0 || b.nameTo > b.nameFrom
}

// add takes in a line that is not blank; end is the offset in the event at which it ends.
func (b *block) add(line []byte, end int) {
	switch line[0] {
	case 'd':
		if value, ok := fieldValue(line, "data"); ok {
			if b.dataLines == 0 {
				b.dataFrom, b.dataTo = end-len(value), end
			} else {
				b.dataLen++
			}
			b.dataLines++
			b.dataLen += len(value)
			b.strayOpen = false
			return
		}
	case 'e':
		if value, ok := fieldValue(line, "event"); ok {
			b.nameFrom, b.nameTo = end-len(value), end
			b.strayOpen = false
			return
		}
		if value, ok := fieldValue(line, "error"); ok && beginsObject(value) && b.strayTo == 0 {
			b.strayFrom, b.strayOpen, b.strayNamed = end-len(value), true, true
		}
	case ':':
		b.dirty, b.strayOpen = true, false
	default:
		if beginsObject(line) && b.strayTo == 0 {
			b.strayFrom, b.strayOpen = end-len(line), true
		}
	}
	if b.strayOpen {
		b.strayTo = end
	}
}

func beginsObject(line []byte) bool { return len(line) > 0 && (line[0] == '{' || line[0] == '[') }

// fieldValue returns the value behind the field's name in a line, and whether the line is such a field.
func fieldValue(line []byte, field string) (value []byte, ok bool) {
	if len(line) < len(field) || string(line[:len(field)]) != field {
		return nil, false
	}
	if len(line) == len(field) {
		return line[len(field):], true
	}
	if line[len(field)] != ':' {
		return nil, false
	}
	value = line[len(field)+1:]
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return value, true
}

// joinData appends the values of all data fields of an event, with \n between them. It finds the lines once more, because
// remembering where millions of empty lines were would take more memory than the event.
func joinData(dst, raw []byte) []byte {
	var lines lineScanner
	first := true
	for from := 0; from < len(raw); {
		stop := lines.end(raw, from)
		if value, ok := fieldValue(raw[from:stop], "data"); ok {
			if !first {
				dst = append(dst, '\n')
			}
			first = false
			dst = append(dst, value...)
		}
		from = afterEnd(raw, stop)
	}
	return dst
}
