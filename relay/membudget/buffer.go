package membudget

import "sync"

// Buffer takes a body in. If its length is announced, it is read to where it stays. If it is not, it is read to blocks
// that all buffers share, and copied once, when its length is known: growing would copy it again and again.
//
// The blocks never leave the buffer: Room lends them for one read, and Body returns a copy.
type Buffer struct {
	lease           *Lease
	announced, most int64
	body            []byte   // unused if announced is negative
	blocks          []*block // full, except for the last one
	full            int      // bytes in all but that one
	last            int      // bytes in that one
}

// blockSizes are the sizes of a buffer's first blocks; all further blocks have the last of them. Most bodies are small, and one that
// arrives slowly should not hold much more than what has arrived.
var blockSizes = [...]int{4 << 10, 16 << 10, 64 << 10}

type block struct {
	bytes []byte
	size  int // which of blockSizes
}

var blocks [len(blockSizes)]sync.Pool // of *block

// recycled is told of a block that is given back, for tests.
var recycled = func(*block) {}

func newBlock(size int) *block {
	if used, ok := blocks[size].Get().(*block); ok {
		return used
	}
	return &block{make([]byte, blockSizes[size]), size}
}

// Buffer begins a buffer for a body whose announced length is announced bytes; negative if none was announced. It takes at most a little
// more than most bytes, so that the reader notices that there are more. The caller must close it.
//
// Lengths come from strangers, up to the largest that a header can say, so no sum is made of one that is over the bound.
func (l *Lease) Buffer(announced, most int64) Buffer {
	most = min(most, largest)
	announced = min(announced, most)
	b := Buffer{lease: l, announced: announced, most: most}
	if announced >= 0 {
		b.body = start(announced)
	}
	return b
}

// Room returns the space for the next bytes, which is never empty. It is valid until the next call. The error is ErrFull.
func (b *Buffer) Room() ([]byte, error) {
	if b.announced < 0 {
		return b.roomInBlocks()
	}
	if len(b.body) == cap(b.body) {
		grown, err := b.lease.grow(b.body, b.announced, b.most)
		if err != nil {
			return nil, err
		}
		b.body = grown
	}
	return b.body[len(b.body):cap(b.body)], nil
}

func (b *Buffer) roomInBlocks() ([]byte, error) {
	n := len(b.blocks)
	if n == 0 || b.last == len(b.blocks[n-1].bytes) {
		size := min(n, len(blockSizes)-1)
		if err := b.lease.Hold(int64(b.Len() + blockSizes[size])); err != nil {
			return nil, err
		}
		if n == 0 {
			b.blocks = make([]*block, 0, len(blockSizes))
		}
		b.blocks = append(b.blocks, newBlock(size))
		b.full, b.last = b.full+b.last, 0
	}
	return b.blocks[len(b.blocks)-1].bytes[b.last:], nil
}

// Took notes how many bytes were put into Room's space.
func (b *Buffer) Took(n int) {
	if b.announced < 0 {
		b.last += n
	} else {
		b.body = b.body[:len(b.body)+n]
	}
}

// Len is how many bytes there are.
func (b *Buffer) Len() int { return len(b.body) + b.full + b.last }

// Body returns what was read, in one piece, and ends the buffer; the lease then holds the body. The error is ErrFull.
func (b *Buffer) Body() ([]byte, error) {
	defer b.Close()
	if b.announced >= 0 {
		return b.body, nil
	}
	size := b.Len()
	blocks := int64(b.full)
	if n := len(b.blocks); n > 0 {
		blocks += int64(len(b.blocks[n-1].bytes))
	}
	if err := b.lease.Hold(blocks + int64(size)); err != nil {
		return nil, err
	}
	body := make([]byte, 0, size)
	for _, from := range b.blocks {
		body = append(body, from.bytes[:min(len(from.bytes), size-len(body))]...)
	}
	return body, b.lease.Hold(int64(size)) // less than before: it fits
}

// Close gives the blocks back. Closing again does nothing. Releasing the lease is left to its holder.
func (b *Buffer) Close() {
	for _, used := range b.blocks {
		recycled(used)
		blocks[used.size].Put(used)
	}
	*b = Buffer{lease: b.lease, announced: b.announced, most: b.most}
}
