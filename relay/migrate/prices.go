package migrate

import (
	"encoding/json"
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

// prices reads what the old database says of the models that its channels serve. It holds all prices of the old program if one was ever
// changed, and none otherwise.
func (p *Plan) prices(old *Old, unit rate, groups *renamed) {
	options := map[string]map[string]*big.Rat{}
	for _, name := range []string{
		"ModelRatio", "CompletionRatio", "CacheRatio", "CreateCacheRatio", "ModelPrice", "PerCallPricing", "GroupRatio",
	} {
		read, ok := ratios(old.Options[name])
		if !ok {
			p.warn("the option %s is no JSON object: no prices are taken from it", name)
		}
		options[name] = read
	}
	if len(options["ModelRatio"]) == 0 {
		p.warn("the old database holds no ModelRatio (its program's own prices were never changed): no prices are taken over, and the ones " +
			"that this relay ships hold")
	}
	// A ratio of 1 is one quota a token.
	perMillion := new(big.Rat).Quo(new(big.Rat).SetInt64(1_000_000), unit.perDollar)
	for _, model := range p.served() {
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
		of := priced{Model: model, Call: find("ModelPrice")}
		if of.Call == nil {
			of.Call = find("PerCallPricing")
		}
		ratio := find("ModelRatio")
		if of.Call == nil && ratio == nil {
			continue
		}
		if of.Call == nil {
			of.Input = new(big.Rat).Mul(ratio, perMillion)
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
		}
		p.Prices = append(p.Prices, of)
	}
	p.Markups = map[string]*big.Rat{}
	for name, ratio := range options["GroupRatio"] {
		if to := groups.name(name); ratio.Cmp(new(big.Rat).SetInt64(1)) != 0 && p.hasGroup(to) {
			p.Markups[to] = ratio
		}
	}
}

// served is the models that channels serve, and what upstreams are asked for instead.
func (p *Plan) served() []string {
	all := map[string]bool{}
	for _, c := range p.Channels {
		if c.Fate == Unsupported {
			continue
		}
		for i := range c.Entries {
			for _, model := range c.Entries[i].models {
				all[model] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
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
