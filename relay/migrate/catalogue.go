package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dialect is whose database it is. The same number means another provider in another dialect.
type Dialect string

// The dialects.
const (
	OneAPI   Dialect = "one-api"
	NewAPI   Dialect = "new-api"
	Ezlinkai Dialect = "ezlinkai"
)

// catalogue is the columns that there are, by table.
type catalogue map[string]map[string]bool

func (c catalogue) has(table, column string) bool { return c[table][column] }

// readCatalogue asks which columns there are.
func (s *Source) readCatalogue(ctx context.Context) (catalogue, error) {
	query := "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
	switch s.engine {
	case postgres:
		query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))"
	case mariaDB:
		query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
	default:
	}
	found := catalogue{}
	return found, s.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // Err says what went wrong
		for rows.Next() {
			var table, column string
			if err := rows.Scan(&table, &column); err != nil {
				return err
			}
			table, column = strings.ToLower(table), strings.ToLower(column)
			if found[table] == nil {
				found[table] = map[string]bool{}
			}
			found[table][column] = true
		}
		return rows.Err()
	})
}

// needed is what every age of each of the three has.
var needed = map[string][]string{
	"channels": {"id", "type", "key", "status", "name", "models", "group"},
	"tokens":   {"id", "user_id", "key", "status", "name", "expired_time", "remain_quota", "unlimited_quota"},
	"users":    {"id", "username", "status", "quota"},
}

var errOurs = errors.New("it is this relay's own database (its tables begin with relay_): --from is the old one's")

// dialect tells whose database it is by what only one of them has.
func (c catalogue) dialect() (Dialect, error) {
	if len(c) == 0 {
		return "", errors.New("there is no table in it: is it the right database?")
	}
	for _, table := range slices.Sorted(maps.Keys(needed)) {
		if c[table] == nil {
			if slices.ContainsFunc(slices.Collect(maps.Keys(c)), func(name string) bool { return strings.HasPrefix(name, "relay_") }) {
				return "", errOurs
			}
			return "", fmt.Errorf("there is no table %s in it: it is no database of one-api, new-api or ezlinkai", table)
		}
		for _, column := range needed[table] {
			if !c.has(table, column) {
				return "", fmt.Errorf("its table %s has no column %s: it is no database of one-api, new-api or ezlinkai", table, column)
			}
		}
	}
	switch {
	case c.has("channels", "channel_info"), c.has("channels", "setting"), c.has("tokens", "model_limits"):
		return NewAPI, nil
	case c.has("channels", "multi_key_info"), c.has("channels", "auto_disabled_model"), c.has("tokens", "token_remind_threshold"),
		c["group_configs"] != nil:
		return Ezlinkai, nil
	}
	return OneAPI, nil
}

// quoted is a column as the engine quotes it: key and group are words of its own.
func (s *Source) quoted(column string) string {
	if s.engine == mariaDB {
		return "`" + column + "`"
	}
	return `"` + column + `"`
}

// row is the values of one, by column. A column that there is not is NULL.
type row map[string]any

// read visits the rows of a table, with those of the columns that there are.
func (s *Source) read(ctx context.Context, tx *sql.Tx, table string, columns []string, visit func(row) error) error {
	var names, selected []string
	for _, column := range columns {
		if s.tables.has(table, column) {
			names, selected = append(names, column), append(selected, s.quoted(column))
		}
	}
	query := "SELECT " + strings.Join(selected, ", ") + " FROM " + s.quoted(table)
	if s.tables.has(table, "deleted_at") {
		query += " WHERE deleted_at IS NULL"
	}
	order := "id"
	if !slices.Contains(names, order) {
		order = selected[0]
	}
	return s.visit(ctx, tx, query+" ORDER BY "+order, nil, names, visit)
}

// visit visits the rows of a query.
func (s *Source) visit(ctx context.Context, tx *sql.Tx, query string, args []any, names []string, visit func(row) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		r := row{}
		for i, name := range names {
			if bytes, is := values[i].([]byte); is {
				r[name] = string(bytes)
				continue
			}
			r[name] = values[i]
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// text is a column's, without the blanks that CHAR columns are filled up with; "": NULL, or nothing.
func (r row) text(column string) string {
	switch v := r[column].(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(strings.ToValidUTF8(v, "\uFFFD"))
	case time.Time:
		return v.Format(time.RFC3339)
	default:
		return fmt.Sprint(v)
	}
}

// number is a column's; false: NULL, or none.
func (r row) number(column string) (int64, bool) {
	switch v := r[column].(type) {
	case int64:
		return v, true
	case uint64: // MySQL's BIGINT UNSIGNED, as a weight is
		return int64(min(v, math.MaxInt64)), true
	case float32:
		return row{column: float64(v)}.number(column)
	case float64:
		if v != v || v >= 1<<63 || v < -1<<63 {
			return 0, false
		}
		return int64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		v = strings.TrimSpace(v)
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n, true
		}
		if is, err := strconv.ParseBool(v); err == nil && is {
			return 1, true
		}
		return 0, false
	default:
		return 0, false
	}
}

// numberOr is a column's, or another one for NULL.
func (r row) numberOr(column string, otherwise int64) int64 {
	if n, ok := r.number(column); ok {
		return n
	}
	return otherwise
}

func (r row) is(column string) bool { return r.numberOr(column, 0) != 0 }
