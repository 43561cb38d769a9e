package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
)

// RequestQuery asks for requests, the latest first.
type RequestQuery struct {
	Token, Model, Channel, Outcome string // empty: any
	ClientRequestID                string // what the client calls it; empty: any
	Before                         string // id: those before it; empty: from the latest on
	From, To                       string // beginnings of ids (IDAt): requests that came from From on, and before To
	MinCost                        int64  // nano-dollars
	Limit                          int
}

// where is the condition of a query, and its arguments.
func (q *RequestQuery) where() (string, []any) {
	var all []string
	var args []any
	add := func(condition string, arg any) {
		all, args = append(all, condition), append(args, arg)
	}
	for _, f := range [...]struct{ condition, value string }{
		{"token = ?", q.Token}, {"model = ?", q.Model}, {"channel = ?", q.Channel}, {"total_outcome = ?", q.Outcome},
		{"id < ?", q.Before}, {"id >= ?", q.From}, {"id < ?", q.To},
	} {
		if f.value != "" {
			add(f.condition, f.value)
		}
	}
	if q.Outcome != "" && q.Outcome != "completed" {
		all = append(all, "total_outcome <> 'completed'") // what the index is for
	}
	if q.ClientRequestID != "" {
		add("more LIKE ? ESCAPE '!'", `%"client_request_id":"`+likely.Replace(q.ClientRequestID)+`"%`)
	}
	if q.MinCost > 0 {
		add("total_cost >= ?", q.MinCost)
	}
	if q.Channel == "" { // an attempt before the last may have been made there
		all = append(all, "is_last = 1")
	}
	return strings.Join(all, " AND "), args
}

// likely writes a client's id as a pattern. One that holds a quotation mark or a backslash is none.
var likely = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// Requests is the last row of each request that was asked for, the latest first.
func (l *Ledger) Requests(ctx context.Context, q RequestQuery) ([]Row, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	l.catchUp(ctx)
	where, args := q.where()
	query := "SELECT " + columns + " FROM relay_attempts WHERE " + where + " ORDER BY id DESC, attempt DESC LIMIT ?"
	if q.Channel != "" {
		query = "SELECT " + columns + " FROM relay_attempts WHERE is_last = 1 AND id IN (SELECT DISTINCT id FROM relay_attempts WHERE " + where +
			" ORDER BY id DESC LIMIT ?) ORDER BY id DESC"
	}
	return l.rows(ctx, query, append(args, q.Limit))
}

// Request is a request's rows, an attempt each, in their order; none: there is no such request.
func (l *Ledger) Request(ctx context.Context, id string) ([]Row, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	l.catchUp(ctx)
	return l.rows(ctx, "SELECT "+columns+" FROM relay_attempts WHERE id = ? ORDER BY attempt", []any{id})
}

func (l *Ledger) rows(ctx context.Context, query string, args []any) ([]Row, error) {
	db, err := l.options.Store.Reader()
	if err != nil {
		return nil, away(err)
	}
	rows, err := db.QueryContext(ctx, l.options.Store.Bind(query), args...)
	if err != nil {
		return nil, away(err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	var all []Row
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, away(err)
		}
		all = append(all, r)
	}
	return all, away(rows.Err())
}

// scan reads the columns of a row.
func scan(rows *sql.Rows) (r Row, err error) {
	var last, priced int64
	var more sql.NullString
	err = rows.Scan(&r.ID, &r.Attempt, &last, &r.At, &r.Day, &r.Token, &r.Model, &r.Channel, &r.Provider, &r.Endpoint, &r.Asked, &r.Answered,
		&r.Outcome, &r.Status, &r.MS, &r.FirstMS, &r.Uncached, &r.CacheRead, &r.CacheWrite5m, &r.CacheWrite1h, &r.AudioIn, &r.ImageIn, &r.TextOut,
		&r.AudioOut, &r.ImageOut, &r.Reasoning, &r.Source, &r.Cost, &r.Charge, &priced, &r.Rule, &r.RuleDate, &r.TotalOutcome, &r.TotalStatus,
		&r.TotalMS, &r.TotalCost, &more)
	r.Last, r.Unpriced = last == 1, priced == 0
	if err == nil && more.Valid {
		err = json.Unmarshal([]byte(more.String), &r.More)
	}
	return r, err
}
