package relay

import (
	"time"

	"one-api/telemetry"
)

// gauges reads what the gauges show.
func (s *Server) gauges() telemetry.State {
	now := time.Now()
	_, byMethod := s.controller.Handling()
	_, unexplained := s.goroutines()
	state := telemetry.State{
		ActiveRequests: byMethod, ExpectedGoroutines: s.expectedGoroutines(), UnexplainedGoroutines: int64(unexplained),
		ConfigLoaded: time.Unix(0, s.loaded.Load()),
	}
	for _, c := range s.pool.Set().All() {
		state.Channels = append(state.Channels, c.Gauges(now))
	}
	return state
}
