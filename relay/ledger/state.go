package ledger

import (
	"sync/atomic"
	"time"
)

// State is how the ledger is.
type State struct {
	Queue    int64         // rows that are not in the database yet
	Age      time.Duration // of the oldest of them
	Spilled  int64         // rows that have been put into the spill, so far
	Replayed int64         // rows of the spill that the database has taken, so far
	Lost     int64         // rows that there was no place for, so far
	LostAgo  time.Duration // since the last of them, to some seconds
	Rows     int64         // by how much the rows and the daily sums differ: 0, or a bug
	Spent    int64         // and the daily sums and what tokens have spent
	Away     error         // why the database takes nothing; nil: it does
}

// State is how it is now.
func (l *Ledger) State() State {
	s := l.Figures()
	l.mu.Lock()
	s.Away = l.why
	l.mu.Unlock()
	return s
}

// Figures is State without Away. It takes no lock.
func (l *Ledger) Figures() State {
	s := State{
		Queue: l.waiting.Load(), Spilled: l.spilled.Load(), Replayed: l.replayed.Load(), Lost: l.lost.Load(),
		Rows: l.balance.rows.Load(), Spent: l.balance.spent.Load(),
	}
	if s.Lost > 0 {
		s.LostAgo = l.losses.ago(s.Lost, processAge())
	}
	if oldest := l.oldest.Load(); oldest != 0 {
		s.Age = max(0, time.Since(time.Unix(0, oldest)))
	}
	return s
}

// losses is when rows were lost last, as whoever looks now and then sees it: what loses them is busy enough.
type losses struct {
	seen atomic.Int64 // how many had been lost
	at   atomic.Int64 // when that was first seen, in nanoseconds since the process began
}

// look takes down that so many have been lost.
func (l *losses) look(lost int64, now time.Duration) {
	if l.seen.Load() != lost {
		l.at.Store(int64(now))
		l.seen.Store(lost)
	}
}

// ago is how long ago the last was lost of so many.
func (l *losses) ago(lost int64, now time.Duration) time.Duration {
	if l.seen.Load() != lost {
		return 0 // nobody has looked since
	}
	return max(0, now-time.Duration(l.at.Load()))
}

var processBegan = time.Now()

// processAge is a clock that nobody sets.
func processAge() time.Duration { return time.Since(processBegan) }
