package relay

import (
	"context"
	"sync/atomic"
	"time"

	"one-api/relay/config"
	"one-api/relay/ledger"
	"one-api/relay/limit"
)

// How long a start or a reload waits for the ledger to say what was spent before, and for what ended just now, or waits in the spill, to be
// a part of that. It is asked again later if that is not enough.
const (
	budgetsTimeout = 3 * time.Second
	booksTimeout   = 500 * time.Millisecond
	// reservedEvery is how old what health says of reservations may be. Comparing them takes the lock that calls reserve under.
	reservedEvery = 10 * time.Second
)

// reservedBalance is what the last comparison of reservations with open calls came to: by how much they differ, and when it was made, in
// Unix nanoseconds.
type reservedBalance struct{ differs, at atomic.Int64 }

// balanceReserved makes that comparison.
func (s *Server) balanceReserved(now time.Time) (differs int64) {
	differs = s.limits.Balance(s.inFlight.IDs)
	s.reserved.differs.Store(differs)
	s.reserved.at.Store(now.UnixNano())
	return differs
}

// compareReserved makes it if nobody has of late.
func (s *Server) compareReserved(now time.Time) {
	if now.UnixNano()-s.reserved.at.Load() >= int64(reservedEvery) {
		s.balanceReserved(now)
	}
}

// beginBudgets has budgets begin with what the ledger knows to have been spent. Without one they begin at zero.
func (s *Server) beginBudgets(c *config.Config, limits *limit.Set) {
	if s.options.Ledger == nil || !limits.Money() {
		s.budgetsUnread.Store(false)
		return
	}
	behind := s.writeBooks()
	ctx, cancel := context.WithTimeout(context.Background(), budgetsTimeout)
	defer cancel()
	rows, err := s.options.Ledger.Spent(ctx)
	if err != nil {
		if !s.budgetsUnread.Swap(true) { // it is asked again every second
			s.options.Log.Warn("what was spent before is not known, and budgets count from zero until the ledger answers", "error", err.Error())
		}
		return
	}
	s.budgetsUnread.Store(behind)
	all := make([]limit.Spent, len(rows))
	for i, r := range rows {
		all[i] = limit.Spent{Token: r.Token, Owner: r.Owner, Day: r.Day, Charge: r.Charge}
	}
	s.limits.Begin(c, all)
}

// writeBooks has the ledger write what has ended. behind: not all of it is written yet, so that budgets have to be read once more.
func (s *Server) writeBooks() (behind bool) {
	ctx, cancel := context.WithTimeout(context.Background(), booksTimeout)
	defer cancel()
	return s.options.Ledger.Flush(ctx) != nil
}

// budgets visits those that hold now.
func (s *Server) budgets(visit func(limit.Used)) { s.directory.Load().Limits.Budgets(visit) }

// readBudgets asks the ledger once more, if it has not answered, or not with all that was spent. It has not either if calls were open
// when the limits changed: nothing settles with a new budget what they took. They are asked for once, when all of them have ended.
func (s *Server) readBudgets() {
	since := s.budgetsSince.Load()
	oldest := s.inFlight.Oldest()
	ended := since != 0 && (oldest == "" || oldest >= ledger.IDAt(time.Unix(0, since).Add(time.Millisecond)))
	if ended {
		s.budgetsSince.CompareAndSwap(since, 0)
	}
	if c := s.config.Load(); c != nil && (ended || s.budgetsUnread.Load()) {
		all := *c
		all.Tokens = s.tokens(c)
		s.beginBudgets(&all, s.directory.Load().Limits)
	}
}
