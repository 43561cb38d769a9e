package operator

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/config"
	"one-api/relay/price"
)

// priced is an element of the answer of GET /api/prices: what a model costs at a channel.
type priced struct {
	Channel string `json:"channel"`
	Model   string `json:"model"` // that the upstream is asked for
	Priced  bool   `json:"priced"`
	Rule    string `json:"rule,omitempty"` // such as openai/gpt-4o, or prices[0] my-*
	Date    string `json:"date,omitempty"` // since when, or of which day the table is
	// Prices are US dollars for a million tokens or characters, for a request or a picture, and for an hour of sound.
	Prices map[string]string `json:"prices,omitempty"`
	// Tiers are the prices of calls whose input is over so many tokens.
	Tiers    map[string]map[string]string `json:"tiers,omitempty"`
	Discount float64                      `json:"discount"`
}

// PriceList serves GET /api/prices?model=: what a model costs at each channel that has it, by which rule and since when. Without a model it
// says whose prices are shipped.
func (o *Operator) PriceList(g *gin.Context) {
	source, version, date := price.Shipped()
	answer := gin.H{"source": source, "version": version, "date": date, "license": "MIT"}
	model := g.Query("model")
	if model == "" {
		g.JSON(http.StatusOK, answer)
		return
	}
	book, all := o.Prices(), []priced{}
	for _, c := range o.Pool.Set().All() {
		_, mapped := c.ModelMapping[model]
		if !mapped && !slices.ContainsFunc(c.Models, func(pattern string) bool { return config.Match(pattern, model) }) {
			continue
		}
		p := priced{Channel: c.Name, Model: c.UpstreamModel(model), Discount: float64(c.Share()) / price.Million}
		rule, known := book.Find(&c.Channel, price.Models{Asked: p.Model, Alias: model}, time.Now())
		if p.Priced = known; known {
			p.Rule, p.Date, p.Prices = rule.Name, rule.Date, map[string]string{}
			rule.Rates().Each(func(u price.Unit, rate *price.Rate) {
				p.Prices[u.String()] = inDollars(u, rate.Pico)
				for _, tier := range rate.Tiers {
					if p.Tiers == nil {
						p.Tiers = map[string]map[string]string{}
					}
					over := strconv.FormatInt(tier.Over, 10)
					if p.Tiers[over] == nil {
						p.Tiers[over] = map[string]string{}
					}
					p.Tiers[over][u.String()] = inDollars(u, tier.Pico)
				}
			})
		}
		all = append(all, p)
	}
	answer["data"] = all
	g.JSON(http.StatusOK, answer)
}

// inDollars is a price in pico-dollars as people know it.
func inDollars(u price.Unit, pico int64) string {
	if u.ForAMillion() {
		return strconv.FormatFloat(float64(pico)/1e6, 'f', -1, 64)
	}
	return strconv.FormatFloat(float64(pico)/1e12, 'f', -1, 64)
}
