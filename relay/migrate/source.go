// Package migrate takes over what stands in a database of one-api, new-api or ezlinkai: channels, client keys with what is left of their
// budgets, prices and daily sums. It reads that database and never writes it, in statements that are short enough for a server that runs
// to not feel them, and by columns that it has found there, since every fork and every age of them has others.
package migrate

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	_ "one-api/relay/store" // registers the drivers "sqlite" and "pgx"
)

// engine is a kind of database.
type engine string

// The engines.
const (
	sqlite   engine = "SQLite"
	postgres engine = "PostgreSQL"
	mariaDB  engine = "MySQL"
)

// How long the old database may take.
const (
	dialTimeout  = 10 * time.Second
	readTimeout  = 2 * time.Minute // for all that is no log
	lockWait     = 3 * time.Second // behind somebody who changes a table
	connectsOnce = 1               // one connection: no server's limit is felt
)

// Source is an old database, open for reading. Close it.
type Source struct {
	engine engine
	db     *sql.DB
	place  string // for people, without secrets
	secret string // what errors of drivers may repeat of its address
	tables catalogue
}

// Open opens a database: the path of an SQLite file, or an address as SQL_DSN has it: user:password@tcp(host:3306)/database or
// mysql://… (MySQL, MariaDB), postgres://…. Its error says what to change, and repeats no password.
func Open(ctx context.Context, from string) (*Source, error) {
	s, err := connect(strings.TrimSpace(from))
	if err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(connectsOnce)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err = s.db.PingContext(ctx); err == nil {
		s.tables, err = s.readCatalogue(ctx)
	}
	if err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// String says where it is, without secrets.
func (s *Source) String() string { return string(s.engine) + ", " + s.place }

// Close closes it.
func (s *Source) Close() { _ = s.db.Close() } // it was only read

// connect finds out what an address means.
func connect(from string) (*Source, error) {
	lower := strings.ToLower(from)
	switch {
	case from == "":
		return nil, errors.New("--from is empty: it is the old database's file, or its address as SQL_DSN has it")
	case strings.HasPrefix(lower, "postgres://"), strings.HasPrefix(lower, "postgresql://"):
		return openPostgres(from)
	case strings.HasPrefix(lower, "mysql://"), strings.HasPrefix(lower, "mariadb://"):
		return openMySQL(fromURL(from))
	case strings.Contains(lower, "@tcp("), strings.Contains(lower, "@unix("), strings.Contains(lower, "@tcp/"), strings.Contains(lower, "@/"):
		return openMySQL(from, nil)
	case strings.Contains(lower, "://"):
		return nil, errors.New("--from is an address of a kind that is not known: postgres://…, mysql://…, " +
			"user:password@tcp(host:3306)/database or the path of an SQLite file")
	case strings.HasPrefix(lower, "host=") || strings.Contains(lower, " host="):
		return openPostgres(from)
	}
	return openFile(strings.TrimPrefix(from, "file:"))
}

func openPostgres(dsn string) (*Source, error) {
	s := &Source{engine: postgres, place: "the database that --from names", secret: dsn}
	if at, err := url.Parse(dsn); err == nil && at.Host != "" {
		s.place = at.Host + at.Path
	} else if strings.Contains(dsn, "://") {
		return nil, errors.New("--from cannot be read as an address: postgres://USER:PASSWORD@HOST:5432/DATABASE, with what is special in the " +
			"password as %XX") // the error of url.Parse would repeat the password
	}
	var err error
	if s.db, err = sql.Open("pgx", dsn); err != nil {
		return nil, s.explain(err)
	}
	return s, nil
}

// fromURL is a URL as the driver has addresses.
func fromURL(text string) (dsn string, err error) {
	at, err := url.Parse(text)
	if err != nil || at.Host == "" {
		return "", errors.New("--from cannot be read as an address: mysql://USER:PASSWORD@HOST:3306/DATABASE, with what is special in the " +
			"password as %XX, or USER:PASSWORD@tcp(HOST:3306)/DATABASE with the password as it is")
	}
	c := mysql.NewConfig()
	c.User = at.User.Username()
	c.Passwd, _ = at.User.Password()
	c.Net, c.Addr, c.DBName = "tcp", at.Host, strings.TrimPrefix(at.Path, "/")
	dsn = c.FormatDSN()
	if at.RawQuery != "" { // tls=true, above all
		dsn += "?" + at.RawQuery
	}
	return dsn, nil
}

func openMySQL(dsn string, err error) (*Source, error) {
	if err != nil {
		return nil, err
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("--from cannot be read as a MySQL address: USER:PASSWORD@tcp(HOST:3306)/DATABASE") // it would repeat the password
	}
	if c.DBName == "" {
		return nil, errors.New("--from names no database: USER:PASSWORD@tcp(HOST:3306)/DATABASE")
	}
	// What the old program wanted for writing is no business of ours, and a server that asks for files is given none.
	c.ParseTime, c.AllowAllFiles, c.MultiStatements = false, false, false
	c.Timeout, c.ReadTimeout, c.WriteTimeout = dialTimeout, readTimeout, dialTimeout
	c.Logger = &mysql.NopLogger{}
	c.Params = map[string]string{"lock_wait_timeout": fmt.Sprint(int(lockWait.Seconds()))}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, errors.New("--from cannot be used as a MySQL address: USER:PASSWORD@tcp(HOST:3306)/DATABASE")
	}
	return &Source{engine: mariaDB, db: sql.OpenDB(connector), place: c.Addr + "/" + c.DBName, secret: c.Passwd}, nil
}

// openFile opens an SQLite file without a write to it or beside it.
func openFile(path string) (*Source, error) {
	head, size, err := headOf(path)
	if err != nil {
		return nil, err
	}
	if problem := fileProblem(head, size); problem != "" {
		return nil, fmt.Errorf("%s %s", path, problem)
	}
	options := "?mode=ro&_query_only=true&_busy_timeout=" + fmt.Sprint(lockWait.Milliseconds())
	// A file in WAL mode that nobody has open could only be read by making two files beside it, which then belong to whoever runs
	// this, and which the old server may not be able to open.
	if head[18] == 2 && isEmpty(path+"-wal") {
		options += "&immutable=1"
	}
	s := &Source{engine: sqlite, place: path}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("sqlite", "file:"+strings.ReplaceAll((&url.URL{Path: absolute}).EscapedPath(), "?", "%3F")+options); err != nil {
		return nil, err
	}
	return s, nil
}

const sqliteHead = 100

// headOf is the header of a file, and how long the file is.
func headOf(path string) (head []byte, size int64, err error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, 0, fmt.Errorf("--from is taken for an SQLite file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, 0, err
	case info.IsDir():
		return nil, 0, fmt.Errorf("%s is a directory: name the file in it (one-api.db, as a rule)", path)
	case info.Size() == 0:
		return nil, 0, fmt.Errorf("%s is empty: is it the right file? The old server's SQLITE_PATH names it, and a copy may have failed", path)
	}
	head = make([]byte, sqliteHead)
	if _, err := io.ReadFull(file, head); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, err
	}
	return head, info.Size(), nil
}

// fileProblem is what is wrong with a file, by its header (https://www.sqlite.org/fileformat.html); "": nothing that it shows.
func fileProblem(head []byte, size int64) string {
	if !strings.HasPrefix(string(head), "SQLite format 3\x00") {
		return "is no SQLite database. Encrypted and compressed copies have to be unpacked first"
	}
	if size < sqliteHead {
		return "is cut off within its header: copy it again, with the old server stopped"
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 65536
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	known := binary.BigEndian.Uint32(head[24:]) == binary.BigEndian.Uint32(head[92:]) // else the count is of an older write
	if known && pages*page > size {
		return fmt.Sprintf("is cut off: it has %d of its %d bytes. Copy it again, with the old server stopped", size, pages*page)
	}
	return ""
}

func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

// explain says what an error of the database means, without secrets.
func (s *Source) explain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	hide := []string{s.secret}
	if at, failed := url.Parse(s.secret); failed == nil && at.User != nil {
		password, _ := at.User.Password()
		hide = append(hide, password)
	}
	for _, secret := range hide {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	hint := ""
	switch lower := strings.ToLower(text); {
	case strings.Contains(lower, "malformed"), strings.Contains(lower, "disk i/o error"), strings.Contains(lower, "not a database"):
		hint = ": the file is damaged or cut off. Copy it again, with the old server stopped; `sqlite3 old.db .recover` may save what is left"
	case strings.Contains(lower, "locked"), strings.Contains(lower, "busy"):
		hint = ": the old server writes to it. Try again, or stop it, or read a copy"
	case strings.Contains(lower, "readonly"), strings.Contains(lower, "unable to open"):
		hint = ": an interrupted write may have to be undone first, which reading alone cannot. Start the old server once and stop it, or copy " +
			"the file with its -wal and -journal beside it to a place that can be written"
	case s.engine == sqlite:
	case strings.Contains(lower, "refused"), strings.Contains(lower, "no such host"), strings.Contains(lower, "timeout"):
		hint = ": is the server reachable from here? A name that docker compose gives is known in its network only"
	}
	return &readError{text: s.String() + ": " + text + hint, is: err}
}

// readError is one of the old database.
type readError struct {
	text string
	is   error
}

func (e *readError) Error() string { return e.text }
func (e *readError) Unwrap() error { return e.is }

// snapshot does something in one transaction that cannot write, and in which no table changes.
func (s *Source) snapshot(ctx context.Context, do func(tx *sql.Tx) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if s.engine != sqlite {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	if s.engine == postgres {
		set := fmt.Sprintf("SET LOCAL lock_timeout = '%dms'; SET LOCAL statement_timeout = '%dms'", lockWait.Milliseconds(),
			readTimeout.Milliseconds())
		for statement := range strings.SplitSeq(set, ";") {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
	}
	return do(tx)
}
