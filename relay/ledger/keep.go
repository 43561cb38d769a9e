package ledger

import (
	"context"
	"time"
)

// chunk is rows that go to the database in one transaction.
type chunk struct {
	rows    []Row // nil: the spill alone has them
	n       int
	born    time.Time // when the first of them came
	place   place     // in the spill, if it is there
	spilled bool
}

// job is what the writer is to do.
type job struct {
	rows   []Row
	spill  place // where they are, if rows is nil
	upkeep bool  // or else: delete a part of what is old
}

// Trying again. A database that is away is not asked all the time, and is asked soon enough for somebody who restarts it.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 2 * time.Second
)

// sayEvery is how often it is said that the database is away.
const sayEvery = time.Minute

// keeper is the goroutine that decides where rows go. All but Ledger is its own.
type keeper struct {
	*Ledger
	chunks []chunk // that are not in the database, in their order
	held   int     // rows of them in memory
	busy   bool    // the writer has something to do
	gave   bool    // and that is the first chunk
	pause  time.Duration
	again  time.Time // before which nothing is tried
	upkeep time.Time // when it is due
	said   time.Time // when it was said that the database is away; zero: it is not
}

// keep runs until the ledger is closed and everything is in the database or in the spill.
func (l *Ledger) keep() {
	k := &keeper{Ledger: l, upkeep: time.Now().Add(firstUpkeep)}
	k.adopt()
	close(k.adopted)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.news:
		case err := <-l.wrote:
			k.took(err)
		case <-timer.C:
		}
		now := time.Now()
		closed, hurry := k.gather(now)
		k.spillOverdue(now, hurry)
		k.give(now, closed)
		k.show()
		if closed && !k.busy && (hurry || len(k.chunks) == 0) {
			k.leave()
			return
		}
		timer.Reset(k.nextLook(now))
	}
}

// adopt takes what relays have left in the spill that are not there any more.
func (k *keeper) adopt() {
	for _, p := range k.spill.found() {
		k.chunks = append(k.chunks, chunk{n: p.rows, born: p.born, place: p, spilled: true})
		k.waiting.Add(int64(p.rows))
		k.mu.Lock()
		k.gathered++
		k.mu.Unlock()
	}
	k.lost.Add(k.spill.torn.Swap(0))
}

// gather makes a chunk of what is pending, if it has waited for long enough or is enough. closed: there will be no more. hurry: nor time
// for the database to take it.
func (k *keeper) gather(now time.Time) (closed, hurry bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	closed = k.closed
	hurry = closed && (k.why != nil || !now.Before(k.closing))
	if len(k.pending) == 0 || !closed && len(k.pending) < usualRows && now.Sub(k.since) < takeEvery {
		return closed, hurry
	}
	rows, since := k.pending, k.since
	if since.IsZero() {
		since = now
	}
	k.pending, k.free = k.free, nil
	k.gathered++
	k.mu.Unlock()
	for i := range rows {
		rows[i].settle(k.options.Zone)
	}
	k.chunks = append(k.chunks, chunk{rows: rows, n: len(rows), born: since})
	k.held += len(rows)
	k.mu.Lock()
	return closed, hurry
}

// spillOverdue puts chunks into the spill that the database has not taken in time, and has memory forget those that it has too many of.
func (k *keeper) spillOverdue(now time.Time, hurry bool) {
	for i := range k.chunks {
		c := &k.chunks[i]
		if !c.spilled && (hurry || k.held > mostHeld || now.Sub(c.born) >= takeEvery+spillAfter) {
			p, err := k.spill.put(c.rows)
			switch {
			case err == nil:
				c.place, c.spilled = p, true
				k.spilled.Add(int64(c.n))
			case hurry || k.held > 2*mostHeld: // no disk and no database
				k.drop(c)
			}
		}
		if c.spilled && c.rows != nil && k.held > mostHeld && (i > 0 || !k.gave) {
			k.held -= c.n
			c.rows = nil
		}
	}
}

// drop gives rows up that there is no place for, and counts them.
func (k *keeper) drop(c *chunk) {
	if k.gave && c == &k.chunks[0] {
		return // the writer has them
	}
	k.lost.Add(int64(c.n))
	k.waiting.Add(-int64(c.n))
	k.held -= c.n
	c.rows, c.n, c.spilled = []Row{}, 0, true
}

// give gives the writer something to do.
func (k *keeper) give(now time.Time, closed bool) {
	if k.busy || now.Before(k.again) {
		return
	}
	switch {
	case len(k.chunks) > 0:
		c := &k.chunks[0]
		k.busy, k.gave = true, true
		k.todo <- job{rows: c.rows, spill: c.place}
	case !closed && !now.Before(k.upkeep):
		k.busy = true
		k.todo <- job{upkeep: true}
	}
}

// took is told what became of what the writer had to do.
func (k *keeper) took(err error) {
	gave := k.gave
	k.busy, k.gave = false, false
	switch {
	case !gave:
		k.upkeep = time.Now().Add(time.Duration(k.tidyIn.Load()))
		k.adopt()
	case err != nil:
		k.failed(err)
	default:
		k.committedFirst()
	}
}

// failed is told why the database has not taken the first chunk.
func (k *keeper) failed(err error) {
	now := time.Now()
	k.pause = min(max(2*k.pause, firstPause), longPause)
	k.again = now.Add(k.pause)
	if k.said.IsZero() || now.Sub(k.said) >= sayEvery {
		k.said = now
		k.options.Log.Warn("the ledger's database takes no rows: they wait, and requests do not", "database", k.options.Store.Target().String(),
			"error", err.Error(), "rows", k.waiting.Load(), "spill", k.spill.where())
	}
	k.mu.Lock()
	k.why = err
	k.tellWaiters(err)
	k.mu.Unlock()
}

// committedFirst forgets the first chunk, which is in the database.
func (k *keeper) committedFirst() {
	c := k.chunks[0]
	k.chunks[0] = chunk{}
	k.chunks = k.chunks[1:]
	if !k.said.IsZero() {
		k.said = time.Time{}
		k.options.Log.Info("the ledger's database takes rows again", "rows", k.waiting.Load())
	}
	k.pause, k.again = 0, time.Time{}
	if c.spilled && c.n > 0 {
		k.replayed.Add(int64(c.n))
		k.spill.done(c.place)
	}
	if c.rows != nil {
		k.held -= c.n
		clear(c.rows)
	}
	k.waiting.Add(-int64(c.n))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.why = nil
	k.committed++
	if k.free == nil && cap(c.rows) <= 4*usualRows {
		k.free = c.rows[:0]
	}
	k.tellWaiters(nil)
}

// tellWaiters tells those whose chunk is committed or, with an error, all. The lock is held.
func (k *keeper) tellWaiters(err error) {
	left := k.waiters[:0]
	for _, w := range k.waiters {
		if err == nil && w.chunk > k.committed {
			left = append(left, w)
			continue
		}
		w.done <- err
	}
	k.waiters = left
}

// show says how much waits, and for how long.
func (k *keeper) show() {
	oldest := int64(0)
	if len(k.chunks) > 0 {
		oldest = k.chunks[0].born.UnixNano()
	}
	k.oldest.Store(oldest)
}

// nextLook is when there is something to be done without news.
func (k *keeper) nextLook(now time.Time) time.Duration {
	k.mu.Lock()
	pending, since := len(k.pending) > 0, k.since
	closed, closing := k.closed, k.closing
	k.mu.Unlock()
	next := now.Add(time.Hour)
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if pending {
		sooner(since.Add(takeEvery))
	}
	for i := range k.chunks {
		if !k.chunks[i].spilled {
			sooner(k.chunks[i].born.Add(takeEvery + spillAfter))
			break
		}
	}
	switch {
	case k.busy:
	case len(k.chunks) > 0:
		sooner(k.again)
	case !closed:
		sooner(k.upkeep)
	}
	if closed {
		sooner(closing)
	}
	return max(next.Sub(now), time.Millisecond)
}

// leave ends what waits for the ledger.
func (k *keeper) leave() {
	k.mu.Lock()
	k.tellWaiters(ErrClosed)
	k.mu.Unlock()
	k.spill.close()
	if n := k.waiting.Load(); n > 0 {
		k.options.Log.Warn("rows of the ledger wait for its database in the spill, and are taken from there at the next start", "rows", n,
			"spill", k.spill.where())
	}
}

// writes is the goroutine that the database may keep waiting.
func (l *Ledger) writes(ctx, upkeep context.Context) {
	for todo := range l.todo {
		var err error
		if todo.upkeep {
			more, err := l.tidies(upkeep)
			if err != nil && upkeep.Err() == nil && l.options.Store.State() == nil {
				l.options.Log.Warn("the ledger could not delete what is old", "error", err.Error())
			}
			l.tidyIn.Store(int64(more))
		} else {
			err = l.writeJob(ctx, todo)
		}
		l.wrote <- err
	}
}

// writeTimeout is how long one transaction may take.
const writeTimeout = 10 * time.Second

func (l *Ledger) writeJob(ctx context.Context, todo job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	rows := todo.rows
	if rows == nil {
		if rows, err = l.spill.read(todo.spill); err != nil {
			return err
		}
	}
	if err := l.options.Store.Ready(ctx); err != nil {
		return err
	}
	if err := l.write.write(ctx, rows); err != nil {
		l.options.Store.Reopen(err)
		return err
	}
	return nil
}
