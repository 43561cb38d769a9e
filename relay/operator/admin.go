package operator

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gin-gonic/gin"
)

// DisableChannel serves POST /api/channel/:name/disable: calls in flight end as they would, new ones go elsewhere. With
// ?cut=true those in flight are ended too: one of which the client has nothing yet goes to another channel, a stream that has
// begun ends with an error event (or is finished elsewhere, where the rescue of streams is on).
func (o *Operator) DisableChannel(g *gin.Context) {
	cut := g.Query("cut")
	switch cut {
	case "", "true", "false":
		o.setDisabled(g, true, cut == "true")
	default:
		refuseOperator(g, http.StatusBadRequest, "cut must be true or false.")
	}
}

// EnableChannel serves POST /api/channel/:name/enable, and forgets what was held against the channel and its keys.
func (o *Operator) EnableChannel(g *gin.Context) { o.setDisabled(g, false, false) }

func (o *Operator) setDisabled(g *gin.Context, disabled, cut bool) {
	ch := o.namedChannel(g)
	if ch == nil {
		return
	}
	ch.SetDisabled(disabled)
	if !disabled {
		o.Traffic.Forgive(ch.Name)
		ch.SetSilence(nil)
	}
	ended := 0
	if cut {
		ended = ch.Cut()
	}
	what := channelEnabled
	switch {
	case cut:
		what = channelCut
	case disabled:
		what = channelDisabled
	}
	o.changed(g, what, ch.Name, "a channel was switched by the operator", "channel", ch.Name, "disabled", disabled, "calls_ended", ended)
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": ch.Snapshot(time.Now())})
}

// Profile serves /debug/pprof/…, net/http/pprof behind the relay's own door.
func Profile(g *gin.Context) {
	switch g.Param("profile") {
	case "/cmdline":
		pprof.Cmdline(g.Writer, g.Request)
	case "/profile":
		pprof.Profile(g.Writer, g.Request)
	case "/symbol":
		pprof.Symbol(g.Writer, g.Request)
	case "/trace":
		pprof.Trace(g.Writer, g.Request)
	default:
		pprof.Index(g.Writer, g.Request)
	}
}
