package format

import "one-api/relay/llm"

// Fate is what becomes of a feature in a format.
type Fate uint8

// The fates.
const (
	Carry  Fate = iota // it is said as it is
	Adapt              // it is said in another way
	Drop               // it is left out: the answer is still what was asked for
	Cost               // it is left out, and that costs money or changes the answer: it is counted
	Refuse             // the request is refused, and the client told why
)

var fates = [...]string{Carry: "carried", Adapt: "adapted", Drop: "left out", Cost: "left out, and counted", Refuse: "refused"}

func (f Fate) String() string { return fates[f] }

// Rule is a fate, and why it is that one or how it is done. The reason of a refusal is what the client is told.
type Rule struct {
	Fate Fate
	Why  string
}

// Column is what becomes in a format of what not every format has. What it does not name is carried.
type Column map[llm.Feature]Rule

// Explain says why a request that asks for something that has no place in a conversation is refused.
func (c Column) Explain(p *Problem) *Problem {
	if p != nil && p.What == "" {
		if rule := c[p.feature]; rule.Fate == Refuse {
			p.What = rule.Why
			if p.named != "" {
				p.What += " (" + Quote(p.named) + ")"
			}
		}
	}
	return p
}

// Admit looks at what a request uses: dropped is what is left out of it and has to be counted. A problem names the first thing that
// cannot be said.
func (c Column) Admit(r *llm.Request) (dropped []llm.Feature, problem *Problem) {
	for _, use := range r.Uses {
		switch rule := c[use.Feature]; rule.Fate {
		case Refuse:
			return nil, &Problem{Path: use.Path, What: rule.Why}
		case Cost:
			dropped = append(dropped, use.Feature)
		case Carry, Adapt, Drop:
		}
	}
	return dropped, nil
}
