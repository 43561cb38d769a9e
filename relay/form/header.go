package form

import (
	"bytes"
	"strings"
)

// read takes in a part's header; what is wrong with it, empty: nothing.
func (p *Part) read(header []byte) (wrong string) {
	disposed := false
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		if bytes.ContainsAny(line, "\r\n\x00") {
			return "a line of its header has a CR, an LF or a zero byte in it"
		}
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			return "a line of its header begins with a space, as if it went on with the one before"
		}
		name, value, found := bytes.Cut(line, []byte{':'})
		if !found || len(name) == 0 || bytes.ContainsAny(name, " \t\"") {
			return "a line of its header is not of the form name: value"
		}
		switch strings.ToLower(string(name)) {
		case "content-disposition":
			if disposed {
				return "it has two Content-Disposition headers"
			}
			disposed = true
			if wrong = p.dispose(string(value)); wrong != "" {
				return wrong
			}
		case "content-transfer-encoding":
			switch strings.ToLower(strings.TrimSpace(string(value))) {
			case "", "7bit", "8bit", "binary":
			default:
				p.Encoded = true
			}
		}
	}
	return ""
}

// dispose reads a Content-Disposition: form-data; name="model"; filename="größe.png". Of a filename nothing is of interest but that there
// is one.
func (p *Part) dispose(value string) (wrong string) {
	kind, rest, _ := strings.Cut(value, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "form-data") {
		return "its Content-Disposition is not form-data"
	}
	named := false
	for rest = strings.TrimSpace(rest); rest != ""; {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return "its Content-Disposition has a parameter without a value"
		}
		name = strings.ToLower(strings.TrimSpace(name))
		var said string
		var ok bool
		said, rest, ok = parameter(strings.TrimLeft(after, " \t"))
		switch {
		case !ok:
			return "its Content-Disposition has a quote that is not closed, or something behind one"
		case name == "name" && named:
			return "its Content-Disposition has two names"
		case name == "name":
			p.Name, named = said, true
		case name == "filename" || name == "filename*":
			p.File = true
		case strings.HasPrefix(name, "name*"):
			return "its name is written as `" + "name*" + "`, which servers read differently: write name=\"…\""
		}
	}
	return ""
}

// parameter reads the value of a parameter, quoted or not, and returns what is behind it and its semicolon.
func parameter(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ";")
		return strings.TrimSpace(value), strings.TrimSpace(rest), true
	}
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		case text[i] == '"':
			value = text[1:i] // escapes as they stand: no name that is wanted has any
			rest = strings.TrimSpace(text[i+1:])
			if rest != "" && rest[0] != ';' {
				return "", "", false
			}
			return value, strings.TrimSpace(strings.TrimPrefix(rest, ";")), true
		}
	}
	return "", "", false
}
