package relay

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/sigv4"
)

// Bounds of a probe.
const (
	probeTimeout  = time.Minute
	probesAtATime = 8
)

// Question is what a probe asks channels for.
type Question struct {
	Call  bool   // one token; else the list of their models
	Model string // whose token, of those channels that have it; empty: one of each channel's own
}

// Found is what a probe has found out of all channels together.
type Found int

// What it may be, the worst last.
const (
	AllWork  Found = iota // each channel is reached, takes each of its keys, and gave a token if it was asked for one
	NotKnown              // nothing failed, but of something nobody knows whether it works
	SomeFail              // a channel is not reached, refuses a key, or gave no token
)

// Probe asks every channel of a configuration, with each of its keys, and writes a table of what came of it. It takes a minute at the most.
func Probe(ctx context.Context, c *config.Config, options channel.PoolOptions, asked Question, w io.Writer) (found Found) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	options.Providers, options.Log, options.Auth = Providers, slog.New(slog.DiscardHandler), sigv4.Auth
	pool, door := channel.NewPool(options), exchange.NewDoor(exchange.DoorOptions{Log: options.Log})
	defer pool.Close()
	defer door.Close()
	var configs []config.Channel
	for _, of := range c.Channels {
		if !of.Demo {
			configs = append(configs, of)
		}
	}
	pool.Apply(configs)
	channels := pool.Set().All()
	probed, places := make([][]exchange.Checked, len(channels)), make(chan struct{}, probesAtATime)
	var all sync.WaitGroup
	for i, of := range channels {
		if of.Disabled {
			continue
		}
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			for _, k := range of.EveryKey() {
				if asked.Call {
					probed[i] = append(probed[i], door.CheckCall(ctx, of, k, asked.Model))
				} else {
					probed[i] = append(probed[i], door.CheckList(ctx, of, k))
				}
			}
		})
	}
	all.Wait()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHANNEL\tTYPE\tREACHABLE\tKEY ACCEPTED\tMODELS\tLATENCY\tASKED AT\t")
	var times [SomeFail + 1]int
	for i, of := range channels {
		if of.Disabled {
			fmt.Fprintf(table, "%s\t%s\t-\t-\t-\t-\t%s\tdisabled, not asked\n", of.Name, of.Type, askedAt(of, asked, ""))
		}
		for n := range probed[i] {
			p := &probed[i][n]
			is := foundOf(p)
			found = max(found, is)
			times[is]++
			fmt.Fprintln(table, strings.Join(row(of, p, n+1, len(probed[i]), asked), "\t"))
		}
	}
	_ = table.Flush() // whoever reads it has gone, or it was written
	fmt.Fprintf(w, "%d good, %d failed, %d not known.\n", times[AllWork], times[SomeFail], times[NotKnown])
	return found
}

func foundOf(p *exchange.Checked) Found {
	switch {
	case p.Fails():
		return SomeFail
	case p.Works():
		return AllWork
	}
	return NotKnown
}

// row is a line of the table.
func row(c *channel.Channel, p *exchange.Checked, key, of int, asked Question) []string {
	name := c.Name
	if of > 1 {
		name += fmt.Sprintf(" (key %d of %d)", key, of)
	}
	reachable, accepted, models, took := "-", "-", "-", "-"
	if p.Asked {
		reachable, accepted, took = word(p.Reachable), word(p.Accepted), p.Took.Round(time.Millisecond).String()
		if !p.Accepted && !p.Certain {
			accepted = "unknown"
		}
	}
	if p.Models >= 0 {
		models = fmt.Sprint(p.Models)
	}
	return []string{name, c.Type, reachable, accepted, models, took, askedAt(c, asked, p.Model), p.Detail}
}

// askedAt is where a channel is asked for the list of its models, or for a token of a model.
func askedAt(c *channel.Channel, question Question, model string) string {
	if question.Call || c.Asks == nil {
		of := Providers[cmp.Or(c.Form, c.Type)]
		return exchange.GoesTo(&c.Channel, &of, model)
	}
	asked := c.Asks()
	return http.MethodGet + " " + c.Addresses.Of(asked.Path, asked.Query).URL().String()
}

func word(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
