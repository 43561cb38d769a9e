package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// environmentFile stands in Problem.File for the process environment.
const environmentFile = "environment"

// Problem is one thing that is wrong with a configuration. It never holds the value of a key or token.
type Problem struct {
	File    string // the file as it was named, or "environment"; "": there is none, and no lines
	Line    int    // from 1; 0: the file as a whole
	Key     string // such as channels[1].weight, or the variable's name; "": the file as a whole
	Message string
	Warning bool // by itself it is no reason to refuse the configuration
}

// warningPrefix tells a warning from an error, wherever the two stand in one list.
const warningPrefix = "warning: "

// String renders the problem as file:line: key: message, without the parts that it does not have.
func (p Problem) String() string {
	var b strings.Builder
	if p.Warning {
		b.WriteString(warningPrefix)
	}
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is the error of Load and LoadSettings: everything that is wrong, and what there is to be warned of beside it, sorted by line.
type Problems []Problem

// Error gives one problem a line, sorted by line.
func (ps Problems) Error() string {
	lines := make([]string, 0, len(ps))
	for _, p := range ps.sorted() {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// sorted has the environment first, and then each file by its lines.
func (ps Problems) sorted() Problems {
	inFile := func(p Problem) string {
		if p.File == environmentFile {
			return ""
		}
		return p.File
	}
	return slices.SortedStableFunc(slices.Values(ps), func(a, b Problem) int {
		return cmp.Or(cmp.Compare(inFile(a), inFile(b)), cmp.Compare(a.Line, b.Line))
	})
}

// Lines is an error of Load's line by line, with the warnings in it apart and without their prefix.
func Lines(err error) (problems, warnings []string) {
	for line := range strings.Lines(strings.TrimSpace(err.Error())) {
		if warning, is := strings.CutPrefix(strings.TrimSuffix(line, "\n"), warningPrefix); is {
			warnings = append(warnings, warning)
			continue
		}
		problems = append(problems, strings.TrimSuffix(line, "\n"))
	}
	return problems, warnings
}

// asError keeps an empty list from becoming an error that is not nil.
func (ps Problems) asError() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.sorted()
}

// place is where a value stands: enough to say what is wrong with it, and to point at it from elsewhere.
type place struct {
	file string
	line int
	key  string
}

func variable(name string) place { return place{file: environmentFile, key: name} }

func (p place) problem(format string, args ...any) Problem {
	return Problem{File: p.file, Line: p.line, Key: p.key, Message: fmt.Sprintf(format, args...)}
}

// String is how another problem points here.
func (p place) String() string {
	if p.line == 0 {
		return p.key
	}
	return fmt.Sprintf("%s (line %d)", p.key, p.line)
}
