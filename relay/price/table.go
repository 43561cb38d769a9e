package price

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

//go:embed data/table.json
var shipped []byte

// table is the prices that are shipped. A provider's are read when they are first asked for.
type table struct {
	Version   string      `json:"version"`
	Date      string      `json:"date"`
	Source    string      `json:"source"`
	Providers []*provider `json:"providers"`

	byID map[string]*provider
}

// provider is who has prices.
type provider struct {
	ID   string          `json:"id"`
	At   string          `json:"at"` // a pattern of its address
	Of   rule            `json:"of"` // models that it is known for
	Also []string        `json:"also"`
	Raw  json.RawMessage `json:"models"`

	at     *regexp.Regexp
	once   sync.Once
	models []listed
}

// listed is a model with its prices.
type listed struct {
	name string // provider/id
	is   rule
	at   []dated
}

// shippedTable is read once.
var shippedTable = sync.OnceValue(func() *table {
	var t table
	if err := json.Unmarshal(shipped, &t); err != nil {
		panic(fmt.Errorf("the shipped prices cannot be read: %w", err)) // a test reads them all
	}
	t.byID = make(map[string]*provider, len(t.Providers))
	for _, p := range t.Providers {
		t.byID[p.ID] = p
		p.at = regexp.MustCompile("^(?:" + p.At + ")")
	}
	return &t
})

// Shipped is whose prices are shipped, in which version, and of which day.
func Shipped() (source, version, date string) {
	t := shippedTable()
	return t.Source, t.Version, t.Date
}

// load reads the provider's models.
func (p *provider) load() []listed {
	p.once.Do(func() {
		var raw []struct {
			ID    string `json:"id"`
			Is    rule   `json:"is"`
			Dates []struct {
				Since string             `json:"since"`
				From  string             `json:"from"`
				To    string             `json:"to"`
				Per   map[string]rawRate `json:"per"`
			} `json:"at"`
		}
		if err := json.Unmarshal(p.Raw, &raw); err != nil {
			panic(fmt.Errorf("the shipped prices of %s cannot be read: %w", p.ID, err)) // a test reads them all
		}
		p.Raw = nil
		p.models = make([]listed, len(raw))
		for i, m := range raw {
			p.models[i] = listed{name: p.ID + "/" + m.ID, is: m.Is, at: make([]dated, len(m.Dates))}
			for j, d := range m.Dates {
				to := &p.models[i].at[j]
				to.since, _ = time.Parse(time.DateOnly, d.Since)
				to.from, to.to = ofDay(d.From), ofDay(d.To)
				for u, name := range names {
					if rate, has := d.Per[name]; has {
						to.rates.Set(Unit(u), Rate(rate))
					}
				}
			}
		}
	})
	return p.models
}

// rawRate is a price as the table has it: a number or, with tiers, a list of which the first is one.
type rawRate Rate

// UnmarshalJSON reads either.
func (r *rawRate) UnmarshalJSON(text []byte) error {
	if text[0] != '[' {
		return json.Unmarshal(text, &r.Pico)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for i, one := range all {
		if i == 0 {
			if err := json.Unmarshal(one, &r.Pico); err != nil {
				return err
			}
			continue
		}
		var t [2]int64
		if err := json.Unmarshal(one, &t); err != nil {
			return err
		}
		r.Tiers = append(r.Tiers, Tier{t[0], t[1]})
	}
	return nil
}

// ofDay is a time of the day in seconds.
func ofDay(text string) int32 {
	if text == "" {
		return 0
	}
	t, err := time.Parse(time.TimeOnly, text)
	if err != nil {
		panic(err) // a test reads them all
	}
	return int32(t.Hour()*3600 + t.Minute()*60 + t.Second()) //nolint:gosec // seconds of a day
}

// find is the first of the provider's models that is called so.
func (t *table) find(p *provider, model string) *listed {
	models := p.load()
	for i := range models {
		if models[i].is.matches(model) {
			return &models[i]
		}
	}
	for _, id := range p.Also {
		if also := t.byID[id]; also != nil {
			if found := t.find(also, model); found != nil {
				return found
			}
		}
	}
	return nil
}

// rule says which names are meant. Names are in lower case.
type rule struct {
	how  string
	text string
	of   []rule
	is   *regexp.Regexp
}

// UnmarshalJSON reads ["starts_with","gpt-4o"] or ["or",[…],[…]].
func (r *rule) UnmarshalJSON(text []byte) error {
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	if len(all) < 2 {
		return fmt.Errorf("%s is no rule", text)
	}
	if err := json.Unmarshal(all[0], &r.how); err != nil {
		return err
	}
	switch r.how {
	case "or", "and", "not":
		r.of = make([]rule, len(all)-1)
		for i := range r.of {
			if err := json.Unmarshal(all[i+1], &r.of[i]); err != nil {
				return err
			}
		}
		return nil
	case "equals", "starts_with", "ends_with", "contains", "regex":
	default:
		return fmt.Errorf("%s is a rule that is not known", text)
	}
	err := json.Unmarshal(all[1], &r.text)
	if err == nil && r.how == "regex" {
		r.is, err = regexp.Compile(r.text)
	}
	return err
}

func (r *rule) matches(name string) bool {
	switch r.how {
	case "equals":
		return name == r.text
	case "starts_with":
		return strings.HasPrefix(name, r.text)
	case "ends_with":
		return strings.HasSuffix(name, r.text)
	case "contains":
		return strings.Contains(name, r.text)
	case "regex":
		return r.is.MatchString(name)
	case "not":
		return !r.of[0].matches(name)
	case "and":
		for i := range r.of {
			if !r.of[i].matches(name) {
				return false
			}
		}
		return true
	case "or":
		for i := range r.of {
			if r.of[i].matches(name) {
				return true
			}
		}
	}
	return false
}
