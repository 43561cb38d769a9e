package relay

import (
	"context"
	"time"

	"one-api/relay/config"
	"one-api/relay/limit"
)

// budgetsTimeout is how long a start or a reload waits for the ledger to say what was spent before. It is asked again later if it does
// not answer.
const budgetsTimeout = 3 * time.Second

// beginBudgets has budgets begin with what the ledger knows to have been spent. Without one they begin at zero.
func (s *Server) beginBudgets(c *config.Config, limits *limit.Set) {
	if s.options.Ledger == nil || !limits.Money() {
		s.budgetsUnread.Store(false)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), budgetsTimeout)
	defer cancel()
	rows, err := s.options.Ledger.Spent(ctx)
	if err != nil {
		if !s.budgetsUnread.Swap(true) { // it is asked again every second
			s.options.Log.Warn("what was spent before is not known, and budgets count from zero until the ledger answers", "error", err.Error())
		}
		return
	}
	s.budgetsUnread.Store(false)
	all := make([]limit.Spent, len(rows))
	for i, r := range rows {
		all[i] = limit.Spent{Token: r.Token, Owner: r.Owner, Day: r.Day, Charge: r.Charge}
	}
	s.limits.Begin(c, all)
}

// budgets visits those that hold now.
func (s *Server) budgets(visit func(limit.Used)) { s.directory.Load().Limits.Budgets(visit) }

// readBudgets asks the ledger once more, if it has not answered.
func (s *Server) readBudgets() {
	if c := s.config.Load(); c != nil && s.budgetsUnread.Load() {
		all := *c
		all.Tokens = s.tokens(c)
		s.beginBudgets(&all, s.directory.Load().Limits)
	}
}
