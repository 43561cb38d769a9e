package main

import (
	"fmt"
	"math/big"
	"regexp"
	"sort"
	"strings"
)

// table is what is written; relay/price reads it.
type table struct{ providers []provider }

type provider struct {
	ID     string
	At     string   // a pattern of its address
	Of     any      // a match of the models that it is known for
	Also   []string // whose prices it has where it has none of its own
	Models []model
}

type model struct {
	ID     string  `json:"id"`
	Match  any     `json:"is"`
	Prices []dated `json:"at"`
}

// dated are the prices from a day on, or between two times of a day (UTC). The last one that applies does.
type dated struct {
	Since string         `json:"since,omitempty"` // 2026-03-13
	From  string         `json:"from,omitempty"`  // 00:30:00
	To    string         `json:"to,omitempty"`
	Per   map[string]any `json:"per"`
}

// units are the prices that are taken over: what they are called here, and how many of the unit the package has a price for. What they
// leave out is for what the relay does not count: searches in stores and on the web, pages, video, citations.
var units = map[string]struct {
	name string
	per  int64
}{
	"input_mtok": {"input", 1e6}, "cache_read_mtok": {"cache_read", 1e6}, "cache_write_mtok": {"cache_write", 1e6},
	"cache_write_1h_mtok": {"cache_write_1h", 1e6}, "input_audio_mtok": {"audio_in", 1e6}, "input_image_mtok": {"image_in", 1e6},
	"output_mtok": {"output", 1e6}, "output_audio_mtok": {"audio_out", 1e6}, "output_image_mtok": {"image_out", 1e6},
	"output_reasoning_mtok": {"reasoning", 1e6}, "requests_kcount": {"request", 1e3},
	"audio_hours": {"hour", 1}, "input_audio_hours": {"hour", 1},
}

func convert(data literal) (*table, error) {
	list, ok := data.([]literal)
	if !ok {
		return nil, fmt.Errorf("the data is %T and no list", data)
	}
	t := &table{}
	for _, l := range list {
		o := l.(map[string]literal)
		p := provider{ID: o["id"].(string)}
		p.At, _ = o["api_pattern"].(string)
		if _, err := regexp.Compile(p.At); err != nil {
			return nil, err
		}
		var err error
		if of, has := o["model_match"]; has {
			if p.Of, err = match(of); err != nil {
				return nil, err
			}
		}
		if also, has := o["fallback_model_providers"].([]literal); has {
			for _, id := range also {
				p.Also = append(p.Also, id.(string))
			}
		}
		for _, m := range o["models"].([]literal) {
			converted, err := modelOf(m.(map[string]literal))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.ID, err)
			}
			p.Models = append(p.Models, converted)
		}
		t.providers = append(t.providers, p)
	}
	sort.Slice(t.providers, func(i, j int) bool { return t.providers[i].ID < t.providers[j].ID })
	return t, nil
}

func modelOf(o map[string]literal) (m model, err error) {
	m.ID = o["id"].(string)
	if m.Match, err = match(o["match"]); err != nil {
		return m, fmt.Errorf("%s: %w", m.ID, err)
	}
	prices, several := o["prices"].([]literal)
	if !several {
		prices = []literal{map[string]literal{"prices": o["prices"]}}
	}
	for _, l := range prices {
		one := l.(map[string]literal)
		var d dated
		if c, has := one["constraint"].(map[string]literal); has {
			d.Since, _ = c["start_date"].(string)
			if d.From, err = clock(c["start_time"]); err == nil {
				d.To, err = clock(c["end_time"])
			}
			if err != nil {
				return m, fmt.Errorf("%s: %w", m.ID, err)
			}
		}
		if d.Per, err = rates(one["prices"].(map[string]literal)); err != nil {
			return m, fmt.Errorf("%s: %w", m.ID, err)
		}
		m.Prices = append(m.Prices, d)
	}
	return m, nil
}

// clock is a time of the day, which has to be in UTC.
func clock(l literal) (string, error) {
	text, has := l.(string)
	if !has {
		return "", nil
	}
	at, utc := strings.CutSuffix(text, "Z")
	if !utc {
		return "", fmt.Errorf("the time %q is not in UTC", text)
	}
	return at, nil
}

func rates(o map[string]literal) (map[string]any, error) {
	per := map[string]any{}
	for key, l := range o {
		unit, known := units[key]
		if !known {
			continue
		}
		rate, err := rateOf(l, unit.per)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if before, has := per[unit.name]; has && fmt.Sprint(before) != fmt.Sprint(rate) {
			return nil, fmt.Errorf("%s: two prices for one unit", key)
		}
		per[unit.name] = rate
	}
	return per, nil
}

// rateOf is a price in pico-dollars, or [price, [over, price], …] with how much input each price begins above.
func rateOf(l literal, per int64) (any, error) {
	if n, plain := l.(number); plain {
		return pico(n, per)
	}
	o, ok := l.(map[string]literal)
	if !ok {
		return nil, fmt.Errorf("%T is no price", l)
	}
	base, err := pico(o["base"].(number), per)
	if err != nil {
		return nil, err
	}
	rate := []any{base}
	before := int64(-1)
	for _, t := range o["tiers"].([]literal) {
		tier := t.(map[string]literal)
		start, err := whole(string(tier["start"].(number)), big.NewRat(1, 1))
		if err != nil {
			return nil, err
		}
		price, err := pico(tier["price"].(number), per)
		if err != nil {
			return nil, err
		}
		if start <= before {
			return nil, fmt.Errorf("the tiers are not in order")
		}
		before = start
		rate = append(rate, []int64{start, price})
	}
	return rate, nil
}

// pico is a price in dollars for so many as pico-dollars for one.
func pico(n number, per int64) (int64, error) {
	return whole(string(n), new(big.Rat).SetFrac(big.NewInt(1e12), big.NewInt(per)))
}

// whole is a number times another one, rounded.
func whole(text string, times *big.Rat) (int64, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok || r.Sign() < 0 {
		return 0, fmt.Errorf("%q is no price", text)
	}
	r.Mul(r, times).Add(r, big.NewRat(1, 2))
	q := new(big.Int).Quo(r.Num(), r.Denom())
	if !q.IsInt64() {
		return 0, fmt.Errorf("%s is out of range", text)
	}
	return q.Int64(), nil
}

// match is a rule as a list: how, and what.
func match(l literal) (any, error) {
	o, ok := l.(map[string]literal)
	if !ok || len(o) != 1 {
		return nil, fmt.Errorf("%v is no rule", l)
	}
	for how, what := range o {
		switch how {
		case "equals", "starts_with", "ends_with", "contains":
			return []any{how, strings.ToLower(what.(string))}, nil
		case "regex":
			return pattern(what.(string))
		case "or", "and":
			rule := []any{how}
			for _, l := range what.([]literal) {
				one, err := match(l)
				if err != nil {
					return nil, err
				}
				rule = append(rule, one)
			}
			return rule, nil
		}
	}
	return nil, fmt.Errorf("%v is a rule that is not known", l)
}

// pattern is a regular expression. Go's have no negative lookahead: one that begins with it becomes two, of which the first must not match.
func pattern(text string) (any, error) {
	rest, negative := strings.CutPrefix(text, "^(?!")
	if !negative {
		_, err := regexp.Compile(text)
		return []any{"regex", text}, err
	}
	depth, end := 1, 0
	for ; end < len(rest) && depth > 0; end++ {
		switch rest[end] {
		case '\\':
			end++
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	if depth > 0 {
		return nil, fmt.Errorf("the pattern %q cannot be read", text)
	}
	no, yes := "^(?:"+rest[:end-1]+")", "^"+rest[end:]
	for _, one := range []string{no, yes} {
		if _, err := regexp.Compile(one); err != nil {
			return nil, err
		}
	}
	return []any{"and", []any{"not", []any{"regex", no}}, []any{"regex", yes}}, nil
}
