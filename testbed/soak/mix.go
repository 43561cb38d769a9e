package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// shares is how much of the mix each group is.
var shares = map[group]float64{healthy: 1.0 / 3, leaving: 0.1, faulty: 1 - 1.0/3 - 0.1}

// position is where among a model's channels the fault is.
type position string

const (
	only  position = "only"  // there is one channel
	first position = "first" // the second one is healthy
	last  position = "last"  // the first one fails, too
)

// protocol is what the relay and an upstream speak.
type protocol string

const (
	plain  protocol = "h1" // HTTP/1.1
	secure protocol = "t1" // HTTP/1.1 over TLS
	http2  protocol = "h2" // over TLS
)

var protocols = [...]protocol{plain, secure, http2}

// order is one call as it is drawn: what the client does, and, in the prompt, what the upstream has to do.
type order struct {
	id       int64
	fault    int // index into faults
	position position
	stream   bool
	kind     string   // the channel's type
	messages bool     // the client speaks Anthropic's format
	proto    protocol // between relay and upstream
}

func (o order) what() *fault { return &faults[o.fault] }

// model names what the relay selects a channel by.
func (o order) model() string {
	position := "two"
	if o.position == only {
		position = "only"
	}
	return string(o.lane()) + "." + o.kind + "." + string(o.proto) + "." + position
}

func (o order) lane() lane {
	if l := o.what().lane; l != "" {
		return l
	}
	return patient
}

func (o order) path() string {
	if o.messages {
		return messagesPath
	}
	return chatPath
}

// brief is the order as the upstream finds it in the prompt. It needs no escape in JSON.
func (o order) brief() string {
	return fmt.Sprintf("soak/%d/%d/%s/%t/", o.id, o.fault, o.position, o.stream)
}

// parseBrief finds an order in a request's body.
func parseBrief(body string) (o order, ok bool) {
	_, rest, found := strings.Cut(body, "soak/")
	parts := strings.SplitN(rest, "/", 5)
	if !found || len(parts) < 5 {
		return o, false
	}
	id, idErr := strconv.ParseInt(parts[0], 10, 64)
	fault, faultErr := strconv.Atoi(parts[1])
	if idErr != nil || faultErr != nil || fault < 0 || fault >= len(faults) {
		return o, false
	}
	return order{id: id, fault: fault, position: position(parts[2]), stream: parts[3] == "true"}, true
}

// ways is a client's format and a channel's type.
var ways = []struct {
	kind     string
	messages bool
}{{"openai", false}, {"anthropic", true}, {"anthropic", false}, {"openai", true}, {"xai", false}}

// mix draws the calls. The same seed draws the same ones.
type mix struct {
	random *rand.Rand
	upTo   []float64 // of each fault: its share, and that of all before it
	drawn  int64
}

func newMix(seed uint64) *mix {
	m := &mix{random: rand.New(rand.NewPCG(seed, 0))}
	weights := map[group]float64{}
	for _, f := range faults {
		weights[f.group] += f.weight
	}
	sum := 0.0
	for _, f := range faults {
		sum += f.weight / weights[f.group] * shares[f.group]
		m.upTo = append(m.upTo, sum)
	}
	return m
}

// next draws a call.
func (m *mix) next() order {
	m.drawn++
	o := order{id: m.drawn, fault: m.pick(), position: only, stream: m.random.IntN(2) == 0, proto: protocols[m.random.IntN(len(protocols))]}
	way := ways[m.random.IntN(len(ways))]
	o.kind, o.messages = way.kind, way.messages
	where := m.random.Float64()
	f := o.what()
	switch {
	case f.alone:
	case where < 0.25:
		o.position = first
	case where < 0.4 && f.lane != refused && f.lane != untrusted: // what happens there happens before any upstream is asked
		o.position = last
	}
	switch f.shape {
	case streams:
		o.stream = true
	case wholes:
		o.stream = false
	default: // the others have nothing of their own here
	}
	switch {
	case f.http2:
		o.proto = http2
	case f.http1 && o.proto == http2:
		o.proto = [...]protocol{plain, secure}[m.random.IntN(2)]
	}
	switch f.lane { // these have fewer channels
	case rude:
		if o.kind == "xai" {
			o.kind = "openai"
		}
	case refused:
		o.kind, o.proto = "openai", plain
	case untrusted:
		o.kind, o.proto = "anthropic", http2
	default: // the others have nothing of their own here
	}
	return o
}

func (m *mix) pick() int {
	at := m.random.Float64() * m.upTo[len(m.upTo)-1]
	for i, upTo := range m.upTo {
		if at < upTo {
			return i
		}
	}
	return len(m.upTo) - 1
}
