package harness

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

// leftOut is the tests that a plain go test leaves out for the time that they take.
var leftOut struct {
	mu    sync.Mutex
	names []string
}

// Long is called first by a test that takes seconds, of which there are many here: a plain go test has a newcomer's answer within two
// minutes. CI runs all.
func Long(t *testing.T) {
	t.Helper()
	if Thorough() > aFew {
		return
	}
	leftOut.mu.Lock()
	leftOut.names = append(leftOut.names, t.Name())
	leftOut.mu.Unlock()
	t.Skipf("takes long: %s=pairs go test runs it", drawnBy)
}

// nameLeftOut says which they were.
func nameLeftOut(w io.Writer) {
	leftOut.mu.Lock()
	defer leftOut.mu.Unlock()
	if len(leftOut.names) > 0 {
		slices.Sort(leftOut.names)
		_, _ = fmt.Fprintf(w, "left out for the time that they take (%s=pairs runs them): %s\n", drawnBy, strings.Join(leftOut.names, ", "))
	}
}
