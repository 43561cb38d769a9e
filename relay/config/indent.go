package config

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// column is where the lines of a block begin.
type column struct {
	at   int // blanks before it
	list bool
	line int // that opened it
}

var (
	blockKey    = regexp.MustCompile(`^([A-Za-z0-9_.-]+):(?:\s|$)`)
	blockScalar = regexp.MustCompile(`:\s*[|>][0-9+-]*\s*$`)
)

// outline follows the blocks of a YAML file by their indentation alone.
type outline struct {
	open   []column
	opens  bool // the line before ends with a colon: what belongs to it may be deeper
	within int  // brackets that are open
	skip   int  // lines deeper than this are text; -1: none are
}

// uneven finds the first line of a file that stands in no column that is open: one blank too many or too few is the commonest slip
// of all, of which the YAML library says nothing and whose line it does not know. 0: there is none.
func uneven(data []byte) (line int, message string) {
	o := outline{skip: -1}
	for i, raw := range bytes.Split(data, []byte("\n")) {
		if message := o.next(strings.TrimRight(string(raw), " \r"), i+1); message != "" {
			return i + 1, message
		}
	}
	return 0, ""
}

func (o *outline) next(text string, line int) (message string) {
	content := strings.TrimLeft(text, " ")
	if content == "" || strings.HasPrefix(content, "#") {
		return ""
	}
	at := len(text) - len(content)
	if o.skip >= 0 && at > o.skip {
		return ""
	}
	o.skip = -1
	if comment := strings.Index(content, " #"); comment >= 0 {
		content = strings.TrimRight(content[:comment], " ")
	}
	if o.within > 0 { // inside brackets columns mean nothing
		o.brackets(content)
		return ""
	}
	dash := content == "-" || strings.HasPrefix(content, "- ")
	if !dash && !blockKey.MatchString(content) {
		o.brackets(content)
		return "" // the rest of a text
	}
	if message = o.place(at, dash, content, line); message != "" {
		return message
	}
	for rest := content; rest == "-" || strings.HasPrefix(rest, "- "); {
		inner := strings.TrimLeft(rest[1:], " ")
		at += len(rest) - len(inner)
		rest = inner
		if list := strings.HasPrefix(rest, "- "); list || blockKey.MatchString(rest) {
			o.open = append(o.open, column{at: at, list: list, line: line})
		}
	}
	o.opens = strings.HasSuffix(content, ":") || content == "-"
	if blockScalar.MatchString(content) {
		o.skip = o.open[len(o.open)-1].at
	}
	o.brackets(content)
	return ""
}

// place puts a line into the block that it belongs to.
func (o *outline) place(at int, dash bool, content string, line int) (message string) {
	deepest := column{}
	if len(o.open) > 0 {
		deepest = o.open[len(o.open)-1]
	}
	closed := o.open
	for len(o.open) > 0 && o.open[len(o.open)-1].at > at {
		o.open = o.open[:len(o.open)-1]
	}
	// A list may stand in the column of the key that it belongs to.
	if last := len(o.open) - 1; !dash && last > 0 && o.open[last].at == at && o.open[last].list && o.open[last-1].at == at {
		o.open = o.open[:last]
	}
	if last := len(o.open) - 1; last >= 0 && o.open[last].at == at && o.open[last].list == dash {
		return ""
	}
	opensHere := len(o.open) == 0 && len(closed) == 0 || o.opens && len(o.open) == len(closed) && (at > deepest.at || dash && at == deepest.at)
	if opensHere {
		o.open = append(o.open, column{at: at, list: dash, line: line})
		return ""
	}
	return misplaced(nearest(closed, at, dash), at, dash, content)
}

// misplaced says what is wrong with a line that belongs beside another column than its own; empty if there is none.
func misplaced(beside *column, at int, dash bool, content string) string {
	if beside == nil {
		return ""
	}
	what := "this line"
	if dash {
		what = "this -"
	} else if key := blockKey.FindStringSubmatch(content)[1]; slices.Contains(knownWords, key) {
		what = "`" + key + ":`"
	}
	return fmt.Sprintf("%s is indented by %s and what it belongs beside (line %d) by %d: in YAML both need the same", what, blanks(at),
		beside.line, beside.at)
}

func blanks(n int) string {
	if n == 1 {
		return "1 blank"
	}
	return fmt.Sprintf("%d blanks", n)
}

// nearest is the column of that kind that a line has most likely missed.
func nearest(open []column, at int, list bool) (best *column) {
	distance := func(c *column) int { return max(c.at-at, at-c.at) }
	for i := range slices.Backward(open) {
		if c := &open[i]; c.list == list && (best == nil || distance(c) < distance(best)) {
			best = c
		}
	}
	return best
}

// brackets counts those that stay open behind a line, leaving out what is quoted.
func (o *outline) brackets(content string) {
	quote := byte(0)
	for i := range len(content) {
		switch c := content[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '{':
			o.within++
		case (c == ']' || c == '}') && o.within > 0:
			o.within--
		}
	}
}
