package store

import (
	"errors"
	"net/url"
	"strings"
)

// Off is the SQL_DSN of a relay that remembers nothing.
const Off = "off"

// DefaultPath is where SQLite's file is if SQLITE_PATH does not say.
const DefaultPath = "one-api-ledger.db"

// Target is the database that SQL_DSN and SQLITE_PATH name.
type Target struct {
	Kind Kind
	// Path is SQLite's file.
	Path string
	// DSN is PostgreSQL's, which may hold a password.
	DSN string
}

// Kind is a kind of database.
type Kind uint8

// The kinds.
const (
	None Kind = iota // nothing is remembered
	SQLite
	PostgreSQL
)

// Parse reads SQL_DSN (empty: SQLite; postgres://…; off) and SQLITE_PATH. Its error says what to change.
func Parse(dsn, path string) (Target, error) {
	dsn = strings.TrimSpace(dsn)
	switch lower := strings.ToLower(dsn); {
	case dsn == "":
		if path == "" {
			path = DefaultPath
		}
		return Target{Kind: SQLite, Path: path}, nil
	case lower == Off:
		return Target{}, nil
	case strings.HasPrefix(lower, "postgres://"), strings.HasPrefix(lower, "postgresql://"):
		if _, err := url.Parse(dsn); err != nil {
			return Target{}, errors.New("SQL_DSN cannot be read as an address: postgres://USER:PASSWORD@HOST:5432/DATABASE, with what is " +
				"special in the password as %XX") // the error of url.Parse would repeat the password
		}
		return Target{Kind: PostgreSQL, DSN: dsn}, nil
	case strings.Contains(lower, "@tcp("), strings.Contains(lower, "@unix("),
		strings.HasPrefix(lower, "mysql:"), strings.HasPrefix(lower, "mariadb:"):
		return Target{}, errors.New("SQL_DSN names a MySQL database, as one-api's does, which the relay does not write to. `one-api import " +
			"--from` that address takes over its channels and keys. For its own records leave SQL_DSN empty (SQLite, in the file that " +
			"SQLITE_PATH names), or set it to postgres://… or off")
	default:
		return Target{}, errors.New("SQL_DSN must be empty (SQLite, in the file that SQLITE_PATH names), " +
			"postgres://USER:PASSWORD@HOST/DATABASE, or off")
	}
}

// String says where it is, without secrets.
func (t Target) String() string {
	switch t.Kind {
	case SQLite:
		return "SQLite, " + t.Path
	case PostgreSQL:
		at, err := url.Parse(t.DSN)
		if err != nil {
			return "PostgreSQL"
		}
		return "PostgreSQL, " + at.Host + at.Path
	default:
		return "off"
	}
}
