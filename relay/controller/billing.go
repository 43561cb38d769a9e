package controller

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/apikey"
	"one-api/relay/gate"
	"one-api/relay/ledger"
	"one-api/relay/limit"
)

// Chat clients that were made for one-api ask what a key may spend and has spent, in the words of OpenAI's old dashboard.

// unlimitedUSD is what one-api says of a key without a budget.
const unlimitedUSD = 100_000_000

// subscription is the answer of GET /v1/dashboard/billing/subscription.
type subscription struct {
	Object          string  `json:"object"` // billing_subscription
	HasPayment      bool    `json:"has_payment_method"`
	SoftLimitUSD    float64 `json:"soft_limit_usd"`
	HardLimitUSD    float64 `json:"hard_limit_usd"`
	SystemHardLimit float64 `json:"system_hard_limit_usd"`
	AccessUntil     int64   `json:"access_until"` // Unix seconds; 0: for ever
}

// Subscription says what a key may spend: its budget, of the period that this has.
func (c *Controller) Subscription(g *gin.Context) {
	key, directory, ok := c.key(g)
	if !ok {
		return
	}
	s := subscription{Object: "billing_subscription", HasPayment: true, HardLimitUSD: unlimitedUSD}
	if used, has := budgetOf(directory, key); has {
		s.HardLimitUSD = usd(used.Most)
	}
	if until := key.Expires(); !until.IsZero() {
		s.AccessUntil = until.Unix()
	}
	s.SoftLimitUSD, s.SystemHardLimit = s.HardLimitUSD, s.HardLimitUSD
	g.JSON(http.StatusOK, s)
}

// Usage serves GET /v1/dashboard/billing/usage?start_date=&end_date=: what a key has spent, in cents. A key with a budget is told of the
// budget's period, whatever the dates, so that what is left is the one figure less the other. Another one is told what the ledger knows of
// those days, or of this month.
func (c *Controller) Usage(g *gin.Context) {
	key, directory, ok := c.key(g)
	if !ok {
		return
	}
	cents := 0.0
	if used, has := budgetOf(directory, key); has {
		cents = usd(used.Spent) * 100
	} else if c.Ledger != nil {
		from, to := c.days(g)
		rows, err := c.Ledger.Usage(g.Request.Context(), ledger.UsageQuery{By: []ledger.Dimension{ledger.ByToken}, From: from, To: to})
		if err != nil {
			c.Log.Warn("a client's question for its usage could not be answered", "error", err.Error())
		}
		for i := range rows {
			if rows[i].Token == key.Name {
				cents = usd(rows[i].Charge) * 100
			}
		}
	}
	g.JSON(http.StatusOK, gin.H{"object": "list", "total_usage": cents})
}

// days is what a client asks about, as the ledger has days; without dates it is this month up to now.
func (c *Controller) days(g *gin.Context) (from, to int) {
	number := func(at time.Time) int { return at.Year()*10000 + int(at.Month())*100 + at.Day() }
	now := time.Now().In(c.Ledger.Zone())
	from, to = number(now)-now.Day()+1, number(now)
	if at, err := time.Parse("2006-1-2", g.Query("start_date")); err == nil {
		from = number(at)
	}
	if at, err := time.Parse("2006-1-2", g.Query("end_date")); err == nil {
		to = number(at)
	}
	return from, to
}

// key is the client's; false: it has none that counts, and has been told.
func (c *Controller) key(g *gin.Context) (*apikey.Key, *gate.Directory, bool) {
	key, directory, refusal := c.Gates.Caller(g.Request, formatOf(g.Request))
	if refusal != nil {
		fail(g, refusal.Err)
		return nil, directory, false
	}
	return key, directory, true
}

// budgetOf is how far a key has used its budget, or the one of its owner if less is left of that; false: there is neither.
func budgetOf(directory *gate.Directory, key *apikey.Key) (of limit.Used, has bool) {
	directory.Limits.Budgets(func(u limit.Used) {
		counts := u.Scope == limit.OfToken && u.Name == key.Name || u.Scope == limit.OfOwner && u.Name == key.Of.Owner
		if counts && (!has || u.Most-u.Spent < of.Most-of.Spent) {
			of, has = u, true
		}
	})
	return of, has
}

// usd is nano-dollars in dollars.
func usd(nano int64) float64 { return float64(nano) / 1e9 }
