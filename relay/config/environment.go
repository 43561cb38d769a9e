package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	maxFileSize   = 4 << 20
	maxSecretSize = 64 << 10
)

// environment looks variables up, each one once, so that a secret file that changes meanwhile cannot give one configuration
// two values.
type environment struct {
	lookup   func(string) (string, bool)
	readFile func(string) ([]byte, error)
	known    map[string]setting
	file     map[string]setting // what env_file gives; nil: there is none
}

// setting is a variable's value. The zero value is a variable that is not set, or set to nothing.
type setting struct {
	text     string
	fromFile bool
	err      error // NAME_FILE is set and cannot be used. Free of the file's name, which may be a misplaced secret
}

func (s Source) environment() *environment {
	e := &environment{lookup: s.Env, readFile: s.reader(), known: map[string]setting{}}
	if e.lookup == nil {
		e.lookup = os.LookupEnv
	}
	return e
}

// Lookup reads variables that the settings do not know, such as OpenTelemetry's: a value, or the content of the file that NAME_FILE
// names. What cannot be read is "" and a warning, which warn gets once.
func (s Source) Lookup(warn func(string)) func(name string) string {
	e := s.environment()
	return func(name string) string {
		_, again := e.known[name]
		set := e.get(name)
		if set.err != nil && !again {
			warn(fmt.Sprintf("environment: %s_FILE: cannot read the file: %v", name, set.err))
		}
		return set.text
	}
}

func (s Source) reader() func(string) ([]byte, error) {
	if s.ReadFile != nil {
		return s.ReadFile
	}
	return readBounded
}

// Pasted is the source with a text in the place of its file: what would that be, as a configuration?
func (s Source) Pasted(content []byte) Source {
	if s.File == "" {
		s.File = DefaultFile
	}
	read, file := s.reader(), s.File
	s.ReadFile = func(path string) ([]byte, error) {
		if path == file {
			return content, nil
		}
		return read(path)
	}
	return s
}

// readBounded reads at most one byte more than any file may have, so that a wrong path (a log, a device) costs no memory.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing is lost with a file that was only read
	return io.ReadAll(io.LimitReader(file, maxFileSize+1))
}

func (e *environment) get(name string) setting {
	s, ok := e.known[name]
	if !ok {
		s = e.read(name)
		e.known[name] = s
	}
	return s
}

func (e *environment) read(name string) setting {
	if text, _ := e.lookup(name); text != "" {
		return setting{text: text}
	}
	path, _ := e.lookup(name + "_FILE")
	if path == "" {
		return e.file[name]
	}
	if message := blemish(path); message != "" {
		return setting{err: errors.New("its name " + message)}
	}
	data, err := e.readFile(path)
	switch {
	case err != nil:
		return setting{err: errors.New(reason(err))}
	case len(data) > maxSecretSize:
		return setting{err: fmt.Errorf("it is over %d KiB", maxSecretSize>>10)}
	}
	return setting{text: strings.TrimRight(string(data), "\r\n"), fromFile: true}
}

// reason is why a file cannot be read, without its name.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it does not exist"
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
