package ledger

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"one-api/relay/store"
)

// When the ledger looks after itself: soon after the start, and then so that it takes no more than a small part of the time.
const (
	firstUpkeep = 3 * time.Second
	upkeepEvery = 30 * time.Second
	upkeepShare = 5
	auditEvery  = 10 * time.Second
	auditShare  = 50
)

// atOnce is how many rows retention deletes in one transaction, so that nobody waits for it for long.
const atOnce = 500

// balance is what the last look at the books came to: by how much they differ. Anything but 0 is a bug.
type balance struct {
	rows  atomic.Int64 // rows against daily sums: rows that are too many or too few, and nano-dollars
	spent atomic.Int64 // daily sums against what tokens are said to have spent, nano-dollars
	looks atomic.Int64
}

// tidies deletes a part of what is old. more is when the next part is due.
func (l *Ledger) tidies(ctx context.Context) (more time.Duration, err error) {
	if err := l.options.Store.Ready(ctx); err != nil {
		return upkeepEvery, err
	}
	began := time.Now()
	left, err := l.forget(ctx, began)
	if err != nil || !left {
		return upkeepEvery, err
	}
	return upkeepShare * time.Since(began), nil
}

// audits compares the books until ctx ends.
func (l *Ledger) audits(ctx context.Context) {
	timer := time.NewTimer(firstUpkeep)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		l.losses.look(l.lost.Load(), processAge())
		if l.options.Store.State() == nil {
			if err := l.audit(ctx, began); err != nil && ctx.Err() == nil && l.options.Store.State() == nil {
				l.options.Log.Warn("the ledger could not compare its books", "error", err.Error())
			}
		}
		timer.Reset(max(auditEvery, auditShare*time.Since(began)))
	}
}

// dayOf is a time's day, YYYYMMDD.
func dayOf(t time.Time) int { return t.Year()*10000 + int(t.Month())*100 + t.Day() }

// IDAt is what ids of requests that come from t on are not before.
func IDAt(t time.Time) string {
	const digits = "0123456789abcdef"
	ms := max(0, t.UnixMilli())
	var text [12]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = digits[ms&15]
		ms >>= 4
	}
	return string(text[:])
}

// midnight is when the day of t began that is so many days before it.
func (l *Ledger) midnight(t time.Time, before int) time.Time {
	t = t.In(l.options.Zone)
	return time.Date(t.Year(), t.Month(), t.Day()-before, 0, 0, 0, 0, l.options.Zone)
}

// forgetRows deletes some of the rows before an id. With a bound in the place of the list PostgreSQL reads the whole table for each part,
// since it cannot know how few are below it.
const forgetRows = "DELETE FROM relay_attempts WHERE id IN (SELECT id FROM relay_attempts WHERE id < ? ORDER BY id LIMIT ?)"

// forget deletes a part of the rows and sums that are older than they are kept. more: there are others.
func (l *Ledger) forget(ctx context.Context, now time.Time) (more bool, err error) {
	if l.options.KeepRows > 0 {
		if more, err = l.deletes(ctx, forgetRows, IDAt(l.midnight(now, l.options.KeepRows)), atOnce); err != nil || more {
			return more, err
		}
	}
	query := "DELETE FROM relay_made WHERE id IN (SELECT id FROM relay_made WHERE expires < ? LIMIT ?)"
	if more, err = l.deletes(ctx, query, now.Unix(), atOnce); err != nil || more || l.options.KeepSums <= 0 {
		return more, err
	}
	first := dayOf(l.midnight(now, l.options.KeepSums))
	query = "DELETE FROM relay_daily_imported WHERE day IN (SELECT day FROM relay_daily_imported WHERE day < ? LIMIT ?)"
	if more, err = l.deletes(ctx, query, first, 1); err != nil || more {
		return more, err
	}
	return l.forgetSums(ctx, first)
}

// deletes deletes some rows. more: it may be that there are others.
func (l *Ledger) deletes(ctx context.Context, query string, args ...any) (more bool, err error) {
	err = l.options.Store.Write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, l.options.Store.Bind(query), args...)
		if err != nil {
			return err
		}
		deleted, err := result.RowsAffected()
		more = deleted >= atOnce
		return err
	})
	return more, err
}

// forgetSums deletes the sums of the first day before day. What tokens have spent in all stays.
func (l *Ledger) forgetSums(ctx context.Context, day int) (more bool, err error) {
	s := l.options.Store
	err = s.Write(ctx, func(tx *sql.Tx) error {
		var first sql.NullInt64
		if err := tx.QueryRowContext(ctx, s.Bind("SELECT min(day) FROM relay_daily WHERE day < ?"),
			day).Scan(&first); err != nil || !first.Valid {
			return err
		}
		more = true
		if _, err := tx.ExecContext(ctx, s.Bind("UPDATE relay_budgets SET carried = carried + coalesce((SELECT sum(charge) FROM relay_daily "+
			"WHERE day = ? AND 'token:' || token = scope), 0) WHERE period = 'total'"), first.Int64); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, s.Bind("DELETE FROM relay_daily WHERE day = ?"), first.Int64)
		return err
	})
	return more, err
}

// audit compares the rows of today, and of one more day at a time, with their sums, and the sums with what tokens have spent. All of it
// is read as it was at one moment.
func (l *Ledger) audit(ctx context.Context, now time.Time) error {
	s := l.options.Store
	db, err := s.Reader()
	if err != nil {
		return err
	}
	isolation := sql.LevelDefault
	if s.Target().Kind == store.PostgreSQL {
		isolation = sql.LevelRepeatableRead
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: isolation, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	b := &l.balance
	differ := int64(0)
	days := 30
	if l.options.KeepRows > 0 {
		days = max(1, min(l.options.KeepRows-1, days))
	}
	back := int(b.looks.Load())%days + 1
	for _, before := range [...]int{0, back} {
		n, err := l.differs(ctx, tx, l.midnight(now, before))
		if err != nil {
			return err
		}
		differ += n
	}
	var spent int64
	err = tx.QueryRowContext(ctx, "SELECT coalesce(sum(abs(coalesce(b.spent, 0) - coalesce(b.carried, 0) - coalesce(d.charge, 0))), 0) FROM "+
		"(SELECT scope, spent, carried FROM relay_budgets WHERE period = 'total') b FULL OUTER JOIN (SELECT 'token:' || token AS scope, "+
		"sum(charge) AS charge FROM relay_daily GROUP BY token) d ON b.scope = d.scope").Scan(&spent)
	if err != nil {
		return err
	}
	if (differ != 0 || spent != 0) && b.rows.Load() == 0 && b.spent.Load() == 0 {
		l.options.Log.Error("the ledger's books differ: this is a bug in the relay, or somebody has changed its tables", "rows", differ,
			"spent", spent)
	}
	b.rows.Store(differ)
	b.spent.Store(spent)
	b.looks.Add(1)
	return nil
}

// longestRequest is how long before midnight a request may have come that ended on that day, at the most.
const longestRequest = 48 * time.Hour

// differs is by how much a day's rows and sums differ: in number, in tokens and in nano-dollars.
func (l *Ledger) differs(ctx context.Context, tx *sql.Tx, day time.Time) (int64, error) {
	var rows, sums [5]int64
	into := func(of *[5]int64) []any { return []any{&of[0], &of[1], &of[2], &of[3], &of[4]} }
	s := l.options.Store
	if err := tx.QueryRowContext(ctx, s.Bind("SELECT count(*), coalesce(sum(uncached + cache_read + cache_write_5m + cache_write_1h + "+
		"audio_in + "+
		"image_in), 0), coalesce(sum(text_out + audio_out + image_out), 0), coalesce(sum(cost), 0), coalesce(sum(charge), 0) FROM "+
		"relay_attempts "+
		"WHERE id >= ? AND day = ? AND attempt > 0"), IDAt(day.Add(-longestRequest)), dayOf(day)).Scan(into(&rows)...); err != nil {
		return 0, err
	}
	if err := tx.QueryRowContext(ctx, s.Bind("SELECT coalesce(sum(attempts), 0), coalesce(sum(input), 0), coalesce(sum(output), 0), "+
		"coalesce(sum(cost), 0), coalesce(sum(charge), 0) FROM relay_daily WHERE day = ?"), dayOf(day)).Scan(into(&sums)...); err != nil {
		return 0, err
	}
	differ := int64(0)
	for i := range rows {
		differ += max(rows[i]-sums[i], sums[i]-rows[i])
	}
	return differ, nil
}
