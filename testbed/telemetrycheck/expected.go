package main

import (
	"math"
	"slices"
	"strconv"
	"time"

	"one-api/testbed/internal/check"
)

// statusClientGone is the status of a call whose client left before the relay had answered: nginx's.
const statusClientGone = 499

// expected is what telemetry has to say of one relay, from what the upstream and the clients saw.
type expected struct {
	attempts check.Table                // channel|provider|model|outcome|error.type
	ratios   check.Table                // channel|outcome, of the channel's attempts
	retries  check.Table                // channel|reason
	resumes  check.Table                // channel|reason|outcome
	first    check.Table                // streams with a first event, by channel
	chunks   check.Table                // times between two events, by channel; without those of channels where nobody can know
	tokens   check.Table                // channel|type
	cached   check.Table                // channel
	reason   check.Table                // channel, reasoning tokens
	requests check.Table                // model|outcome|error.type
	tries    check.Table                // attempts of requests, by outcome
	http     check.Table                // status|error.type
	rejected check.Table                // reason
	firsts   map[string][]time.Duration // by the channel that answered, as clients saw it
	third    int                        // calls that two channels failed and a third answered
}

var providers = map[string]string{"slow": "x_ai"}

func providerOf(channel string) string {
	if p, ok := providers[channel]; ok {
		return p
	}
	return "openai"
}

// expect computes it for one relay.
func expect(instance string, calls []call, u *upstream) expected {
	e := expected{
		attempts: check.Table{}, ratios: check.Table{}, retries: check.Table{}, resumes: check.Table{}, first: check.Table{}, chunks: check.Table{}, tokens: check.Table{}, cached: check.Table{}, reason: check.Table{},
		requests: check.Table{}, tries: check.Table{}, http: check.Table{}, rejected: check.Table{}, firsts: map[string][]time.Duration{},
	}
	for i := range calls {
		if calls[i].instance == instance {
			e.add(&calls[i], u.of(calls[i].id))
		}
	}
	total := check.Table{}
	ended := check.Table{}
	for _, key := range e.attempts.Keys() {
		parts := check.Split(key)
		total[parts[0]] += e.attempts[key]
		ended[check.Join(parts[0], parts[3])] += e.attempts[key]
	}
	for key, n := range ended {
		e.ratios[key] = n / total[check.Split(key)[0]]
	}
	return e
}

func (e *expected) add(c *call, attempts []attempt) {
	outcome, errorType := "rejected", "rejected"
	for i, a := range attempts {
		if i > 0 {
			e.retries[check.Join(a.channel, outcome)]++ // of the attempt before
		}
		reason := outcome
		outcome, errorType = a.does.outcome()
		if a.channel == "rest" && i > 0 {
			e.resumes[check.Join(a.channel, reason, outcome)]++
		}
		e.attempts[check.Join(a.channel, providerOf(a.channel), c.model, outcome, errorType)]++
		e.attempt(c, a)
	}
	if len(attempts) == 0 {
		e.rejected[c.rejection()]++
	}
	model := c.model
	if c.model == "check-unknown" || c.key != "" || c.body != "" {
		model = "_other" // only what a channel serves has a name, and only once the key is known
	}
	e.requests[check.Join(model, outcome, errorType)]++
	e.tries[outcome] += float64(len(attempts))
	status := c.status
	if status == 0 && outcome == "client_gone" {
		status = statusClientGone // nobody was there to read it
	}
	e.http[check.Join(strconv.Itoa(status), errorType)]++
	if len(attempts) == 3 && outcome == "completed" {
		e.third++
	}
}

func (e *expected) attempt(c *call, a attempt) {
	if a.does == healthy {
		e.tokens[check.Join(a.channel, "input")] += tokensIn
		e.tokens[check.Join(a.channel, "output")] += tokensOut
		e.cached[a.channel] += tokensCached
		e.reason[a.channel] += tokensReason
	}
	if !a.stream {
		return
	}
	switch a.does {
	case healthy:
		e.chunks[a.channel] += streamEvents - 1
	case truncated, resetMid:
		e.chunks[a.channel] += brokenEvents - 1
	case endless:
		e.chunks[a.channel] = math.NaN() // how many passed before the client's leaving was noticed
	default:
		return
	}
	first := c.first
	if a.channel == "rest" {
		first = c.duration // what its client saw first may have been another channel's
	}
	e.first[a.channel]++
	e.firsts[a.channel] = append(e.firsts[a.channel], first)
}

// rejection is why a call was turned away that no channel was asked for.
func (c *call) rejection() string {
	switch {
	case c.key != "":
		return "auth"
	case c.body != "":
		return "body"
	case c.model == "check-unknown":
		return "model"
	}
	return "unforeseen"
}

// agreesWithClient tells whether a client saw what the upstream's part says: an answer that ended well exactly where an attempt
// completed.
func agreesWithClient(c *call, attempts []attempt) bool {
	completed := false
	for _, a := range attempts {
		outcome, _ := a.does.outcome()
		completed = outcome == "completed"
	}
	return c.finished == completed
}

// quantile is the q-quantile of durations, rounded up, as histogram_quantile counts it.
func quantile(q float64, values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
