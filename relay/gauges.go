package relay

import (
	"runtime"
	"time"

	"one-api/relay/limit"
	"one-api/telemetry"
)

// Gauges reads what the gauges show.
func (s *Server) Gauges() telemetry.State {
	now := time.Now()
	_, byMethod := s.gates.Handling()
	clients, idle := s.ClientConnections()
	expected := s.ExpectedGoroutines()
	state := telemetry.State{
		ActiveRequests: byMethod, ExpectedGoroutines: expected, UnexplainedGoroutines: int64(unexplainedOf(runtime.NumGoroutine(), expected)),
		ClientsActive: max(0, clients-idle), ClientsIdle: idle, // read one after the other, while clients come and go
		ConfigLoaded: time.Unix(0, s.loaded.Load()),
	}
	if l := s.options.Ledger; l != nil {
		is := l.State()
		state.Ledger = &telemetry.LedgerGauges{
			Queue: is.Queue, Age: is.Age, Spilled: is.Spilled, Replayed: is.Replayed, Lost: is.Lost, Rows: is.Rows, Spent: is.Spent,
		}
	}
	state.Reserved = s.balanceReserved(now)
	state.SpooledBytes, state.SpooledFiles = s.spool.Used()
	sample := s.samples.Fresh(now)
	for _, c := range s.pool.Set().All() {
		gauges := c.Gauges(now)
		gauges.Goroutines = sampled(sample, c.Name)
		state.Channels = append(state.Channels, gauges)
	}
	s.budgets(func(u limit.Used) {
		name := u.Name
		if u.Scope == limit.OfAll {
			name = string(limit.OfAll)
		}
		used := float64(u.Spent) / float64(u.Most)
		state.Budgets = append(state.Budgets, telemetry.BudgetGauges{Scope: string(u.Scope), Name: name, Used: used})
	})
	return state
}
