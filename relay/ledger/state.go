package ledger

import "time"

// State is how the ledger is.
type State struct {
	Queue    int64         // rows that are not in the database yet
	Age      time.Duration // of the oldest of them
	Spilled  int64         // rows that have been put into the spill, so far
	Replayed int64         // rows of the spill that the database has taken, so far
	Lost     int64         // rows that there was no place for, so far
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
	if oldest := l.oldest.Load(); oldest != 0 {
		s.Age = max(0, time.Since(time.Unix(0, oldest)))
	}
	return s
}
