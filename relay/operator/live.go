package operator

import (
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/live"
	"one-api/relay/outcome"
	"one-api/telemetry"
)

// pageWrite is how long a page may take to read an event.
const pageWrite = 10 * time.Second

// links is where else an operator looks.
func (o *Operator) links() map[string]string {
	links := map[string]string{}
	for name, url := range map[string]string{"grafana": o.Settings.GrafanaURL, "kuma": o.Settings.KumaURL} {
		if url != "" {
			links[name] = url
		}
	}
	return links
}

// Events serves GET /api/monitor/events: the relay as it is, once a second, as server-sent events.
func (o *Operator) Events(g *gin.Context) {
	header := g.Writer.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	connection := http.NewResponseController(g.Writer)
	err := o.Hub.Follow(g.Request.Context(), func(event []byte) error {
		_ = connection.SetWriteDeadline(time.Now().Add(pageWrite)) // every connection of net/http's can
		if _, err := g.Writer.Write(event); err != nil {
			return err
		}
		return connection.Flush()
	})
	if errors.Is(err, live.ErrFull) || errors.Is(err, live.ErrClosed) && !g.Writer.Written() {
		header.Set("Retry-After", "5")
		refuseOperator(g, http.StatusServiceUnavailable, "No page more can be told of what happens: "+err.Error()+".")
	}
}

// History serves GET /api/monitor/history?since=UNIX: a sample every ten seconds, of six hours at most, oldest first.
func (o *Operator) History(g *gin.Context) {
	since := int64(0)
	if text := g.Query("since"); text != "" {
		var err error
		if since, err = strconv.ParseInt(text, 10, 64); err != nil {
			refuseOperator(g, http.StatusBadRequest, "since must be a number of seconds, as Unix counts them.")
			return
		}
	}
	g.JSON(http.StatusOK, gin.H{"interval_seconds": int(live.Interval.Seconds()), "data": o.Hub.History.Since(since)})
}

// Recent serves GET /api/monitor/channels/:name/recent: how long the channel's last attempts took, and how the last of them failed.
func (o *Operator) Recent(g *gin.Context) {
	if ch := o.namedChannel(g); ch != nil {
		g.JSON(http.StatusOK, o.Traffic.Recent(ch.Name))
	}
}

// ChannelHistory serves GET /api/monitor/channels/:name/history: what the attempts at a channel were like, every three minutes of six
// hours, oldest first.
func (o *Operator) ChannelHistory(g *gin.Context) {
	if ch := o.namedChannel(g); ch != nil {
		g.JSON(http.StatusOK, gin.H{"interval_seconds": int(live.SlotLength.Seconds()), "data": o.Traffic.ChannelHistory(ch.Name, time.Now())})
	}
}

// Routes serves GET /api/monitor/routes?model=NAME: the channels that have a model, in the order in which they would be asked, and why one
// would be passed over.
func (o *Operator) Routes(g *gin.Context) {
	model := g.Query("model")
	if model == "" {
		refuseOperator(g, http.StatusBadRequest, "Say which model: /api/monitor/routes?model=NAME.")
		return
	}
	g.JSON(http.StatusOK, gin.H{"model": model, "data": o.Pool.Set().Explain(model, time.Now())})
}

// Sample is the relay at a moment: live.Source.
func (o *Operator) Sample(now time.Time) live.Sample {
	all, unexplained := o.Goroutines()
	m := telemetry.ReadMemory()
	s := live.Sample{
		At: now.Unix(), Goroutines: all, Expected: int64(all - unexplained), AllocMB: m.AllocMB, SysMB: m.SysMB, InFlight: o.Pool.InFlight(),
	}
	if o.Connections != nil {
		s.Connections, _ = o.Connections()
	}
	return s
}

// Now is what else is told of a moment: live.Source.
func (o *Operator) Now(now time.Time) live.Now {
	counts := o.Pool.Set().Counts(now)
	of := o.Configuration()
	return live.Now{
		Level: string(telemetry.LevelOf(runtime.NumGoroutine())), Draining: o.Draining(), UptimeSeconds: int64(now.Sub(o.Started).Seconds()),
		Total: counts.Total, Healthy: counts.Healthy, LoadedAt: of.LoadedAt.Unix(), Refused: of.Refused != nil, Version: o.Version,
	}
}

// Rows is the channels: live.Source.
func (o *Operator) Rows(now time.Time) []live.Row {
	all := o.Pool.Set().All()
	rows := make([]live.Row, len(all))
	for i, ch := range all {
		s := ch.Snapshot(now)
		row := live.Row{
			Name: s.Name, Type: s.Type, State: string(s.State), Reason: ch.HeldAgainst(now), RetryIn: s.RetryIn, InFlight: s.InFlight,
			Oldest: int64(s.OldestInFlight), Good: s.Attempts[outcome.Completed.String()], KeysUsable: s.Keys.Usable,
			Keys: s.Keys.Usable + s.Keys.Cooling + s.Keys.Refused, Silent: s.Silent,
		}
		row.Failed = s.AttemptsTotal - row.Good - s.Attempts[outcome.ClientGone.String()] - s.Attempts[outcome.ClientStalled.String()] -
			s.Attempts[outcome.OperatorEnded.String()]
		rows[i] = row
	}
	return rows
}
