package operator

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/inflight"
	"one-api/relay/outcome"
)

// Requests serves GET /api/monitor/requests?channel=&limit=: what is in flight, oldest first. total is how many there are, whatever limit
// says.
func (o *Operator) Requests(g *gin.Context) {
	limit := 0
	if text := g.Query("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			refuseOperator(g, http.StatusBadRequest, "limit must be a number, 1 or more.")
			return
		}
	}
	list := o.InFlight.All(time.Now())
	if of := g.Query("channel"); of != "" {
		list = slices.DeleteFunc(list, func(r inflight.Listed) bool { return r.Channel != of })
	}
	total := len(list)
	if limit > 0 && limit < total {
		list = list[:limit]
	}
	book, now := o.Prices(), time.Now()
	for i := range list {
		if nano, known := list[i].Cost(book, now); known {
			list[i].CostUSD = dollars(nano)
		}
	}
	g.JSON(http.StatusOK, gin.H{"data": list, "total": total})
}

// How long an operator waits at most to see a request end, and how often is looked. A client that does not read what is being
// written to it is waited for a moment only.
const (
	endingTimeout = 2 * time.Second
	endingWrite   = 250 * time.Millisecond
	endingPoll    = 5 * time.Millisecond
)

// EndRequest serves DELETE /api/monitor/requests/:id: it ends one request, whose client is told 503, or with an error event
// once it has a part of its answer. Nothing moves on to another channel. The answer comes when the request has been cancelled,
// and as good as always when it is over.
func (o *Operator) EndRequest(g *gin.Context) {
	id := g.Param("id")
	request := o.InFlight.Find(id)
	if request == nil {
		refuseOperator(g, http.StatusNotFound, "There is no request of that id in flight. GET /api/monitor/requests lists them.")
		return
	}
	request.End(outcome.ErrOperator)
	o.changed(g, requestEnded, id, "a request was ended by the operator", "ended", id)
	look := time.NewTicker(endingPoll)
	defer look.Stop()
	for began := time.Now(); o.InFlight.Find(id) == request && time.Since(began) < endingTimeout; {
		select {
		case <-look.C:
			if time.Since(began) > endingWrite {
				request.CutWrite()
			}
		case <-g.Request.Context().Done():
			return
		}
	}
	g.JSON(http.StatusOK, gin.H{"success": true})
}
