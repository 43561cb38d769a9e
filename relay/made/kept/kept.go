// Package kept has what package made remembers survive a restart, in the store's relay_made. No request waits for it: what changes is taken
// to the database behind their backs, and what a former process knew is read once.
package kept

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"one-api/relay/made"
	"one-api/relay/store"
)

const (
	every    = 500 * time.Millisecond // how often changes are written
	lifetime = 24 * time.Hour         // how long something is kept
	purge    = time.Hour              // how often what is older is deleted
	asks     = 5 * time.Second        // how long the database may take
	mostRead = 1 << 16
)

// Book is between a Keeper and a store.
type Book struct {
	Keeper *made.Keeper
	Store  *store.Store
	Log    *slog.Logger

	read    bool
	purged  time.Time
	failing bool // it was said that the store does not take what changes
}

// Run reads what a former process knew, and writes what changes, until ctx ends; and then once more.
func (b *Book) Run(ctx context.Context) {
	look := time.NewTicker(every)
	defer look.Stop()
	b.Keeper.Track()
	for {
		b.look(ctx)
		select {
		case <-ctx.Done():
			b.look(context.WithoutCancel(ctx))
			return
		case <-look.C:
		}
	}
}

// look does what there is to do, if the store can be used.
func (b *Book) look(ctx context.Context) {
	if b.Store.State() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, asks)
	defer cancel()
	err := b.restore(ctx)
	if err == nil {
		err = b.write(ctx)
	}
	if err != nil && !b.failing && ctx.Err() == nil {
		b.Log.Warn("whose answers upstreams keep is remembered in memory alone, until the database takes it", "error", err.Error())
	}
	b.failing = err != nil
}

// restore reads what a former process knew.
func (b *Book) restore(ctx context.Context) error {
	if b.read {
		return nil
	}
	db, err := b.Store.Reader()
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, b.Store.Bind("SELECT id, token, channel, model FROM relay_made WHERE expires > ? "+
		"ORDER BY expires DESC LIMIT ?"), time.Now().Unix(), mostRead)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	for rows.Next() {
		var id string
		var by made.Origin
		if err := rows.Scan(&id, &by.Token, &by.Channel, &by.Model); err != nil {
			return err
		}
		b.Keeper.Restore(id, by)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	b.read = true
	return nil
}

// write takes to the store what has changed, all of it or nothing.
func (b *Book) write(ctx context.Context) error {
	changes := b.Keeper.Changes()
	old := time.Since(b.purged) > purge
	if len(changes) == 0 && !old {
		return nil
	}
	err := b.Store.Write(ctx, func(tx *sql.Tx) error {
		if old {
			if _, err := tx.ExecContext(ctx, b.Store.Bind("DELETE FROM relay_made WHERE expires <= ?"), time.Now().Unix()); err != nil {
				return err
			}
		}
		return b.apply(ctx, tx, changes)
	})
	if err != nil {
		b.Keeper.Again(changes)
		return err
	}
	if old {
		b.purged = time.Now()
	}
	return nil
}

func (b *Book) apply(ctx context.Context, tx *sql.Tx, changes []made.Change) error {
	expires := time.Now().Add(lifetime).Unix()
	for _, c := range changes {
		query, values := "INSERT INTO relay_made (id, token, channel, model, expires) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
			[]any{c.ID, c.By.Token, c.By.Channel, c.By.Model, expires}
		if c.Gone {
			query, values = "DELETE FROM relay_made WHERE id = ?", []any{c.ID}
		}
		if _, err := tx.ExecContext(ctx, b.Store.Bind(query), values...); err != nil {
			return err
		}
	}
	return nil
}
