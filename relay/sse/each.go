package sse

// Each calls visit for each event of a complete text, such as a translator's output, until visit fails. Nothing is copied, except for
// data of several lines. An event of more than most bytes is ErrTooLarge.
func Each(text []byte, most int, visit func(Event) error) error {
	var lines lineScanner
	var known block
	start := 0
	for pos := 0; pos < len(text); {
		stop := lines.end(text, pos)
		line := text[pos:stop]
		pos = min(afterEnd(text, stop), len(text))
		switch {
		case pos-start > most:
			return ErrTooLarge
		case len(line) > 0:
			known.dirty = known.dirty || text[min(stop, len(text)-1)] == '\r'
			known.add(line, stop-start)
			if pos < len(text) {
				continue
			}
			known.dirty = true // its blank line is missing
		}
		if known.dispatched() && (len(line) == 0 || known.dataLen > 0) {
			if err := visit(known.of(text[start:pos:pos])); err != nil {
				return err
			}
		}
		start, known = pos, block{}
	}
	return nil
}

// of returns the event as it stands in raw, once its lines are known.
func (b *block) of(raw []byte) Event {
	event := Event{Raw: raw, Clean: !b.dirty}
	if b.nameTo > b.nameFrom {
		event.Name = raw[b.nameFrom:b.nameTo:b.nameTo]
	}
	switch {
	case b.dataLines == 1:
		event.Data = raw[b.dataFrom:b.dataTo:b.dataTo]
	case b.dataLines > 1:
		event.Data = joinData(make([]byte, 0, b.dataLen), raw)
	}
	return event
}
