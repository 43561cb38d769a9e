// Package store is the relay's database: SQLite in one file, or PostgreSQL. It opens it, makes its tables, all of which begin with
// relay_, and says whether it can be used. What it holds belongs to whoever asks: the ledger its rows, the keys theirs. No request waits
// for it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"; SQLite's comes with its errors
)

// How long the database may take. Opening is at the start, where somebody waits; writing is done by a goroutine that has nothing
// else to do, and gives up so that what waits behind it is put elsewhere.
const (
	openTimeout  = 3 * time.Second
	busyTimeout  = 2 * time.Second
	readers      = 4
	connections  = 8 // PostgreSQL's, of all replicas each
	idleLifetime = 5 * time.Minute
)

// ErrOff is returned by everything that a store does that remembers nothing.
var ErrOff = errors.New("SQL_DSN=off: this relay keeps no records")

// Store is a database that may be away. It is safe for concurrent use.
type Store struct {
	target Target

	mu     sync.Mutex
	opened bool    // the schema is as it has to be
	writer *sql.DB // of SQLite it has one connection
	reader *sql.DB
	err    error // why it is not opened

	goroutines atomic.Int64
}

// New is the store of a target, which Ready opens. Close it.
func New(target Target) *Store {
	return &Store{target: target, err: errors.New("it has not been opened yet")}
}

// Open opens a target. Its error is ErrForeign, wrapped with where: the database is somebody else's. That it cannot be reached or written
// now is no error: Ready says so, and tries again.
func Open(ctx context.Context, target Target) (*Store, error) {
	s := New(target)
	if err := s.Ready(ctx); errors.Is(err, ErrForeign) {
		s.Close()
		return nil, errors.New(target.String() + " " + ErrForeign.Error() + ". For its own records give the relay another place: SQLITE_PATH " +
			"names a file, SQL_DSN a PostgreSQL database, and SQL_DSN=off does without")
	}
	return s, nil
}

// Target is where it is.
func (s *Store) Target() Target { return s.target }

// IsOff reports whether it remembers nothing.
func (s *Store) IsOff() bool { return s == nil || s.target.Kind == None }

// Ready opens the database if it is not open, which takes a few seconds at most. nil: it can be used.
func (s *Store) Ready(ctx context.Context) error {
	if s.IsOff() {
		return ErrOff
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	writer, reader, err := s.open(ctx)
	if err != nil {
		s.err = err
		return err
	}
	s.writer, s.reader, s.opened, s.err = writer, reader, true, nil
	s.goroutines.Store(goroutinesOf(writer, reader))
	return nil
}

// Goroutines is how many database/sql runs for the database while it is open. It takes no lock.
func (s *Store) Goroutines() int64 {
	if s == nil {
		return 0
	}
	return s.goroutines.Load()
}

// goroutinesOf is how many goroutines the pools have by now: each has one that opens connections, and that from which readers come one
// that closes those that nobody has used for a while. It runs from the first connection on, which there is by then.
func goroutinesOf(writer, reader *sql.DB) int64 {
	if writer == reader {
		return 2
	}
	return 3
}

// State is nil if the database was open when it was last looked at, and else why it was not. It waits for nothing but Ready.
func (s *Store) State() error {
	if s.IsOff() {
		return ErrOff
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// open opens the pools, and brings the schema to what it has to be.
func (s *Store) open(ctx context.Context) (writer, reader *sql.DB, err error) {
	if s.target.Kind == PostgreSQL {
		writer, err = openPostgreSQL(s.target.DSN)
		reader = writer
	} else {
		writer, reader, err = s.openSQLite(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	if err = s.migrate(ctx, writer); err == nil {
		err = reader.PingContext(ctx)
	}
	if err != nil {
		closeAll(writer, reader)
		return nil, nil, err
	}
	return writer, reader, nil
}

// Reopen closes the database, so that Ready opens it anew: what it was may have gone, with its file or its server.
func (s *Store) Reopen(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	closeAll(s.writer, s.reader)
	s.writer, s.reader, s.opened, s.err = nil, nil, false, why
	s.goroutines.Store(0)
}

// Close closes the database.
func (s *Store) Close() {
	if s != nil {
		s.Reopen(errors.New("it is closed"))
	}
}

func closeAll(writer, reader *sql.DB) {
	if writer != nil {
		_ = writer.Close() // what was committed is written
	}
	if reader != nil && reader != writer {
		_ = reader.Close()
	}
}

// Reader is for queries. It does not wait for whoever writes.
func (s *Store) Reader() (*sql.DB, error) {
	db, _, err := s.pools()
	return db, err
}

// Writer is for what changes something. With SQLite it is one connection, whose transactions begin as writers.
func (s *Store) Writer() (*sql.DB, error) {
	_, db, err := s.pools()
	return db, err
}

func (s *Store) pools() (reader, writer *sql.DB, err error) {
	if s.IsOff() {
		return nil, nil, ErrOff
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened {
		return nil, nil, s.err
	}
	return s.reader, s.writer, nil
}

// Write does something in one transaction.
func (s *Store) Write(ctx context.Context, do func(tx *sql.Tx) error) error {
	db, err := s.Writer()
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing once it is committed
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Bind writes a query's placeholders (?) as the database has them. A query has no question mark of another meaning.
func (s *Store) Bind(query string) string {
	if s.target.Kind != PostgreSQL {
		return query
	}
	var out strings.Builder
	out.Grow(len(query) + 2*strings.Count(query, "?"))
	n := 0
	for {
		before, after, more := strings.Cut(query, "?")
		out.WriteString(before)
		if !more {
			return out.String()
		}
		n++
		out.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

func openPostgreSQL(dsn string) (*sql.DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errors.New("SQL_DSN cannot be used: " + withoutSecrets(err, dsn))
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(idleLifetime)
	return db, nil
}
