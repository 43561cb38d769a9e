package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/store"
)

// largestSegment is how large a file of the spill grows before there is another one.
const largestSegment = 8 << 20

// spill is files of rows that wait for the database, one JSON object a line, which are only appended to, and removed when the database has
// all
// of them. Each belongs to the process that has locked it; those of processes that have ended are adopted. Their names say for which
// database they are.
type spill struct {
	log  *slog.Logger
	dirs []string // the best place first
	name string   // how their names begin
	torn atomic.Int64

	mu      sync.Mutex
	current *segment
	mine    map[string]bool // paths of the segments that this process has
	made    int
	at      string // where the last one was made
	buffer  bytes.Buffer
}

// segment is one file.
type segment struct {
	path       string
	file       *os.File
	size       int64
	rows, done int
}

// place is where the rows of a chunk are.
type place struct {
	segment   *segment
	off, size int64
	rows      int
	born      time.Time
}

func newSpill(log *slog.Logger, dirs []string, target store.Target) *spill {
	id := target.String()
	if target.Kind == store.SQLite {
		if path, err := filepath.Abs(target.Path); err == nil {
			id = path
		}
	}
	sum := sha256.Sum256([]byte(id))
	s := &spill{log: log, name: "one-api-ledger-" + hex.EncodeToString(sum[:4]) + "-", mine: map[string]bool{}}
	for _, dir := range dirs {
		if dir == "" {
			dir = ownTemporary()
		}
		s.dirs = append(s.dirs, dir)
	}
	s.at = s.dirs[0]
	return s
}

// ownTemporary is a directory for temporary files in which nobody else can put any.
func ownTemporary() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("one-api-ledger-%d", os.Getuid()))
}

// where is where rows wait.
func (s *spill) where() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return filepath.Join(s.at, s.name+"*.spill")
}

// put appends rows. An error means that they are not there.
func (s *spill) put(rows []Row) (place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffer.Reset()
	encoder := json.NewEncoder(&s.buffer)
	encoder.SetEscapeHTML(false)
	for i := range rows {
		if err := encoder.Encode(&rows[i]); err != nil {
			return place{}, err
		}
	}
	if g := s.current; g != nil && g.size < largestSegment {
		if p, err := g.append(s.buffer.Bytes(), len(rows)); err == nil {
			return p, nil
		}
	}
	var failed error
	for _, dir := range s.dirs {
		g, err := s.open(dir)
		if err == nil {
			s.current, s.at = g, dir
			var p place
			if p, err = g.append(s.buffer.Bytes(), len(rows)); err == nil {
				return p, nil
			}
			s.remove(g)
		}
		failed = errors.Join(failed, err)
	}
	return place{}, failed
}

// append writes whole rows or none.
func (g *segment) append(lines []byte, rows int) (place, error) {
	n, err := g.file.WriteAt(lines, g.size)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, g.file.Truncate(g.size))
		}
		return place{}, err
	}
	p := place{segment: g, off: g.size, size: int64(n), rows: rows}
	g.size += int64(n)
	g.rows += rows
	return p, nil
}

// open makes a segment.
func (s *spill) open(dir string) (*segment, error) {
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	s.made++
	path := filepath.Join(dir, fmt.Sprintf("%s%d-%d-%d.spill", s.name, time.Now().UnixMilli(), os.Getpid(), s.made))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator names the directory
	if err != nil {
		return nil, err
	}
	if !lock(file) {
		err := errors.Join(errors.New("its new file is locked"), file.Close(), os.Remove(path))
		return nil, err
	}
	s.mine[path] = true
	return &segment{path: path, file: file}, nil
}

// prepareDir makes the directory for temporary files; another one has to be there.
func prepareDir(dir string) error {
	if dir != ownTemporary() {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if !ownedPrivately(dir) {
		return errors.New(dir + " is somebody else's")
	}
	return nil
}

// remove removes a segment.
func (s *spill) remove(g *segment) {
	if s.current == g {
		s.current = nil
	}
	delete(s.mine, g.path)
	if err := errors.Join(os.Remove(g.path), g.file.Close()); err != nil {
		s.log.Warn("a file of the ledger's spill could not be removed: what is in it will be tried again, and changes nothing", "error",
			err.Error())
	}
}

// read reads rows back. Lines that are no rows are passed over: found has counted them.
func (s *spill) read(p place) ([]Row, error) {
	text := make([]byte, p.size)
	if _, err := p.segment.file.ReadAt(text, p.off); err != nil {
		return nil, err
	}
	rows, _ := parse(text)
	return rows, nil
}

// parse reads rows. bad is how many lines are none, such as the last one of a process that was killed while it wrote it.
func parse(text []byte) (rows []Row, bad int) {
	for line := range bytes.Lines(text) {
		var r Row
		if line[len(line)-1] != '\n' || json.Unmarshal(line, &r) != nil || r.ID == "" || r.Day == 0 {
			bad++
			continue
		}
		rows = append(rows, r)
	}
	return rows, bad
}

// done is told that the database has the rows of a place.
func (s *spill) done(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := p.segment
	if g.done += p.rows; g.done == g.rows {
		s.remove(g)
	}
}

// found is what processes have left that have ended, the oldest first.
func (s *spill) found() (places []place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, dir := range s.dirs {
		if dir == ownTemporary() && !ownedPrivately(dir) {
			continue
		}
		paths, _ := filepath.Glob(filepath.Join(escaped(dir), s.name+"*.spill")) // the pattern is a good one
		for _, path := range paths {
			if p, ok := s.adopt(path); ok {
				places = append(places, p)
			}
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.segment.path, b.segment.path) })
	return places
}

// escaped is a directory in a pattern.
func escaped(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func (s *spill) adopt(path string) (place, bool) {
	if s.mine[path] {
		return place{}, false
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // it is in the operator's directory, or our own
	if err != nil {
		s.log.Warn("a file of the ledger's spill cannot be read", "error", err.Error())
		return place{}, false
	}
	if !lock(file) { // its process is there
		_ = file.Close() // nothing was written
		return place{}, false
	}
	if _, err := os.Stat(path); err != nil { // its process has just ended, and removed it
		_ = file.Close() // nothing was written
		return place{}, false
	}
	text, err := os.ReadFile(path) //nolint:gosec // as above
	info, failed := file.Stat()
	if err != nil || failed != nil {
		_ = file.Close() // nothing was written
		s.log.Warn("a file of the ledger's spill cannot be read", "error", errors.Join(err, failed).Error())
		return place{}, false
	}
	rows, bad := parse(text)
	if bad > 0 {
		s.torn.Add(int64(bad))
		s.log.Error("a file of the ledger's spill has lines that are no rows: the process that wrote it was stopped in the middle of one",
			"file", path, "lines", bad)
	}
	s.mine[path] = true
	g := &segment{path: path, file: file, size: int64(len(text)), rows: len(rows)}
	if len(rows) == 0 {
		s.remove(g)
		return place{}, false
	}
	return place{segment: g, size: g.size, rows: len(rows), born: info.ModTime()}, true
}

// close closes the files that are left, which another process may adopt then.
func (s *spill) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		_ = s.current.file.Close() // all of it was written
	}
	s.current = nil
}
