package lane

import (
	"slices"

	"one-api/relay/config"
	"one-api/relay/format"
	"one-api/relay/wire"
)

func at(e wire.Endpoint) *wire.Endpoint { return &e }

// counting is the lane of a client who asks, in one format, how many tokens a request has, to a provider who can be asked in another.
type counting struct {
	family  *Family
	request Lane          // of the request that is asked about
	of      wire.Endpoint // that such a request is made at
	asked   *format.Format
	asks    *format.Format
	at      wire.Endpoint
}

// countingLanes adds the ways from everybody who asks for numbers of tokens to where a family knows them.
func (f *Family) countingLanes(lanes *Lanes, c *config.Channel) {
	if f.counts == nil {
		return
	}
	asks := f.countsAs
	if asks == nil {
		asks = clients[*f.counts]
	}
	for e := range wire.Endpoints {
		of, counts := e.Counts()
		if !counts || lanes[e] != nil {
			continue
		}
		var request Lane = &converted{f, clients[of], f.speaks(), f.seal(c)}
		if slices.Contains(f.native, of) {
			request = native{f, clients[of]}
		}
		lanes[e] = &counting{family: f, request: request, of: of, asked: clients[e], asks: asks, at: *f.counts}
	}
}

func (*counting) Converts() bool { return true }

// Over is the endpoint of the provider's own that is asked.
func (l *counting) Over() wire.Endpoint { return l.at }

// Request asks for the number in the provider's words.
func (l *counting) Request(call *Call, target Destination) (Outgoing, error) {
	about := *call
	about.Endpoint, about.Stream, about.Path = l.of, false, nil
	about.Body = l.asked.Counts.Question(call.Body)
	about.ModelFrom, about.ModelTo = 0, 0
	native := !l.request.Converts()
	if native { // the provider's question says the model itself
		about.Model = target.Model
	}
	request, err := l.request.Request(&about, target)
	if err != nil {
		return Outgoing{}, err
	}
	path, query := l.family.at(l.at, target.Model, false)
	return Outgoing{
		Path: path, Query: query, Header: l.family.header(&about, native), Body: l.asks.Counts.Ask(request.Body, target.Model),
		Converted: request.Converted,
	}, nil
}

// Answer makes what tells the number in the client's words.
func (l *counting) Answer(*Call, *Converted) Translator {
	return &number{Translator: l.asks.Inspect(1), read: l.asks.Counts.Read, told: l.asked.Counts.Told}
}

// number turns the answer of one format into another's.
type number struct {
	Translator
	read func(answer []byte) (int64, bool)
	told func(int64) []byte
}

// Whole is Translator's.
func (n *number) Whole(body []byte) ([]byte, error) {
	if _, err := n.Translator.Whole(body); err != nil {
		return nil, err
	}
	tokens, ok := n.read(body)
	if !ok {
		return nil, format.Malformed("there is no number of tokens in the answer")
	}
	return n.told(tokens), nil
}

// Estimate is the answer to a client who asks how many tokens a request has, where nobody who would know can be asked. An error is a
// *wire.Error: the request is wrong in itself.
func Estimate(e wire.Endpoint, body []byte) ([]byte, error) {
	of, _ := e.Counts()
	asked := clients[e].Counts
	question := asked.Question(body)
	r, problem := clients[of].Client.Parse(question)
	switch {
	case problem == nil:
		return asked.Told(format.InputOfRequest(r)), nil
	case problem.What != "":
		return nil, problem.Wire()
	default: // its own format has it, and no other
		return asked.Told(format.InputOf(body)), nil
	}
}
