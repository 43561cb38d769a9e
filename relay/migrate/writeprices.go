package migrate

import (
	"maps"
	"slices"
)

func (p *Plan) renderPrices(w *writer) {
	if len(p.Markups) > 0 {
		w.line(0, "")
		w.line(0, "groups:")
		for _, name := range slices.Sorted(maps.Keys(p.Markups)) {
			w.member(2, name, "{markup: "+trimmed(p.Markups[name], 6)+"}")
		}
	}
	if len(p.Prices) > 0 {
		w.line(0, "")
		w.line(0, "# The old prices, in US dollars per million tokens.")
		w.line(0, "prices:")
		for i := range p.Prices {
			w.line(2, p.Prices[i].line())
		}
	}
	p.renderUnpriced(w)
}

// renderUnpriced says which models take nothing from budgets, and what to write so that they do.
func (p *Plan) renderUnpriced(w *writer) {
	if len(p.Unpriced) == 0 {
		return
	}
	w.line(0, "")
	w.line(0, "# Nobody here knows what these models cost: calls of them take nothing from any budget. Write prices for them, such as")
	w.line(0, "# the old ones below, by taking the # away (behind the prices above, if there are any).")
	if len(p.Prices) == 0 {
		w.line(0, "# prices:")
	}
	for _, model := range p.Unpriced {
		of, said := p.then[model]
		if !said {
			of = priced{Model: model}
		}
		w.line(0, "#   "+oneLine(of.line()))
	}
}

// line is a price as the file has it.
func (of *priced) line() string {
	text := "- {model: " + quote(of.Model)
	switch {
	case of.Call != nil:
		text += ", request: " + trimmed(of.Call, 9)
	case of.Input == nil:
		text += ", input: ?, output: ?"
	default:
		text += ", input: " + trimmed(of.Input, 6) + ", output: " + trimmed(of.Output, 6)
		if of.Cached != nil {
			text += ", cached: " + trimmed(of.Cached, 6)
		}
		if of.CacheWrite != nil {
			text += ", cache_write: " + trimmed(of.CacheWrite, 6)
		}
	}
	text += "}"
	if of.guessed {
		text += " # the old database does not say what output costs"
	}
	return text
}
