package operator

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/channel"
	"one-api/relay/gate"
	"one-api/telemetry"
)

// Status serves GET /api/status, which Docker health checks of one-api's users ask.
func (o *Operator) Status(g *gin.Context) {
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": gin.H{
		"version": o.Version, "start_time": o.Started.Unix(), "system_name": "One API",
	}})
}

// health is the answer of GET /api/monitor/health. Its first four keys are a contract with scripts and monitors that exist.
type health struct {
	Status                string           `json:"status"`
	Goroutines            int              `json:"goroutines"`
	Memory                telemetry.Memory `json:"memory"`
	Level                 telemetry.Level  `json:"level"`
	InFlight              int64            `json:"in_flight"`
	OpenBodies            int64            `json:"open_bodies"`
	BufferedMB            int64            `json:"buffered_mb"` // what large bodies hold, of MAX_BUFFERED_MB
	SpooledMB             int64            `json:"spooled_mb"`  // what large uploads hold on disk, of MAX_SPOOL_MB
	SpooledBodies         int64            `json:"spooled_bodies"`
	UnexplainedGoroutines int              `json:"unexplained_goroutines"`
	Channels              channel.Counts   `json:"channels"`
	Busiest               *busiest         `json:"busiest,omitempty"` // absent while nothing is in flight
	Silent                *silent          `json:"silent,omitempty"`  // absent: nothing hangs
	ClientConnections     connections      `json:"client_connections"`
	Ledger                *ledgerHealth    `json:"ledger,omitempty"` // absent: nothing is remembered
	UptimeSeconds         int64            `json:"uptime_seconds"`
	Version               string           `json:"version"`
}

// ledgerHealth is whether what is spent is written down. It is well if nothing waits for long, nothing was lost of late, and the books
// agree: rows with sums, sums with what is spent, and what is reserved with the calls that are open.
type ledgerHealth struct {
	Queue      int64  `json:"queue"`                      // rows that the database has not taken yet
	AgeSeconds int64  `json:"age_seconds"`                // of the oldest of them
	Spilled    int64  `json:"spilled"`                    // rows that were put into the file beside it since the start, and
	Replayed   int64  `json:"replayed"`                   // those of them that it has taken since
	Lost       int64  `json:"lost"`                       // rows that there was no place for since the start, and
	LostAgo    *int64 `json:"lost_seconds_ago,omitempty"` // how long ago the last one was; absent if there was none
	Balance    int64  `json:"balance"`                    // by how much the books differ: 0, or a bug
}

func (o *Operator) ledgerHealth() *ledgerHealth {
	if o.Ledger == nil {
		return nil
	}
	s := o.Ledger.Figures()
	var ago *int64
	if s.Lost > 0 {
		seconds := int64(s.LostAgo.Seconds())
		ago = &seconds
	}
	return &ledgerHealth{
		LostAgo: ago, Queue: s.Queue, AgeSeconds: int64(s.Age.Seconds()), Spilled: s.Spilled, Replayed: s.Replayed, Lost: s.Lost,
		Balance: max(s.Rows, -s.Rows, s.Spent, -s.Spent, o.Reserved()),
	}
}

// busiest is the channel with the most calls in flight.
type busiest struct {
	Channel       string `json:"channel"`
	InFlight      int64  `json:"in_flight"`
	OldestSeconds int64  `json:"oldest_seconds"`
}

// connections is how many client connections there are, and how many of them have no request that is being served: clients that
// keep one for later, and strangers who open many. Each costs a goroutine, so whoever reads the number of goroutines needs it.
type connections struct {
	Open int64 `json:"open"`
	Idle int64 `json:"idle"`
}

// busiest reads atomics, and for the one channel the age of its oldest call. nil: nothing is in flight.
func (o *Operator) busiest(now time.Time) *busiest {
	var most *channel.Channel
	var inFlight int64
	for _, ch := range o.Pool.Set().All() {
		if n := ch.InFlight(); n > inFlight {
			most, inFlight = ch, n
		}
	}
	if most == nil {
		return nil
	}
	return &busiest{Channel: most.Name, InFlight: inFlight, OldestSeconds: int64(most.Oldest(now).Seconds())}
}

// Health serves GET /api/monitor/health. It reads atomics and runtime/metrics: no lock that a call can hold, nothing outside
// the process.
func (o *Operator) Health(g *gin.Context) {
	now := time.Now()
	all, unexplained := o.Goroutines()
	spooled, bodies := o.Spool.Used()
	h := health{
		SpooledMB: (spooled + 1<<20 - 1) >> 20, SpooledBodies: bodies,
		Status: "ok", Goroutines: all, Memory: telemetry.ReadMemory(), Level: telemetry.LevelOf(all),
		InFlight: o.Pool.InFlight(), OpenBodies: o.Pool.OpenBodies(), BufferedMB: (o.Budget.Used() + 1<<20 - 1) >> 20,
		UnexplainedGoroutines: unexplained,
		Channels:              o.Pool.Set().Counts(now), Busiest: o.busiest(now), Silent: o.silent(),
		UptimeSeconds: int64(now.Sub(o.Started).Seconds()), Version: o.Version, Ledger: o.ledgerHealth(),
	}
	if o.Connections != nil {
		h.ClientConnections.Open, h.ClientConnections.Idle = o.Connections()
	}
	status := http.StatusOK
	if o.Draining() {
		status, h.Status = http.StatusServiceUnavailable, "draining"
	}
	g.JSON(status, h)
	_, _ = g.Writer.WriteString("\n") // for those who append it to a file with curl; a client that has left misses nothing
}

// Channels serves GET /api/monitor/channels: one object a channel.
func (o *Operator) Channels(g *gin.Context) {
	now := time.Now()
	all := o.Pool.Set().All()
	snapshots := make([]channel.Snapshot, len(all))
	for i, ch := range all {
		snapshots[i] = ch.Snapshot(now)
	}
	g.JSON(http.StatusOK, snapshots)
}

// Channel serves GET /api/monitor/channels/:name.
func (o *Operator) Channel(g *gin.Context) {
	if ch := o.namedChannel(g); ch != nil {
		g.JSON(http.StatusOK, ch.Snapshot(time.Now()))
	}
}

// namedChannel is the channel that the path names; nil: there is none, and the client has been told.
func (o *Operator) namedChannel(g *gin.Context) *channel.Channel {
	ch := o.Pool.Set().Get(g.Param("name"))
	if ch == nil {
		refuseOperator(g, http.StatusNotFound, "There is no channel of that name. GET /api/monitor/channels lists them.")
	}
	return ch
}

// refuseOperator answers under /api in the shape that one-api's clients know.
func refuseOperator(g *gin.Context, status int, message string) {
	g.AbortWithStatusJSON(status, gin.H{"success": false, "message": message + " (request id: " + gate.RequestID(g.Writer.Header()) + ")"})
}
