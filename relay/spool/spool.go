// Package spool keeps request bodies that are too large for memory on disk, until their call has ended: they may have to be sent more than
// once. What is kept is counted and bounded. A file has no name from its beginning on, so that nothing of it is left behind, even if the
// process is killed; where an open file has to have a name, leftovers go at the next start.
package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/membudget"
)

// InMemory is up to how many bytes a body stays in memory, if there is room for it.
const InMemory = 1 << 20

// pattern is of the files' names.
const pattern = "one-api-body-*"

// ErrFull says that the bodies on disk are as many bytes as they may be together.
var ErrFull = errors.New("the relay's spool for large request bodies is used up (MAX_SPOOL_MB)")

// DiskError is a disk that does not take a body, or does not give it back.
type DiskError struct{ Err error }

func (e *DiskError) Error() string { return "the spool for large request bodies: " + e.Err.Error() }

func (e *DiskError) Unwrap() error { return e.Err }

// Spool is where the bodies of a process are kept. A nil Spool keeps all in memory.
type Spool struct {
	dir   string
	most  int64
	log   *slog.Logger
	bytes atomic.Int64
	files atomic.Int64
	warn  sync.Once
	told  atomic.Int64 // when the log was told of a disk that takes no more, Unix seconds
}

// New makes a spool for most bytes in a directory; empty: the system's for temporary files (TMPDIR). What a process that was killed has
// left there is removed.
func New(dir string, most int64, log *slog.Logger) *Spool {
	if dir == "" {
		dir = os.TempDir()
	}
	s := &Spool{dir: dir, most: most, log: log}
	left, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is good
	for _, name := range left {
		if os.Remove(name) == nil { // one that another process has open cannot be removed, where it has a name at all
			log.Info("a request body that an earlier process has left behind was removed", "file", name)
		}
	}
	return s
}

// Used is how many bytes are on disk, and in how many files. It takes no lock.
func (s *Spool) Used() (bytes, files int64) {
	if s == nil {
		return 0, 0
	}
	return s.bytes.Load(), s.files.Load()
}

// fails says in the log, once a minute, that the disk takes no more.
func (s *Spool) fails(err error) {
	now, last := time.Now().Unix(), s.told.Load()
	if now-last >= 60 && s.told.CompareAndSwap(last, now) {
		used, files := s.Used()
		s.log.Error("a large upload could not be kept on disk: make room there, or let TMPDIR name another directory", "directory", s.dir,
			"error", err.Error(), "spooled_bytes", used, "spooled_bodies", files)
	}
}

// take counts n more bytes.
func (s *Spool) take(n int64) error {
	if s.bytes.Add(n) > s.most {
		s.bytes.Add(-n)
		return ErrFull
	}
	return nil
}

// Body is one body. It is written by one goroutine, and read by any number of them once that is done.
type Body struct {
	of      *Spool
	held    *membudget.Lease // of memory
	memory  []byte
	size    int64
	counted int64 // on disk

	mu     sync.Mutex
	file   *os.File // nil: it is in memory
	name   string   // of the file; empty: it has none
	stays  bool     // in memory: there is no file to be had
	closed bool
}

// Begin makes an empty body. What it takes of memory is held by a lease. It is to be closed.
func (s *Spool) Begin(held *membudget.Lease) *Body { return &Body{of: s, held: held, stays: s == nil} }

// Size is how many bytes there are.
func (b *Body) Size() int64 { return b.size }

// Write adds to the body. An error is a *DiskError, ErrFull, or membudget's.
func (b *Body) Write(p []byte) (int, error) {
	if b.file == nil {
		err := b.grow(len(p))
		switch {
		case err == nil:
			b.memory = append(b.memory, p...)
			b.size += int64(len(p))
			return len(p), nil
		case b.stays:
			return 0, err
		}
		if err := b.move(); err != nil {
			return 0, err
		}
		if b.file == nil {
			return b.Write(p) // which stays in memory now
		}
	}
	return b.spool(p)
}

// grow makes room in memory for n more bytes.
func (b *Body) grow(n int) error {
	want := len(b.memory) + n
	if want <= cap(b.memory) {
		return nil
	}
	if want > InMemory && !b.stays {
		return membudget.ErrFull
	}
	next := max(want, 2*cap(b.memory))
	if !b.stays {
		next = min(next, InMemory)
	}
	if err := b.held.Hold(int64(cap(b.memory) + next)); err != nil {
		return err
	}
	grown := make([]byte, len(b.memory), next)
	copy(grown, b.memory)
	b.memory = grown
	return b.held.Hold(int64(next)) // less than before: it fits
}

// move takes the body to disk, or has it stay in memory if there is no file to be had.
func (b *Body) move() error {
	file, err := os.CreateTemp(b.of.dir, pattern)
	if err != nil {
		b.stays = true
		b.of.warn.Do(func() {
			b.of.log.Warn("the directory for temporary files cannot be written: large uploads stay in memory, as far as MAX_BUFFERED_MB goes. "+
				"Let TMPDIR name one that can be", "error", err.Error())
		})
		return nil //nolint:nilerr // it has been said, and memory does
	}
	b.mu.Lock()
	b.file = file
	if os.Remove(file.Name()) != nil {
		b.name = file.Name()
	}
	b.mu.Unlock()
	b.of.files.Add(1)
	memory := b.memory
	b.memory, b.size = nil, 0
	if len(memory) > 0 {
		if _, err := b.spool(memory); err != nil {
			return err
		}
	}
	return b.held.Hold(0)
}

// spool adds to the file.
func (b *Body) spool(p []byte) (int, error) {
	if err := b.of.take(int64(len(p))); err != nil {
		return 0, err
	}
	b.counted += int64(len(p))
	n, err := b.file.Write(p)
	b.size += int64(n)
	if err != nil {
		b.of.fails(err)
		return n, &DiskError{fmt.Errorf("after %d bytes: %w", b.size, err)}
	}
	return n, nil
}

// ReadAt reads what is there. Of a body that is closed nothing is.
func (b *Body) ReadAt(p []byte, at int64) (int, error) {
	b.mu.Lock()
	file, closed := b.file, b.closed
	b.mu.Unlock()
	switch {
	case closed:
		return 0, os.ErrClosed
	case file == nil:
		return readFrom(b.memory, p, at)
	}
	return file.ReadAt(p, at)
}

// Close gives everything back. Who is still reading gets an error. It may be called on nil, and again.
func (b *Body) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	if b.file != nil {
		_ = b.file.Close() // it is not to be kept
		if b.name != "" {
			_ = os.Remove(b.name)
		}
		b.of.files.Add(-1)
		b.of.bytes.Add(-b.counted)
	}
}
