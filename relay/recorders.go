package relay

import (
	"context"
	"time"

	"one-api/relay/record"
	"one-api/telemetry"
)

// recordTimeout is how long recorders that may wait have at shutdown for the ends that they have not been told of yet.
const recordTimeout = 5 * time.Second

// recordersOf is everybody who is told of ends.
func (s *Server) recordersOf(metrics *telemetry.Metrics) *record.Recorders {
	recorders := []record.Recorder{record.Telemetry{Metrics: metrics}, s.traffic}
	if s.options.Ledger != nil {
		recorders = append(recorders, s.options.Ledger)
	}
	recorders = append(recorders, s.options.Recorders...)
	return record.New(s.options.Log, append(recorders, &record.Log{
		To: s.options.Log, Why: func(model string, now time.Time) string { return s.directory.Load().Channels.Why(model, now) },
	})...)
}

func (s *Server) closeRecorders() {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	s.recorders.Close(ctx)
}
