package config

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What the YAML library makes of the commonest slips says nothing of them, or something far away: these find the slips in the text.
// Only words that a configuration knows are ever quoted, since anything else may be a key.

var (
	missingBlank = regexp.MustCompile(`^\s*-([a-z_0-9]+):(?:\s|$)`)
	missingSpace = regexp.MustCompile(`^\s*(?:- +)?([a-z_0-9]+):[^\s/:]`)
	leadingTab   = regexp.MustCompile(`^ *\t`)
	wideColon    = regexp.MustCompile(`^\s*(?:- +)?([a-z_0-9]+) *：`)
	wideBlank    = regexp.MustCompile(`^[ \t]*[\x{00a0}\x{2000}-\x{200b}\x{202f}\x{3000}\x{feff}]`)
	reserved     = regexp.MustCompile("(?:^|[:\\[,-])\\s*([@%`])")
	bareStar     = regexp.MustCompile(`(?:^|[:\[,\-])\s*\*(?:[^A-Za-z0-9_]|$)|(?:^|[:\[,\-])\s*\*[A-Za-z0-9_-]+\*`)
)

// knownWords is the keys of all objects.
var knownWords = func() (words []string) {
	for _, o := range objects {
		words = append(words, o.names()...)
	}
	return words
}()

// slip is what is wrong with a line; "": nothing that is known.
func slip(line string) string {
	if comment := strings.Index(line, " #"); comment >= 0 {
		line = line[:comment]
	}
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	if strings.HasPrefix(strings.TrimSpace(line), "//") || strings.HasPrefix(strings.TrimSpace(line), "/*") {
		return "a comment begins with #, and not with a slash"
	}
	if word := missingBlank.FindStringSubmatch(line); word != nil && slices.Contains(knownWords, word[1]) {
		return "a blank is missing after the -: write `- " + word[1] + ": …`"
	}
	if word := wideColon.FindStringSubmatch(line); word != nil && slices.Contains(knownWords, word[1]) {
		return "a full-width colon (：) stands behind `" + word[1] + "`: YAML wants the ordinary one"
	}
	if wideBlank.MatchString(line) {
		return "this line is indented with a blank that is none to YAML (a no-break or a full-width one, copied from a page): replace it by " +
			"ordinary ones"
	}
	if leadingTab.MatchString(line) {
		return "this line is indented with a tab: YAML wants blanks"
	}
	if word := missingSpace.FindStringSubmatch(line); word != nil && slices.Contains(knownWords, word[1]) {
		return "a blank is missing after `" + word[1] + ":`"
	}
	return ""
}

// slipped finds the first slip of a file that is not YAML, or not what it should be; 0: there is none.
func slipped(data []byte) (line int, message string) {
	for i, text := range bytes.Split(data, []byte("\n")) {
		if message := slip(strings.TrimSuffix(string(text), "\r")); message != "" {
			return i + 1, message
		}
	}
	return 0, ""
}

// slips adds a slip to what is wrong with a file that is YAML, but not what was meant.
func (l *loader) slips(data []byte) {
	if line, message := slipped(data); line > 0 {
		l.report(place{file: l.file, line: line}, "%s", message)
	}
}

// explain adds to a syntax error what has most likely led to it.
func explain(p *Problem, data []byte) {
	lines := bytes.Split(data, []byte("\n"))
	here := lines[min(p.Line, len(lines))-1]
	if bareStar.Match(here) && !strings.Contains(p.Message, "quote a value") {
		p.Message += ` (quote a value that begins with *: "*")`
		return
	}
	line, message := slipped(data)
	if line == 0 {
		line, message = p.Line, quoteSlip(p.Message, string(here))
	}
	if message == "" {
		line, message = uneven(data)
	}
	switch {
	case message == "":
	case line == p.Line:
		p.Message += " (" + message + ")"
	default:
		what := "the parser only stumbled later"
		if line > p.Line {
			what = "in the parser's words"
		}
		p.Message = "not valid YAML: " + message + " (" + what + ": " + strings.TrimPrefix(p.Message, "not valid YAML: ") + ")"
		p.Line = line
	}
}

// quoteSlip is what is wrong with the quotes of the line that a syntax error names; "": nothing.
func quoteSlip(problem, line string) string {
	if strings.Contains(problem, "cannot start any token") {
		if begin := reserved.FindStringSubmatch(line); begin != nil {
			return fmt.Sprintf("quote a value that begins with %s", begin[1])
		}
	}
	if quote := openQuote(line); quote != 0 {
		return fmt.Sprintf("a quote (%c) is opened in this line and not closed", quote)
	}
	return ""
}

// openQuote is the quote that is still open at the end of a line; 0: none. Only one that begins a value is a quote to YAML.
func openQuote(line string) (quote byte) {
	before := byte(' ')
	for i := range len(line) {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\'') && strings.IndexByte(" [{,", before) >= 0:
			quote = c
		case quote == 0 && c == '#' && before == ' ':
			return 0
		}
		if quote != '"' || c != '\\' || before != '\\' {
			before = c
		} else {
			before = ' ' // an escaped backslash
		}
	}
	return quote
}
