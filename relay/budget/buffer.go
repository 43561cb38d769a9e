package budget

import "sync"

// Buffer takes a body in. Where its length is announced, it is read to where it stays. Where it is not, what is beyond smallest
// is read to blocks that all buffers share, and copied once, when its length is known: growing would copy it again and again.
//
// The blocks never leave the buffer: what Room gives is for one read, and Body's is a copy.
type Buffer struct {
	lease           *Lease
	announced, most int64
	body            []byte
	blocks          []*block // filled after body, but for the last one
	last            int      // bytes in that one
}

// smallest is from how many bytes on a body of unknown length is read to blocks: most have fewer, and a block is large for
// one that is slow in coming.
const smallest = 16 << 10

type block [Free]byte

var blocks = sync.Pool{New: func() any { return new(block) }}

// recycled is told of a block that is given back, for tests.
var recycled = func(*block) {}

// Buffer begins one for a body whose length is announced as announced bytes; negative: it is not. It takes at most a little
// more than most bytes: who reads has to see that there are more. It is to be closed.
func (l *Lease) Buffer(announced, most int64) Buffer {
	return Buffer{lease: l, announced: announced, most: most, body: Start(announced)}
}

// Room is where the next bytes go; there is always some. It is good until the next call. The error is ErrFull.
func (b *Buffer) Room() ([]byte, error) {
	switch {
	case len(b.blocks) == 0 && len(b.body) < cap(b.body):
		return b.body[len(b.body):cap(b.body)], nil
	case b.announced < 0 && cap(b.body) >= smallest:
		if len(b.blocks) == 0 || b.last == len(block{}) {
			if err := b.lease.Hold(b.held() + int64(len(block{}))); err != nil {
				return nil, err
			}
			b.blocks, b.last = append(b.blocks, blocks.Get().(*block)), 0
		}
		return b.blocks[len(b.blocks)-1][b.last:], nil
	}
	grown, err := b.lease.Grow(b.body, b.announced, b.most)
	if err != nil {
		return nil, err
	}
	b.body = grown
	return b.body[len(b.body):cap(b.body)], nil
}

// Took says how many bytes were put into what Room gave.
func (b *Buffer) Took(n int) {
	if len(b.blocks) == 0 {
		b.body = b.body[:len(b.body)+n]
	} else {
		b.last += n
	}
}

// Len is how many bytes there are.
func (b *Buffer) Len() int {
	if len(b.blocks) == 0 {
		return len(b.body)
	}
	return len(b.body) + (len(b.blocks)-1)*len(block{}) + b.last
}

// held is what the buffer takes, in bytes.
func (b *Buffer) held() int64 { return int64(cap(b.body) + len(b.blocks)*len(block{})) }

// Body is what was read, in one piece, and the end of the buffer; the lease then holds the body. The error is ErrFull.
func (b *Buffer) Body() ([]byte, error) {
	defer b.Close()
	if len(b.blocks) == 0 {
		return b.body, nil
	}
	size := b.Len()
	if err := b.lease.Hold(b.held() + int64(size)); err != nil {
		return nil, err
	}
	body := append(make([]byte, 0, size), b.body...)
	for i, from := range b.blocks {
		n := len(from)
		if i == len(b.blocks)-1 {
			n = b.last
		}
		body = append(body, from[:n]...)
	}
	return body, b.lease.Hold(int64(size)) // less than before: it fits
}

// Close gives the blocks back. Again does nothing. The lease is released by who has it.
func (b *Buffer) Close() {
	for _, used := range b.blocks {
		recycled(used)
		blocks.Put(used)
	}
	b.blocks, b.body, b.last = nil, nil, 0
}
