package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"one-api/relay/store"
)

// Dimension is what usage can be told apart by.
type Dimension string

// The dimensions.
const (
	ByToken   Dimension = "token"
	ByModel   Dimension = "model"
	ByChannel Dimension = "channel"
	ByDay     Dimension = "day"
)

// UsageQuery asks what was used.
type UsageQuery struct {
	By       []Dimension // one at least
	From, To int         // days, YYYYMMDD, both included
}

// Usage is what was used in the days that were asked for, by token, model, channel or day: those that were not asked for are empty.
// Requests is those that ended there; a request that went on from one channel to another is an attempt of both.
type Usage struct {
	Token, Model, Channel string
	Day                   int // YYYYMMDD

	Requests, Attempts                           int64
	Input, Cached, CacheWrite, Output, Reasoning int64 // tokens; Input includes Cached and CacheWrite, Output includes Reasoning
	Cost, Charge                                 int64 // nano-dollars
	Estimated, Unpriced                          int64 // attempts
}

// freshness is how long a question waits for what has just ended to be written, and queryTimeout is how long it may take in all.
const (
	freshness    = 900 * time.Millisecond
	queryTimeout = 10 * time.Second
)

// Today is today's day.
func (l *Ledger) Today() int { return dayOf(time.Now().In(l.options.Zone)) }

// Zone is that of days.
func (l *Ledger) Zone() *time.Location { return l.options.Zone }

// bothDaily is the daily sums, with those of the program that was in this one's place (one-api import --logs).
const bothDaily = "(SELECT day, token, model, channel, requests, attempts, input, cached, cache_write, output, reasoning, cost, charge, " +
	"estimated, unpriced FROM relay_daily UNION ALL SELECT day, token, model, channel, requests, requests, input, cached, 0, output, 0, " +
	"cost, cost, 0, 0 FROM relay_daily_imported) AS sums"

// Usage is what was used, in the order of what it is told apart by.
func (l *Ledger) Usage(ctx context.Context, q UsageQuery) ([]Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	l.catchUp(ctx)
	db, err := l.options.Store.Reader()
	if err != nil {
		return nil, away(err)
	}
	var by []string
	for _, d := range q.By {
		if !slices.Contains([]Dimension{ByToken, ByModel, ByChannel, ByDay}, d) {
			return nil, errors.New("usage is not told apart by " + string(d))
		}
		by = append(by, string(d))
	}
	names := strings.Join(by, ", ")
	rows, err := db.QueryContext(ctx, l.options.Store.Bind(fmt.Sprintf("SELECT %s, sum(requests), sum(attempts), sum(input), sum(cached), "+
		"sum(cache_write), "+
		"sum(output), sum(reasoning), sum(cost), sum(charge), sum(estimated), sum(unpriced) FROM "+bothDaily+" WHERE day BETWEEN ? AND ? "+
		"GROUP BY %s ORDER BY %s", names, names, names)), q.From, q.To)
	if err != nil {
		return nil, away(err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	var all []Usage
	for rows.Next() {
		var u Usage
		var into []any
		for _, d := range q.By {
			into = append(into, map[Dimension]any{ByToken: &u.Token, ByModel: &u.Model, ByChannel: &u.Channel, ByDay: &u.Day}[d])
		}
		into = append(into, &u.Requests, &u.Attempts, &u.Input, &u.Cached, &u.CacheWrite, &u.Output, &u.Reasoning, &u.Cost, &u.Charge,
			&u.Estimated,
			&u.Unpriced)
		if err := rows.Scan(into...); err != nil {
			return nil, away(err)
		}
		all = append(all, u)
	}
	return all, away(rows.Err())
}

// catchUp has what has just ended written. While the database is behind, the answer is of what it has.
func (l *Ledger) catchUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, freshness)
	defer cancel()
	_ = l.Flush(ctx) // the question that follows finds out whether the database is away
}

// ErrAway is wrapped by the errors of questions that the database does not answer now.
var ErrAway = errors.New("the ledger's database does not answer")

func away(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// Spent is what tokens have been charged on a day, in nano-dollars.
type Spent struct {
	Token  string
	Owner  string // instead of a token: what it had spent before any of its tokens was used here
	Day    int    // YYYYMMDD; 0: in all the days whose sums are gone
	Charge int64
}

// Spent is what each token has been charged, day by day: what budgets begin with.
func (l *Ledger) Spent(ctx context.Context) ([]Spent, error) { return SpentIn(ctx, l.options.Store) }

// SpentIn is Spent for who has the store alone.
func SpentIn(ctx context.Context, kept *store.Store) ([]Spent, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	db, err := kept.Reader()
	if err != nil {
		return nil, away(err)
	}
	rows, err := db.QueryContext(ctx, "SELECT 'token:' || token, day, sum(charge) FROM relay_daily GROUP BY token, day HAVING "+
		"sum(charge) <> 0 UNION ALL SELECT scope, 0, carried FROM relay_budgets WHERE period = 'total' AND carried <> 0")
	if err != nil {
		return nil, away(err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	var all []Spent
	for rows.Next() {
		var s Spent
		var scope string
		if err := rows.Scan(&scope, &s.Day, &s.Charge); err != nil {
			return nil, away(err)
		}
		switch kind, name, _ := strings.Cut(scope, ":"); kind {
		case "token":
			s.Token = name
		case "owner":
			s.Owner = name
		default:
			continue // a newer relay's
		}
		all = append(all, s)
	}
	return all, away(rows.Err())
}
