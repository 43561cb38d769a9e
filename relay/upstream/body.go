package upstream

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// replayable is the body of one upstream request, for as long as it may have to be sent: net/http keeps a request until its
// connection has read the whole answer, and a prompt can be large and a stream long.
type replayable struct {
	mu     sync.Mutex
	b      []byte
	source Source // instead of b; nil if it is b, or nothing any more
}

func (p *replayable) bytes() ([]byte, Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b, p.source
}

// release lets go of the bytes. Readers that were handed out keep theirs until they are closed.
func (p *replayable) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.b, p.source = nil, nil
}

// open makes a reader of the body, for net/http to read and close.
func (p *replayable) open() (io.ReadCloser, error) {
	b, source := p.bytes()
	if source != nil {
		return source.Open(), nil
	}
	if b == nil {
		return nil, errors.New("the request has been answered")
	}
	return &replayReader{r: bytes.NewReader(b)}, nil
}

// replayReader is closed by another goroutine than the one that reads it, if a call ends early.
type replayReader struct {
	mu sync.Mutex
	r  *bytes.Reader // nil means closed
}

func (p *replayReader) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.r == nil {
		return 0, errors.New("the request's body is closed")
	}
	return p.r.Read(b)
}

// Close lets go of the bytes.
func (p *replayReader) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.r = nil
	return nil
}
