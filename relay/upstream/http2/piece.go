package http2

import "sync"

// piece is a part of an answer that has come and not been read.
type piece struct {
	next        *piece
	read, wrote int
	b           [4<<10 - 32]byte
}

var pieces = sync.Pool{New: func() any { return new(piece) }}

// recycled is told of a piece that is given back, for tests.
var recycled = func(*piece) {}

func (p *piece) giveBack() {
	recycled(p)
	p.next, p.read, p.wrote = nil, 0, 0
	pieces.Put(p)
}

// backlog is what has come of an answer and not been read. While there is nothing, it holds nothing.
type backlog struct{ first, last *piece }

func (l *backlog) empty() bool { return l.first == nil }

func (l *backlog) add(data []byte) {
	for len(data) > 0 {
		if l.last == nil || l.last.wrote == len(l.last.b) {
			p := pieces.Get().(*piece)
			if l.last == nil {
				l.first = p
			} else {
				l.last.next = p
			}
			l.last = p
		}
		n := copy(l.last.b[l.last.wrote:], data)
		l.last.wrote += n
		data = data[n:]
	}
}

func (l *backlog) take(b []byte) (n int) {
	for n < len(b) && l.first != nil {
		p := l.first
		took := copy(b[n:], p.b[p.read:p.wrote])
		n += took
		if p.read += took; p.read < p.wrote {
			break
		}
		l.drop()
	}
	return n
}

// drop gives the first piece back.
func (l *backlog) drop() {
	p := l.first
	if l.first = p.next; l.first == nil {
		l.last = nil
	}
	p.giveBack()
}

func (l *backlog) clear() {
	for l.first != nil {
		l.drop()
	}
}
