package telemetry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// instanceFile keeps a process's name for the next one that starts with the same directory.
const instanceFile = "instance-id"

// mostInstances is how many processes may share a directory and each keep a name.
const mostInstances = 64

// errTaken means that another process has a file's name now.
var errTaken = errors.New("another process has it")

// keptInstance is the first name in a directory that no other process has, until release is called or the process ends. Two
// processes never have the same one: each file is locked by whom it names.
func keptInstance(directory string) (id string, release func() error, err error) {
	for n := 1; n <= mostInstances; n++ {
		name := instanceFile
		if n > 1 {
			name = fmt.Sprintf("%s-%d", instanceFile, n)
		}
		id, release, err = keptIn(filepath.Join(directory, name))
		if !errors.Is(err, errTaken) {
			return id, release, err
		}
	}
	return "", nil, err
}

func keptIn(file string) (id string, release func() error, err error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names the directory
	if err != nil {
		return "", nil, err
	}
	if err = lockFile(f); err == nil {
		id, err = idIn(f)
	}
	if err != nil {
		return "", nil, errors.Join(err, f.Close())
	}
	return id, f.Close, nil // which ends the lock
}

// idIn reads the file's name, and writes one if there is none: also over what is none.
func idIn(f *os.File) (string, error) {
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return "", err
	}
	if id, err := uuid.Parse(strings.TrimSpace(string(text))); err == nil {
		return id.String(), nil
	}
	id := uuid.NewString()
	if err := f.Truncate(0); err != nil {
		return "", err
	}
	if _, err := f.WriteAt([]byte(id+"\n"), 0); err != nil {
		return "", err
	}
	return id, f.Sync()
}
