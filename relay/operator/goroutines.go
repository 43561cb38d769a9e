package operator

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"one-api/telemetry"
)

// goroutineReport is the answer of GET /api/monitor/goroutines. Its figures are those of one moment, at most a second ago, but
// for in_flight, which is of now.
type goroutineReport struct {
	Total       int64                      `json:"total"`
	Expected    int64                      `json:"expected"`    // what open connections and calls account for
	Unexplained int64                      `json:"unexplained"` // the rest
	ByChannel   []goroutinesOfChannel      `json:"by_channel"`  // the most first
	Stacks      []telemetry.GoroutineStack `json:"stacks"`      // the 50 most frequent, at most 32 functions of each
	Unlisted    int64                      `json:"unlisted"`    // goroutines with other stacks
}

type goroutinesOfChannel struct {
	Channel    string `json:"channel"` // "": those that work for no channel
	Goroutines int64  `json:"goroutines"`
	InFlight   int64  `json:"in_flight"`
}

// GoroutineProfile serves GET /api/monitor/goroutines: who holds the goroutines, and where they stand.
func (o *Operator) GoroutineProfile(g *gin.Context) {
	sample, err := o.Samples.Sample()
	if err != nil {
		refuseOperator(g, http.StatusInternalServerError, "The goroutine profile could not be taken: "+err.Error()+".")
		return
	}
	g.JSON(http.StatusOK, goroutineReport{
		Total: sample.Total, Expected: sample.Expected, Unexplained: max(0, sample.Total-sample.Expected),
		ByChannel: o.byChannel(sample), Stacks: sample.Stacks, Unlisted: sample.Unlisted,
	})
}

// leakReport is the answer of GET /api/monitor/leaks.
type leakReport struct {
	Success   bool                       `json:"success"`
	Message   string                     `json:"message"`
	Total     int64                      `json:"total"` // goroutines that can never wake
	ByChannel []goroutinesOfChannel      `json:"by_channel"`
	Stacks    []telemetry.GoroutineStack `json:"stacks"`
	Unlisted  int64                      `json:"unlisted"`
}

// GoroutineLeaks serves GET /api/monitor/leaks: the goroutines that can never wake, as the garbage collector proves it.
func (o *Operator) GoroutineLeaks(g *gin.Context) {
	sample, err := o.Leaks.Sample()
	switch {
	case errors.Is(err, telemetry.ErrNoProfile):
		refuseOperator(g, http.StatusNotImplemented, "This build cannot prove leaks. Build it with Go 1.26 and "+
			"GOEXPERIMENT=goroutineleakprofile (GOEXPERIMENT=goroutineleakprofile go build .), or with Go 1.27 or later. "+
			"GET /api/monitor/goroutines works in every build.")
		return
	case err != nil:
		refuseOperator(g, http.StatusInternalServerError, "The leak profile could not be taken: "+err.Error()+".")
		return
	}
	report := leakReport{
		Success: true, Total: sample.Total, ByChannel: []goroutinesOfChannel{}, Stacks: sample.Stacks, Unlisted: sample.Unlisted,
	}
	for _, held := range o.byChannel(sample) {
		if held.Goroutines > 0 {
			report.ByChannel = append(report.ByChannel, held)
		}
	}
	if report.Stacks == nil {
		report.Stacks = []telemetry.GoroutineStack{}
	}
	g.JSON(http.StatusOK, report)
}

// byChannel is who holds goroutines or has calls in flight.
func (o *Operator) byChannel(sample *telemetry.GoroutineSample) []goroutinesOfChannel {
	var all []goroutinesOfChannel
	set := o.Pool.Set()
	for name, n := range sample.ByChannel {
		held := goroutinesOfChannel{Channel: name, Goroutines: n}
		if ch := set.Get(name); ch != nil {
			held.InFlight = ch.InFlight()
		}
		all = append(all, held)
	}
	for _, ch := range set.All() {
		if _, listed := sample.ByChannel[ch.Name]; !listed && ch.InFlight() > 0 {
			all = append(all, goroutinesOfChannel{Channel: ch.Name, InFlight: ch.InFlight()})
		}
	}
	slices.SortFunc(all, func(a, b goroutinesOfChannel) int {
		return cmp.Or(cmp.Compare(b.Goroutines, a.Goroutines), cmp.Compare(b.InFlight, a.InFlight), strings.Compare(a.Channel, b.Channel))
	})
	return all
}
