package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseDocument reads the one YAML document of a file. Both are nil for a file without content.
func parseDocument(file string, data []byte) (root *yaml.Node, problem *Problem) {
	if line := firstLineNotText(data); line > 0 {
		return nil, &Problem{File: file, Line: line, Message: "not valid YAML: this line is not UTF-8"}
	}
	lines := &lineReader{rest: data}
	decoder := yaml.NewDecoder(lines)
	document, err := decodeNext(decoder)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		var second *yaml.Node
		if second, err = decodeNext(decoder); err == nil {
			return nil, &Problem{File: file, Line: second.Line, Message: "a second document begins here; one is allowed"}
		}
	}
	if !errors.Is(err, io.EOF) {
		p := syntaxProblem(err, data, lines.count)
		p.File = file
		explain(&p, data)
		return nil, &p
	}
	return document.Content[0], nil
}

// firstLineNotText is where the first byte stands that is not UTF-8, which the library cannot tell; 0: nowhere, or the file is
// marked as UTF-16.
func firstLineNotText(data []byte) int {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 0
}

// decodeNext turns the library's own panics into errors: some of its internal checks panic on hostile input, and a reload in a
// running relay must survive a bad file.
func decodeNext(decoder *yaml.Decoder) (document *yaml.Node, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = errors.New("this is not YAML")
		}
	}()
	document = &yaml.Node{}
	if err = decoder.Decode(document); err != nil {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, errors.New("this is not YAML")
	}
	return document, nil
}

// lineReader hands out one line a call, so that its count tells how far the parser had come when it gave up.
type lineReader struct {
	rest  []byte
	count int // lines handed out to their ends
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	part := r.rest[:min(len(r.rest), len(p))]
	if end := bytes.IndexByte(part, '\n') + 1; end > 0 {
		part = part[:end]
	}
	n := copy(p, part)
	r.rest = r.rest[n:]
	if bytes.HasSuffix(part, []byte("\n")) || len(r.rest) == 0 {
		r.count++
	}
	return n, nil
}

var (
	syntaxError   = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?((?s:.*))$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '((?s:.*))' referenced$`)

	// The library's line is the scanner's own, but one too low for what its parser (the stage after the scanner) says, and then
	// it is where the collection begins.
	parserMessages = []string{
		"did not find expected key", "did not find expected '-' indicator", "did not find expected ',' or ']'",
		"did not find expected ',' or '}'", "did not find expected node content", "did not find expected <document start>",
		"found undefined tag handle",
	}
	// In these the error may be far below the line where the block begins.
	blockMessages = parserMessages[:2]
)

// syntaxProblem says what the YAML library said, with the best line there is. read is the number of lines read until then.
// Nothing of the file is quoted: an unquoted key may well be what is not YAML.
func syntaxProblem(err error, data []byte, read int) Problem {
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	parts := syntaxError.FindStringSubmatch(err.Error())
	message := parts[2]
	line, _ := strconv.Atoi(parts[1]) // 0 where it is not said
	switch anchor := unknownAnchor.FindStringSubmatch(message); {
	case anchor != nil:
		line = min(read, len(lines))
		for line > 1 && !bytes.Contains(lines[line-1], []byte("*"+anchor[1])) {
			line-- // it reads on to the next token
		}
		message = "an alias (*…) has no anchor (&…) before it; quote a value that begins with *"
	case line == 0:
		line = read
	case slices.Contains(parserMessages, message):
		line++
		if slices.Contains(blockMessages, message) && read > line {
			message += fmt.Sprintf(" between here and line %d", read)
		}
	}
	line = min(max(line, 1), len(lines))
	if bytes.Contains(lines[line-1], []byte("${")) {
		message += " (inside [ ] and { } a ${…} has to be quoted)"
	}
	return Problem{Line: line, Message: "not valid YAML: " + message}
}
