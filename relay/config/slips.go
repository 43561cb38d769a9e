package config

import (
	"bytes"
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
	bareStar     = regexp.MustCompile(`(?:^|[:\[,\-])\s*\*(?:[^A-Za-z0-9_]|$)|(?:^|[:\[,\-])\s*\*[A-Za-z0-9_-]+\*`)
)

var knownWords = slices.Concat(topKeys, channelKeys, tokenKeys, timeoutKeys)

// slip is what is wrong with a line; "": nothing that is known.
func slip(line string) string {
	if comment := strings.Index(line, " #"); comment >= 0 {
		line = line[:comment]
	}
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	if word := missingBlank.FindStringSubmatch(line); word != nil && slices.Contains(knownWords, word[1]) {
		return "a blank is missing after the -: write `- " + word[1] + ": …`"
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
	if bareStar.Match(lines[min(p.Line, len(lines))-1]) && !strings.Contains(p.Message, "quote a value") {
		p.Message += ` (quote a value that begins with *: "*")`
		return
	}
	switch line, message := slipped(data); line {
	case 0:
	case p.Line:
		p.Message += " (" + message + ")"
	default:
		p.Message = "not valid YAML: " + message + " (the parser only stumbled later: " + strings.TrimPrefix(p.Message, "not valid YAML: ") + ")"
		p.Line = line
	}
}
