package relay

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
)

// watch notices changes of files.
type watch struct {
	loaded, last map[string]fileStamp
	told         map[string]bool // of a file that it is stale
}

// newWatch begins with files that have just been loaded; absent: the first one was not there.
func newWatch(files []string, absent bool) *watch {
	w := &watch{loaded: map[string]fileStamp{}, told: map[string]bool{}}
	for i, file := range files {
		w.loaded[file] = fileStamp{}
		if !absent || i > 0 {
			w.loaded[file] = stamp(file)
		}
	}
	w.last = w.loaded
	return w
}

// changed looks once, and reports whether the files have changed since they were loaded and stand still now. A file that was not
// looked at before has just been loaded.
func (w *watch) changed(files []string) bool {
	now, known := make(map[string]fileStamp, len(files)), make(map[string]fileStamp, len(files))
	differs, still := false, true
	for _, file := range files {
		now[file] = stamp(file)
		before, seen := w.loaded[file]
		if !seen {
			before = now[file]
		}
		known[file] = before
		differs = differs || !before.same(now[file])
		last, seen := w.last[file]
		still = still && (!seen || last.same(now[file]))
	}
	w.last, w.loaded = now, known
	if differs && still {
		w.loaded = now
		return true
	}
	return false
}

// stale names a file that has been replaced where it was mounted from, once; empty: there is none.
func (w *watch) stale() string {
	for file, stamp := range w.last {
		if stamp.info != nil && unlinked(stamp.info) && !w.told[file] {
			w.told[file] = true
			return file
		}
	}
	return ""
}

// fileStamp tells two states of a file apart: by what it is and by what is in it. An editor that saves by renaming makes another
// file; a tool that keeps the size and sets the time back makes another content.
type fileStamp struct {
	info fs.FileInfo // nil: there is none that can be read
	sum  [sha256.Size]byte
}

func (a fileStamp) same(b fileStamp) bool {
	if a.info == nil || b.info == nil {
		return a.info == nil && b.info == nil
	}
	return os.SameFile(a.info, b.info) && a.info.ModTime().Equal(b.info.ModTime()) && a.info.Size() == b.info.Size() && a.sum == b.sum
}

// maxWatched is how much of a file is looked at: more than a configuration may have.
const maxWatched = 8 << 20

func stamp(path string) (s fileStamp) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return s
	}
	defer func() { _ = file.Close() }() // nothing is lost with a file that was only read
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return s
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(file, maxWatched)); err != nil {
		return s
	}
	s.info = info
	sum.Sum(s.sum[:0])
	return s
}
