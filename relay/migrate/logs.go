package migrate

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"one-api/relay/store"
	"one-api/relay/wire"
)

// LogOptions is how the old log is read.
type LogOptions struct {
	Since time.Time      // the first day
	Zone  *time.Location // of days
	Rate  int            // rows a second at the most; 0: as fast as it goes
	Said  func(done LogsDone)
}

// LogsDone is how much of the log has been read.
type LogsDone struct {
	Rows    int64 // read in this run
	Calls   int64 // of those that were calls
	Nano    int64 // what they cost, in nano-dollars
	LastID  int64
	Resumed bool // an earlier run had begun
}

const (
	logBatch = 5000
	// settles is how long the newest rows are left alone: one with a smaller id may still be on its way.
	settles = time.Minute
	// clockWrong is how far from now a row's time is that some clock got wrong: it may be of any age.
	clockWrong = 24 * time.Hour
	consumed   = 2 // the type of rows that are calls
	longModel  = 200
	// mostTokens is more than a call can have, and little enough for millions of calls to be added up, as wire.MostCost is.
	mostTokens = 1 << 32
)

// dailyKey is what one sum is of.
type dailyKey struct {
	day                   int
	token, model, channel string
}

type dailySum struct{ requests, input, cached, output, cost int64 }

// logReader reads one log.
type logReader struct {
	*Source
	kept     *store.Store
	plan     *Plan
	unit     rate
	options  LogOptions
	columns  []string
	tokens   map[int64]string
	byName   map[string]string // by user and name; "": there are several
	channels map[int64]string
	started  time.Time
}

// Logs adds up the old log by day, key, model and channel, and keeps the sums in the relay's database. It reads by id, a few thousand rows
// at a time, each time in a statement of its own, and notes how far it is with the sums: whoever is stopped goes on there.
func (p *Plan) Logs(ctx context.Context, s *Source, kept *store.Store, o LogOptions) (done LogsDone, err error) {
	for _, column := range []string{"id", "created_at", "type", "quota", "model_name"} {
		if !s.tables.has("logs", column) {
			return done, fmt.Errorf("%s: there is no table logs with the column %s in it: LOG_SQL_DSN may name another database for them "+
				"(--logs-from)", s, column)
		}
	}
	l := &logReader{Source: s, kept: kept, plan: p, unit: rate{p.Sums.PerDollar}, options: o, started: time.Now()}
	for _, column := range []string{
		"id", "created_at", "type", "username", "token_name", "token_id", "model_name", "quota", "prompt_tokens", "completion_tokens",
		"channel_id", "channel", "cached_tokens",
	} {
		if s.tables.has("logs", column) {
			l.columns = append(l.columns, column)
		}
	}
	l.index()
	from, before, err := l.begin(ctx)
	if err != nil {
		return done, s.explain(err)
	}
	done.LastID, done.Resumed = from, before != (mark{})
	for {
		more, err := l.batch(ctx, &done, &before)
		if err != nil {
			return done, s.explain(err)
		}
		if o.Said != nil {
			o.Said(done)
		}
		if !more {
			return done, nil
		}
		if err := l.rest(ctx, done.Rows); err != nil {
			return done, err
		}
	}
}

// index finds the names that keys and channels have here.
func (l *logReader) index() {
	l.tokens, l.byName, l.channels = map[int64]string{}, map[string]string{}, map[int64]string{}
	for _, t := range l.plan.Tokens {
		l.tokens[t.ID] = t.Name
		key := t.Owner + "\n" + t.Old
		if _, several := l.byName[key]; several {
			l.byName[key] = ""
			continue
		}
		l.byName[key] = t.Name
	}
	for _, c := range l.plan.Channels {
		l.channels[c.ID] = c.Entries[0].name
	}
}

// mark is the last row that has been read, by which a log is known again.
type mark struct{ id, at int64 }

// begin finds out after which id to read: where an earlier run stopped, or where the first day begins.
func (l *logReader) begin(ctx context.Context) (from int64, before mark, err error) {
	marks, err := l.marks(ctx)
	if err != nil {
		return 0, mark{}, err
	}
	for _, m := range marks {
		at, ok, err := l.timeOf(ctx, "id = ?", m.id)
		if err != nil {
			return 0, mark{}, err
		}
		if ok && at.at == m.at {
			return m.id, m, nil
		}
	}
	if len(marks) > 0 {
		return 0, mark{}, errors.New("sums of a log have been imported before, and its last row is not in this one: it is another log, or " +
			"its rows have been deleted since. So that nothing counts twice nothing is read. If it is another log, empty relay_imports in the " +
			"relay's database")
	}
	first, ok, err := l.timeOf(ctx, "id >= ?", 0)
	if err != nil || !ok {
		return 0, mark{}, err
	}
	var last int64
	if err := l.db.QueryRowContext(ctx, "SELECT max(id) FROM logs").Scan(&last); err != nil {
		return 0, mark{}, err
	}
	// Ids grow with time, so that the first day is found by halving, without an index on the time.
	low, high := first.id, last+1
	for low < high {
		middle := low + (high-low)/2
		at, ok, err := l.timeOf(ctx, "id >= ?", middle)
		if err != nil {
			return 0, mark{}, err
		}
		if !ok || at.at >= l.options.Since.Unix() {
			high = middle
		} else {
			low = at.id + 1
		}
	}
	return low - 1, mark{}, nil
}

// marks is where runs have stopped.
func (l *logReader) marks(ctx context.Context) (marks []mark, err error) {
	db, err := l.kept.Reader()
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT last_id, last_at FROM relay_imports")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	for rows.Next() {
		var m mark
		if err := rows.Scan(&m.id, &m.at); err != nil {
			return nil, err
		}
		marks = append(marks, m)
	}
	return marks, rows.Err()
}

// bound is a condition as the engine has it.
func (l *logReader) bound(where string) string {
	if l.engine == postgres {
		return strings.Replace(where, "?", "$1", 1)
	}
	return where
}

// timeOf is the first row of those with an id.
func (l *logReader) timeOf(ctx context.Context, where string, id int64) (at mark, ok bool, err error) {
	query := "SELECT id, created_at FROM logs WHERE " + l.bound(where) + " ORDER BY id LIMIT 1"
	err = l.db.QueryRowContext(ctx, query, id).Scan(&at.id, &at.at)
	if errors.Is(err, sql.ErrNoRows) {
		return at, false, nil
	}
	return at, err == nil, err
}

// batch reads some rows, and keeps their sums with how far that is. more: there may be others.
func (l *logReader) batch(ctx context.Context, done *LogsDone, before *mark) (more bool, err error) {
	quoted := make([]string, len(l.columns))
	for i, column := range l.columns {
		quoted[i] = l.quoted(column)
	}
	sums, now, rows := map[dailyKey]*dailySum{}, mark{}, 0
	tooNew, wrong := time.Now().Add(-settles).Unix(), time.Now().Add(clockWrong).Unix()
	newest := false
	query := fmt.Sprintf("SELECT %s FROM logs WHERE %s ORDER BY id LIMIT %d", strings.Join(quoted, ", "), l.bound("id > ?"), logBatch)
	err = l.snapshot(ctx, func(tx *sql.Tx) error {
		return l.visit(ctx, tx, query, []any{done.LastID}, l.columns, func(r row) error {
			at := r.numberOr("created_at", 0)
			if newest = newest || at > tooNew && at < wrong; newest {
				return nil
			}
			rows++
			now = mark{r.numberOr("id", 0), at}
			if r.numberOr("type", 0) == consumed {
				l.add(sums, r, done)
			}
			return nil
		})
	})
	if err != nil || rows == 0 {
		return false, err
	}
	if err := l.keepSums(ctx, sums, *before, now); err != nil {
		return false, fmt.Errorf("the relay's database: %w", err)
	}
	*before, done.LastID = now, now.id
	done.Rows += int64(rows)
	return rows == logBatch && !newest, nil
}

// add adds a call to its day.
func (l *logReader) add(sums map[dailyKey]*dailySum, r row, done *LogsDone) {
	y, m, d := time.Unix(r.numberOr("created_at", 0), 0).In(l.options.Zone).Date()
	key := dailyKey{day: y*10000 + int(m)*100 + d, token: l.token(r), model: oneLine(r.text("model_name"))}
	key.model = strings.ToValidUTF8(key.model[:min(len(key.model), longModel)], "") // PostgreSQL takes no half of a character
	id := r.numberOr("channel_id", r.numberOr("channel", 0))
	if key.channel = l.channels[id]; key.channel == "" {
		key.channel = fmt.Sprintf("channel-%d", id)
	}
	s := sums[key]
	if s == nil {
		s = &dailySum{}
		sums[key] = s
	}
	nano, _ := l.unit.nano(r.numberOr("quota", 0))
	nano = max(-wire.MostCost, min(nano, wire.MostCost))
	tokens := func(column string) int64 { return max(0, min(r.numberOr(column, 0), mostTokens)) }
	s.requests++
	s.input += tokens("prompt_tokens")
	s.cached += tokens("cached_tokens")
	s.output += tokens("completion_tokens")
	s.cost += nano
	done.Calls++
	done.Nano += nano
}

// token is what the key of a row is called here. Of keys that are gone, or share a name, it is made of the user's name and the key's.
func (l *logReader) token(r row) string {
	if name := l.tokens[r.numberOr("token_id", 0)]; name != "" {
		return name
	}
	user, token := r.text("username"), r.text("token_name")
	if name := l.byName[user+"\n"+token]; name != "" {
		return name
	}
	return cmp.Or(slug(user+"."+token), "unknown")
}

// keepSums adds to the sums, and moves the mark, in one transaction.
func (l *logReader) keepSums(ctx context.Context, sums map[dailyKey]*dailySum, before, now mark) error {
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b dailyKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.token, b.token), strings.Compare(a.model, b.model),
			strings.Compare(a.channel, b.channel))
	})
	return l.kept.Write(ctx, func(tx *sql.Tx) error {
		if err := l.move(ctx, tx, before, now); err != nil {
			return err
		}
		for _, k := range keys {
			s := sums[k]
			_, err := tx.ExecContext(ctx, l.kept.Bind("INSERT INTO relay_daily_imported (day, token, model, channel, requests, input, cached, "+
				"output, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, token, model, channel) DO UPDATE SET "+
				"requests = relay_daily_imported.requests + excluded.requests, input = relay_daily_imported.input + excluded.input, "+
				"cached = relay_daily_imported.cached + excluded.cached, output = relay_daily_imported.output + excluded.output, "+
				"cost = relay_daily_imported.cost + excluded.cost"),
				k.day, k.token, k.model, k.channel, s.requests, s.input, s.cached, s.output, s.cost)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// errMoved says that somebody else has read on in the same log.
var errMoved = errors.New("another run of this command reads the same log, or has read on in it: what it has read is not added again. " +
	"Let it finish, or stop it, before this command is given again")

// move moves the mark. One that is not where this run has left it is another run's, and the rows are in the sums already.
func (l *logReader) move(ctx context.Context, tx *sql.Tx, before, now mark) error {
	if l.kept.Target().Kind == store.PostgreSQL { // SQLite has one who writes
		if _, err := tx.ExecContext(ctx, "LOCK TABLE relay_imports IN EXCLUSIVE MODE"); err != nil {
			return err
		}
	}
	if before == (mark{}) {
		marks := 0
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM relay_imports").Scan(&marks); err != nil {
			return err
		}
		if marks > 0 {
			return errMoved
		}
	} else {
		result, err := tx.ExecContext(ctx, l.kept.Bind("DELETE FROM relay_imports WHERE last_id = ? AND last_at = ?"), before.id, before.at)
		if err != nil {
			return err
		}
		if moved, err := result.RowsAffected(); err != nil || moved != 1 {
			return cmp.Or(err, errMoved)
		}
	}
	_, err := tx.ExecContext(ctx, l.kept.Bind("INSERT INTO relay_imports (last_id, last_at) VALUES (?, ?)"), now.id, now.at)
	return err
}

// rest waits so long that no more rows a second are read than may be.
func (l *logReader) rest(ctx context.Context, rows int64) error {
	if l.options.Rate <= 0 {
		return ctx.Err()
	}
	due := time.Duration(float64(rows) / float64(l.options.Rate) * float64(time.Second))
	timer := time.NewTimer(due - time.Since(l.started))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
