package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"

	"modernc.org/sqlite" // registers the driver "sqlite"
)

// openSQLite opens the file: one connection that writes, and a few that read meanwhile.
func (s *Store) openSQLite(ctx context.Context) (writer, reader *sql.DB, err error) {
	if err := s.claim(ctx); err != nil {
		return nil, nil, err
	}
	busy := "&_busy_timeout=" + strconv.FormatInt(busyTimeout.Milliseconds(), 10)
	writer, err = sql.Open("sqlite", fileURI(s.target.Path)+"?mode=rw&_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate"+
		"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(4000)"+busy)
	if err != nil {
		return nil, nil, err
	}
	reader, err = sql.Open("sqlite", fileURI(s.target.Path)+"?mode=rw&_query_only=true"+busy)
	if err != nil {
		closeAll(writer, nil)
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(readers)
	reader.SetConnMaxIdleTime(idleLifetime)
	return writer, reader, nil
}

// claim makes the file, readable for nobody else, or looks at the one that there is, without a write: that it is kept in WAL mode is
// something that one may only do to one's own.
func (s *Store) claim(ctx context.Context) error {
	file, err := os.OpenFile(s.target.Path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := os.Stat(s.target.Path); err != nil || info.Size() == 0 {
		return err
	}
	err = s.look(ctx, "ro")
	var failed *sqlite.Error
	if errors.As(err, &failed) && failed.Code() == hotJournal {
		err = s.look(ctx, "rw")
	}
	return err
}

// hotJournal is SQLite's SQLITE_READONLY_ROLLBACK: whoever wrote the file last was killed, and what it had not finished has to be taken
// back before anybody can read. That is a write, and the only one that a look makes.
const hotJournal = 8 | 3<<8

// look reads whose the file is.
func (s *Store) look(ctx context.Context, mode string) error {
	db, err := sql.Open("sqlite", fileURI(s.target.Path)+"?mode="+mode+"&_query_only=true&_busy_timeout=500")
	if err != nil {
		return err
	}
	defer closeAll(db, nil)
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	return s.checkForeign(ctx, tx)
}

// fileURI is a path as SQLite's URIs have it.
func fileURI(path string) string {
	return "file:" + strings.ReplaceAll((&url.URL{Path: path}).EscapedPath(), "?", "%3F")
}

// withoutSecrets is an error's text without the address that it may repeat.
func withoutSecrets(err error, dsn string) string {
	text := strings.ReplaceAll(err.Error(), dsn, "(SQL_DSN)")
	if at, failed := url.Parse(dsn); failed == nil && at.User != nil {
		if password, ok := at.User.Password(); ok && password != "" {
			text = strings.ReplaceAll(text, password, "…")
		}
	}
	return text
}
