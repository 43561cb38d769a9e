package migrate

import (
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// priced is a price of the old database, in dollars per million tokens.
type priced struct {
	Model                             string
	Input, Cached, CacheWrite, Output *big.Rat // nil: not said
	Call                              *big.Rat // dollars a call
	guessed                           bool     // the output's is not stored there
}

// ratios is an option that holds numbers by name.
func ratios(text string) (found map[string]*big.Rat, ok bool) {
	found = map[string]*big.Rat{}
	all, err := object(text)
	if err != nil {
		return found, false
	}
	for name, value := range all {
		number, is := value.(json.Number)
		if !is || len(number) > 40 || strings.ContainsAny(string(number), "eE") {
			continue
		}
		if n, ok := new(big.Rat).SetString(string(number)); ok && n.Sign() >= 0 {
			found[name] = n
		}
	}
	return found, true
}

// ofType is a price for channels of one type alone: qwen-plus(17).
var ofType = regexp.MustCompile(`\(\d+\)$`)

// PriceChoice is which of the old prices are taken over.
type PriceChoice string

// The choices.
const (
	NoPrices      PriceChoice = ""
	MissingPrices PriceChoice = "missing" // of models that have no price here
	AllPrices     PriceChoice = "all"     // and those of groups
)

// ParsePriceChoice reads what a flag says.
func ParsePriceChoice(text string) (PriceChoice, error) {
	switch text {
	case "all", "true":
		return AllPrices, nil
	case "missing":
		return MissingPrices, nil
	case "false":
		return NoPrices, nil
	}
	return NoPrices, errors.New(`must be "all" (or nothing) or "missing", for models that have no price here`)
}

// prices reads what the old database says of the models that its channels serve, and takes over what is wanted of that.
func (p *Plan) prices(old *Old, unit rate, groups *renamed) {
	options := map[string]map[string]*big.Rat{}
	for _, name := range []string{
		"ModelRatio", "CompletionRatio", "CacheRatio", "CreateCacheRatio", "ModelPrice", "PerCallPricing", "GroupRatio",
	} {
		read, ok := ratios(old.Options[name])
		if !ok && p.options.Prices != NoPrices {
			p.warn("the option %s is no JSON object: no prices are taken from it", name)
		}
		options[name] = read
	}
	// The database holds all prices of the old program if one was ever changed, and none otherwise.
	if p.noRatios = len(options["ModelRatio"]) == 0; p.noRatios && p.options.Prices != NoPrices {
		p.warn("the old database holds no ModelRatio (its program's own prices were never changed): no prices are taken over, and the ones " +
			"that this relay ships hold")
	}
	p.then = map[string]priced{}
	for model, targets := range p.served() {
		of, said := pricedAs(model, options, unit)
		for _, target := range targets {
			at, has := pricedAs(target, options, unit)
			if has && p.Dialect == OneAPI { // which asks the price of what the upstream is asked for
				p.then[target] = at
			}
			if has && !said {
				of, said = at, true
				of.Model = model
			}
		}
		if said {
			p.then[model] = of
		}
	}
	if p.options.Prices != AllPrices {
		return
	}
	for _, model := range slices.Sorted(maps.Keys(p.then)) {
		p.Prices = append(p.Prices, p.then[model])
	}
	p.Markups = map[string]*big.Rat{}
	for name, ratio := range options["GroupRatio"] {
		if to := groups.name(name); ratio.Cmp(new(big.Rat).SetInt64(1)) != 0 && p.hasGroup(to) {
			p.Markups[to] = ratio
		}
	}
}

// pricedAs is a model's price by the old options; said is false if they have none.
func pricedAs(model string, options map[string]map[string]*big.Rat, unit rate) (of priced, said bool) {
	find := func(option string) *big.Rat {
		if at := options[option][model]; at != nil {
			return at
		}
		for _, name := range slices.Sorted(maps.Keys(options[option])) {
			if ofType.MatchString(name) && ofType.ReplaceAllString(name, "") == model {
				return options[option][name]
			}
		}
		return nil
	}
	of = priced{Model: model, Call: find("ModelPrice")}
	if of.Call == nil {
		of.Call = find("PerCallPricing")
	}
	ratio := find("ModelRatio")
	if of.Call != nil || ratio == nil {
		return of, of.Call != nil
	}
	// A ratio of 1 is one quota a token.
	of.Input = new(big.Rat).Mul(ratio, new(big.Rat).Quo(new(big.Rat).SetInt64(1_000_000), unit.perDollar))
	output := find("CompletionRatio")
	if output == nil {
		output, of.guessed = usualOutput(model), true
	}
	times := func(by *big.Rat) *big.Rat {
		if by == nil {
			return nil
		}
		return new(big.Rat).Mul(of.Input, by)
	}
	of.Output, of.Cached, of.CacheWrite = times(output), times(find("CacheRatio")), times(find("CreateCacheRatio"))
	return of, true
}

// takeMissing takes over the prices of models that have none here, if that is wanted. taken: there were some.
func (p *Plan) takeMissing() (taken bool) {
	if p.options.Prices != MissingPrices {
		return false
	}
	for _, model := range p.Unpriced {
		of, said := p.then[model]
		if said && !slices.ContainsFunc(p.Prices, func(has priced) bool { return has.Model == model }) {
			p.Prices, taken = append(p.Prices, of), true
		}
	}
	return taken
}

// words is a price for people, in dollars.
func (of *priced) words() string {
	if of.Call != nil {
		return "$" + trimmed(of.Call, 9) + " a call"
	}
	text := "$" + trimmed(of.Input, 6) + " a million tokens of input, $" + trimmed(of.Output, 6) + " of output"
	if of.guessed {
		text += " (the old program's usual one)"
	}
	return text
}

// unpricedWords says what a model without a price here has cost there.
func (p *Plan) unpricedWords(model string) string {
	of, said := p.then[model]
	switch {
	case said:
		return of.words() + " there"
	case p.noRatios:
		return "the price that the old program has built in there"
	}
	return "no price there either"
}

// served is the models that channels serve, each with what upstreams are asked for instead.
func (p *Plan) served() map[string][]string {
	all := map[string][]string{}
	for _, c := range p.Channels {
		if c.Fate == Unsupported {
			continue
		}
		for i := range c.Entries {
			e := &c.Entries[i]
			for _, model := range e.models {
				to := e.mapping[model]
				if to != "" && !slices.Contains(all[model], to) {
					all[model] = append(all[model], to)
				} else if _, known := all[model]; !known {
					all[model] = nil
				}
			}
		}
	}
	return all
}

func (p *Plan) hasGroup(name string) bool {
	return slices.ContainsFunc(p.Tokens, func(t *Token) bool { return slices.Contains(t.Groups, name) })
}

// usualOutput is what output costs for each of input in the old programs if CompletionRatio does not say.
func usualOutput(model string) *big.Rat {
	for _, of := range []struct {
		prefix string
		times  *big.Rat
	}{
		{"gpt-3.5", big.NewRat(3, 1)}, {"gpt-4o", big.NewRat(4, 1)}, {"gpt-4-turbo", big.NewRat(3, 1)}, {"gpt-4.1", big.NewRat(4, 1)},
		{"gpt-4", big.NewRat(2, 1)}, {"gpt-5", big.NewRat(8, 1)}, {"chatgpt-4o", big.NewRat(3, 1)}, {"o1", big.NewRat(4, 1)},
		{"o3", big.NewRat(4, 1)}, {"o4", big.NewRat(4, 1)}, {"claude-3", big.NewRat(5, 1)}, {"claude-2", big.NewRat(3, 1)},
		{"claude-instant", big.NewRat(3, 1)}, {"claude-", big.NewRat(5, 1)}, {"mistral-", big.NewRat(3, 1)}, {"gemini-", big.NewRat(3, 1)},
		{"deepseek-", big.NewRat(2, 1)},
	} {
		if strings.HasPrefix(model, of.prefix) {
			return of.times
		}
	}
	return big.NewRat(1, 1)
}
