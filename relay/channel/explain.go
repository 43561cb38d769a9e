package channel

import "time"

// Explained is what would become of a channel if somebody asked for a model now.
type Explained struct {
	Channel  string   `json:"channel"`
	Groups   []string `json:"groups"`
	Priority int      `json:"priority"`
	Weight   int      `json:"weight"`
	Model    string   `json:"upstream_model"` // what the upstream would be asked for
	State    Health   `json:"state"`
	Passed   string   `json:"passed_over"` // why it would not be asked; empty: it may be
	RetryIn  float64  `json:"retry_in_seconds"`
}

// Explain is the channels that have a model, those of the highest priority first, and why each that would be passed over is. Empty:
// none has it.
func (s *Set) Explain(model string, now time.Time) []Explained {
	list := []Explained{}
	r := s.routes.of(model)
	if r == nil {
		return list
	}
	for c := range r.channels() {
		e := Explained{
			Channel: c.Name, Groups: c.Groups, Priority: c.Priority, Weight: c.Weight, Model: model, State: c.State(now),
			RetryIn: tenths(c.wait(now)),
		}
		if mapped, ok := c.ModelMapping[model]; ok {
			e.Model = mapped
		}
		switch {
		case e.State == Disabled, e.State == Cooling:
			e.Passed = c.reason(now)
		case c.full():
			e.Passed = "full (max_concurrent)"
		}
		list = append(list, e)
	}
	return list
}
