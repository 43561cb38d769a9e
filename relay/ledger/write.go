package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"one-api/relay/record"
	"one-api/relay/store"
)

// Rows are inserted so many with one statement, and what is left with smaller ones: each is prepared once. So are sums added to.
var insertSizes = [...]int{32, 8, 2, 1}

// writer puts rows into the database, with their sums, in one transaction.
type writer struct {
	store *store.Store
	args  []any
	parts [forms][]*Row // the rows at hand, by form
	sums  map[sumKey]*sum
	spent map[string]int64

	db       *sql.DB // that the statements were prepared for
	inserts  [forms][len(insertSizes)]*sql.Stmt
	addsSum  [len(insertSizes)]*sql.Stmt
	addsCost [len(insertSizes)]*sql.Stmt
}

// sumKey is what one daily sum is of.
type sumKey struct {
	day                   int
	token, model, channel string
}

// sum is what a day's rows come to.
type sum struct {
	requests, attempts, input, cached, cacheWrite, output, reasoning, cost, charge, estimated, unpriced int64
}

// errRepeated is the error for rows of which some are there already.
var errRepeated = errors.New("some of the rows are there already")

// write writes rows of which none need be new: those that are there already change nothing, neither as rows nor in the sums.
func (w *writer) write(ctx context.Context, rows []Row) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	err := w.store.Write(ctx, func(tx *sql.Tx) error { return w.writeIn(ctx, tx, rows, insertSizes[:]) })
	if errors.Is(err, errRepeated) {
		err = w.store.Write(ctx, func(tx *sql.Tx) error { return w.writeIn(ctx, tx, rows, insertSizes[len(insertSizes)-1:]) })
	}
	return err
}

// writeIn inserts rows with statements of these sizes. Of more than one at a time nobody knows which were there already: errRepeated.
func (w *writer) writeIn(ctx context.Context, tx *sql.Tx, rows []Row, sizes []int) error {
	clear(w.sums)
	clear(w.spent)
	if w.store.Target().Kind == store.SQLite {
		// It has the lock by now and waits for nobody before the transaction's end, so that there is nothing to be called off. With a
		// context that may end, its driver starts a goroutine for each statement.
		ctx = context.WithoutCancel(ctx)
	}
	w.part(rows)
	defer w.forget()
	for as, part := range w.parts {
		if err := w.writePart(ctx, tx, form(as), part, sizes); err != nil {
			return err
		}
	}
	return w.flushSums(ctx, tx)
}

// part parts rows by their forms.
func (w *writer) part(rows []Row) {
	for i := range rows {
		as := rows[i].form()
		w.parts[as] = append(w.parts[as], &rows[i])
	}
	for _, part := range w.parts {
		slices.SortFunc(part, func(a, b *Row) int { return strings.Compare(a.ID, b.ID) }) // as they stand in the table
	}
}

// forget keeps no row.
func (w *writer) forget() {
	for as := range w.parts {
		clear(w.parts[as])
		w.parts[as] = w.parts[as][:0]
	}
}

// writePart inserts the rows of a form.
func (w *writer) writePart(ctx context.Context, tx *sql.Tx, as form, rows []*Row, sizes []int) error {
	first := len(insertSizes) - len(sizes)
	for i, size := range sizes {
		if len(rows) < size {
			continue
		}
		insert := tx.StmtContext(ctx, w.inserts[as][first+i])
		for ; len(rows) >= size; rows = rows[size:] {
			inserted, err := w.insert(ctx, insert, as, rows[:size])
			switch {
			case err != nil:
				return err
			case inserted == size:
				for _, r := range rows[:size] {
					w.add(r)
				}
			case size > 1:
				return errRepeated
			}
		}
	}
	return nil
}

func (w *writer) insert(ctx context.Context, insert *sql.Stmt, as form, rows []*Row) (int, error) {
	w.args = w.args[:0]
	for _, r := range rows {
		w.args = r.values(as, w.args)
	}
	result, err := insert.ExecContext(ctx, w.args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// add adds a row that has been inserted to its sum. A request that was turned away is in none.
func (w *writer) add(r *Row) {
	if r.Attempt == 0 {
		return
	}
	key := sumKey{r.Day, r.Token, r.Model, r.Channel}
	s := w.sums[key]
	if s == nil {
		s = &sum{}
		w.sums[key] = s
	}
	s.requests += number(r.Last)
	s.attempts++
	s.input += r.Input()
	s.cached += r.CacheRead
	s.cacheWrite += r.CacheWrite5m + r.CacheWrite1h
	s.output += r.Output()
	s.reasoning += r.Reasoning
	s.cost += r.Cost
	s.charge += r.Charge
	s.estimated += number(r.Source == record.CountedByEstimate.String())
	s.unpriced += number(r.Unpriced)
	if r.Charge != 0 {
		w.spent[r.Token] += r.Charge
	}
}

// flushSums adds to the sums, in one order, so that two relays that write to one database do not wait for each other in a circle.
func (w *writer) flushSums(ctx context.Context, tx *sql.Tx) error {
	keys := make([]sumKey, 0, len(w.sums))
	for key := range w.sums {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b sumKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.token, b.token), strings.Compare(a.model, b.model),
			strings.Compare(a.channel, b.channel))
	})
	err := w.inSizes(ctx, tx, &w.addsSum, len(keys), func(i int, args []any) []any {
		k, s := keys[i], w.sums[keys[i]]
		return append(args, int64(k.day), k.token, k.model, k.channel, s.requests, s.attempts, s.input, s.cached, s.cacheWrite, s.output,
			s.reasoning, s.cost, s.charge, s.estimated, s.unpriced)
	})
	if err != nil {
		return err
	}
	tokens := make([]string, 0, len(w.spent))
	for token := range w.spent {
		tokens = append(tokens, token)
	}
	slices.Sort(tokens)
	return w.inSizes(ctx, tx, &w.addsCost, len(tokens), func(i int, args []any) []any {
		return append(args, scopeOf(tokens[i]), w.spent[tokens[i]])
	})
}

// inSizes writes n rows, whose values args appends, with the statements of a table.
func (w *writer) inSizes(ctx context.Context, tx *sql.Tx, statements *[len(insertSizes)]*sql.Stmt, n int,
	args func(i int, to []any) []any) error {
	i := 0
	for which, size := range insertSizes {
		if n-i < size {
			continue
		}
		statement := tx.StmtContext(ctx, statements[which])
		for ; n-i >= size; i += size {
			w.args = w.args[:0]
			for row := range size {
				w.args = args(i+row, w.args)
			}
			if _, err := statement.ExecContext(ctx, w.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// scopeOf is how the budgets' table calls a token.
func scopeOf(token string) string { return "token:" + token }

// What is added to the sums, a row at a time or several: their beginnings, how wide a row is, and their ends.
const (
	addToSum = "INSERT INTO relay_daily (day, token, model, channel, requests, attempts, input, cached, cache_write, output, reasoning, " +
		"cost, charge, estimated, unpriced) VALUES "
	sumWidth = 15
	sumIsNow = " ON CONFLICT (day, token, model, channel) DO UPDATE SET requests = relay_daily.requests + excluded.requests, " +
		"attempts = relay_daily.attempts + excluded.attempts, input = relay_daily.input + excluded.input, " +
		"cached = relay_daily.cached + excluded.cached, cache_write = relay_daily.cache_write + excluded.cache_write, " +
		"output = relay_daily.output + excluded.output, reasoning = relay_daily.reasoning + excluded.reasoning, " +
		"cost = relay_daily.cost + excluded.cost, charge = relay_daily.charge + excluded.charge, " +
		"estimated = relay_daily.estimated + excluded.estimated, unpriced = relay_daily.unpriced + excluded.unpriced"
	addToSpent = "INSERT INTO relay_budgets (scope, spent, period, carried) VALUES "
	spentIsNow = " ON CONFLICT (scope, period) DO UPDATE SET spent = relay_budgets.spent + excluded.spent"
)

// severalRows is n rows of placeholders, behind which each may have constants.
func severalRows(n, width int, constants string) string {
	return several(n, "(?"+strings.Repeat(", ?", width-1)+constants+")")
}

// several is n of a row.
func several(n int, row string) string { return row + strings.Repeat(", "+row, n-1) }

// prepare prepares the statements, unless that was done for the database as it is open now.
func (w *writer) prepare(ctx context.Context) error {
	db, err := w.store.Writer()
	if err != nil || db == w.db {
		return err
	}
	w.db = nil // those of a database that was closed have gone with it
	if w.sums == nil {
		w.sums, w.spent = map[sumKey]*sum{}, map[string]int64{}
	}
	// OR IGNORE does without the journal of a statement that may fail in its middle, which costs SQLite as much as the rows.
	insert, unlessThere := "INSERT OR IGNORE INTO relay_attempts ("+columns+") VALUES ", ""
	if w.store.Target().Kind == store.PostgreSQL {
		insert, unlessThere = strings.Replace(insert, " OR IGNORE", "", 1), " ON CONFLICT (id, attempt) DO NOTHING"
	}
	for i, size := range insertSizes {
		for _, s := range [...]struct {
			query string
			into  **sql.Stmt
		}{
			{insert + several(size, placeholders[anyRow]) + unlessThere, &w.inserts[anyRow][i]},
			{insert + several(size, placeholders[usual]) + unlessThere, &w.inserts[usual][i]},
			{addToSum + severalRows(size, sumWidth, "") + sumIsNow, &w.addsSum[i]},
			{addToSpent + severalRows(size, 2, ", 'total', 0") + spentIsNow, &w.addsCost[i]},
		} {
			if *s.into, err = db.PrepareContext(ctx, w.store.Bind(s.query)); err != nil {
				return err
			}
		}
	}
	w.db = db
	return nil
}
