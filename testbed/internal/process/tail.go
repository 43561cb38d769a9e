package process

import (
	"bytes"
	"sync"
)

// longestTail is how many bytes of what a process says are kept, at least.
const longestTail = 4 << 10

// Tail keeps the end of what a process says, and counts the lines that should not be there.
type Tail struct {
	mu     sync.Mutex
	text   []byte
	panics int
}

// Write takes what the process says.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.panics += bytes.Count(p, []byte("panic"))
	t.text = append(t.text, p...)
	if n := len(t.text) - longestTail; n > longestTail { // not for every line
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(p), nil
}

// Panics is how often it spoke of a panic.
func (t *Tail) Panics() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.panics
}

// String is the end of what it said.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-longestTail):])
}
