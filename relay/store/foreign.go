package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

// ErrForeign is the error for a database that belongs to one-api or one of its forks. It is never written.
var ErrForeign = errors.New("holds tables of one-api, new-api or ezlinkai, and none of this relay's: it is left as it is. `one-api " +
	"import --from` it takes over its channels and keys")

// foreignTables is what one-api and its forks call their tables.
var foreignTables = []string{"abilities", "channels", "logs", "options", "redemptions", "tokens", "users"}

// checkForeign returns ErrForeign if the database is one-api's. A file of SQLite belongs to one program, so that one such table
// is enough; a PostgreSQL database may have users and logs of anybody.
func (s *Store) checkForeign(ctx context.Context, tx *sql.Tx) error {
	names, err := tables(ctx, tx, s.target.Kind)
	if err != nil {
		return err
	}
	var theirs []string
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "relay_"):
			return nil
		case slices.Contains(foreignTables, name):
			theirs = append(theirs, name)
		}
	}
	switch {
	case s.target.Kind == SQLite && len(theirs) > 0,
		slices.Contains(theirs, "abilities"), len(theirs) > 2,
		slices.Contains(theirs, "channels") && slices.Contains(theirs, "tokens"):
		return ErrForeign
	}
	return nil
}

// tables is the names of the tables that there are.
func tables(ctx context.Context, tx *sql.Tx, kind Kind) ([]string, error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if kind == PostgreSQL {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))"
	}
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
