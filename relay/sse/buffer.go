package sse

import (
	"math/bits"
	"sync"
)

const (
	smallBuffer  = 1 << 10  // bytes of a buffer in which ordinary events arrive one by one; all that a waiting stream holds
	burstBuffer  = 4 << 10  // bytes of a buffer in which they arrive together
	floodBuffer  = 16 << 10 // bytes of a buffer in which they arrive faster than they are read
	pooledBuffer = 64 << 10 // bytes of the biggest buffer that is kept for other streams
)

// buffer is what the pools hold: a pointer, so that giving it back does not allocate.
type buffer struct{ bytes []byte }

// buffers has a pool for each power of two from smallBuffer to pooledBuffer. With one pool for all, a stream that asks for a
// small buffer would get one that another stream grew, and hold it while it waits.
var buffers [7]sync.Pool

// getBuffer returns a buffer of at least size bytes: the next pooled size, or exactly size if that is more than is pooled.
func getBuffer(size int) *buffer {
	if size > pooledBuffer {
		return &buffer{make([]byte, size)}
	}
	class := bits.Len(uint(max(size, smallBuffer)-1) / smallBuffer)
	if b, ok := buffers[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, smallBuffer<<class)}
}

// recycled is told of a buffer that is given back, for tests.
var recycled = func(*buffer) {}

// putBuffer takes back what getBuffer returned, or nil.
func putBuffer(b *buffer) {
	if b != nil && len(b.bytes) <= pooledBuffer {
		recycled(b)
		buffers[bits.Len(uint(len(b.bytes)-1)/smallBuffer)].Put(b)
	}
}
