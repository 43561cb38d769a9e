package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The schema is steps, each of which adds something and takes nothing away, so that an older relay can still use a newer database.
// None of them may take long on a full database: that needs a command of its own.
//
//go:embed schema/*.sql
var schema embed.FS

// advisoryLock is PostgreSQL's for the migration: replicas that start together do it one after the other.
const advisoryLock = 0x6f6e652d617069

// migrate brings the schema to what this relay needs. The transaction holds the writer's lock, so that a database that cannot be
// written is found out here.
func (s *Store) migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing once it is committed
	if s.target.Kind == PostgreSQL {
		if _, err := tx.ExecContext(ctx, "SET LOCAL lock_timeout = '3s'"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(advisoryLock)); err != nil {
			return err
		}
	}
	if err := s.checkForeign(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS relay_schema (step INTEGER NOT NULL PRIMARY KEY)"); err != nil {
		return err
	}
	var done int
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(step), 0) FROM relay_schema").Scan(&done); err != nil {
		return err
	}
	for i, step := range s.steps() {
		if i < done {
			continue
		}
		for statement := range strings.SplitSeq(step, ";\n") {
			if statement = strings.TrimSpace(statement); statement == "" {
				continue
			}
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("step %d of the schema: %w", i+1, err)
			}
		}
		if _, err := tx.ExecContext(ctx, s.Bind("INSERT INTO relay_schema (step) VALUES (?)"), i+1); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// steps is the schema's steps for this kind of database, in their order.
func (s *Store) steps() (steps []string) {
	suffix := ".sqlite.sql"
	if s.target.Kind == PostgreSQL {
		suffix = ".postgres.sql"
	}
	files, _ := fs.Glob(schema, "schema/*"+suffix) // the pattern is a good one
	slices.Sort(files)
	for _, file := range files {
		text, _ := schema.ReadFile(file) // it is embedded
		steps = append(steps, string(text))
	}
	return steps
}
