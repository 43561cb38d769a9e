package config

import (
	"os"
	"path/filepath"
	"strings"
)

// envFile reads the file that env_file names: lines NAME=value, for the variables that the environment does not have. It is data,
// and nothing in it is executed or expanded.
func (l *loader) envFile(c *Config, v value, source Source) {
	s, ok := l.scalar(v)
	if !ok {
		return
	}
	if s.text == "" {
		l.report(s.place, "%s", emptyMessage)
		return
	}
	path := s.text
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(l.file), path)
	}
	data, err := source.reader()(path)
	switch {
	case err != nil:
		l.report(s.place, "cannot read the file: %s", reason(err))
		return
	case len(data) > maxFileSize:
		l.report(s.place, "the file is over %d MiB", maxFileSize>>20)
		return
	}
	c.EnvFile = path
	if source.ReadFile == nil && readableByOthers(path) {
		l.warn(s.place, "others on this machine can read the file: chmod 600 it")
	}
	l.env.file = l.assignments(path, string(data))
}

// assignments reads the lines of a file. What is wrong with one is said without quoting it.
func (l *loader) assignments(path, text string) map[string]setting {
	values, first := map[string]setting{}, map[string]int{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := place{file: path, line: number}
		name, value, found := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		switch {
		case !found || !isVariableName(name):
			l.report(at, "must be NAME=value")
			continue
		case first[name] > 0:
			at.key = name
			l.report(at, "given twice, first in line %d", first[name])
			continue
		}
		first[name] = number
		if value = unquoted(strings.TrimSpace(value)); value != "" {
			values[name] = setting{text: value, fromFile: true}
		}
	}
	return values
}

// unquoted takes away the quotes around a value.
func unquoted(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

func readableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o004 != 0 && os.PathSeparator == '/'
}
