package migrate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"one-api/relay/config"
	"one-api/relay/store"
)

// Applied is what an import has done.
type Applied struct {
	Written []string // files
	Same    []string // files that were as they had to be
	Keys    int      // that are new in the relay's database
	Changed int      // that were changed there
	Kept    int      // that had been there
	Budgets int      // that are used up, and are noted there
}

// Apply writes the files and, if kept is not nil, what belongs into the relay's database: all of it or nothing. Files that hold something
// else are replaced with force only.
func (p *Plan) Apply(ctx context.Context, kept *store.Store, force bool) (done Applied, err error) {
	var write []File
	for _, file := range p.Files {
		is, err := os.ReadFile(file.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			write = append(write, file)
		case err != nil:
			return done, err
		case string(is) == file.Content:
			done.Same = append(done.Same, file.Path)
		case !force:
			return done, fmt.Errorf("%s exists and holds something else: nothing was written. Name another file with --out, or replace it "+
				"with --force", file.Path)
		default:
			write = append(write, file)
		}
	}
	beside, err := stage(write)
	defer func() {
		for _, path := range beside {
			_ = os.Remove(path) // those that have their name are gone already
		}
	}()
	if err != nil {
		return done, fmt.Errorf("nothing was written: %w", err)
	}
	if kept != nil {
		if err := kept.Write(ctx, func(tx *sql.Tx) error { return p.keep(ctx, kept, tx, force, &done) }); err != nil {
			return done, fmt.Errorf("nothing was written: the relay's database (%s): %w", kept.Target(), err)
		}
	}
	// The configuration, which is the first, is put in its place last: whoever finds it finds what it names.
	for i, file := range slices.Backward(write) {
		if err := os.Rename(beside[i], file.Path); err != nil {
			return done, fmt.Errorf("%w. Run the same command again: what is done already stays as it is", err)
		}
		done.Written = append(done.Written, file.Path)
	}
	slices.Reverse(done.Written)
	return done, nil
}

// stage writes files beside their places.
func stage(files []File) (beside []string, err error) {
	for _, file := range files {
		made, err := os.CreateTemp(filepath.Dir(file.Path), "."+filepath.Base(file.Path)+".*") // readable for its owner alone
		if err != nil {
			return beside, err
		}
		beside = append(beside, made.Name())
		_, err = made.WriteString(file.Content)
		if err = errors.Join(err, made.Sync(), made.Close()); err != nil {
			return beside, err
		}
	}
	return beside, nil
}

// keep writes what belongs into the relay's database. What is there already stays.
func (p *Plan) keep(ctx context.Context, kept *store.Store, tx *sql.Tx, force bool, done *Applied) error {
	if p.options.KeysInStore {
		for _, t := range p.Tokens {
			if err := p.keepKey(ctx, kept, tx, t, force, done); err != nil {
				return err
			}
		}
	}
	for _, is := range p.overdrawn() {
		result, err := tx.ExecContext(ctx, kept.Bind("INSERT INTO relay_budgets (scope, period, spent, carried) VALUES (?, 'total', ?, ?) "+
			"ON CONFLICT (scope, period) DO NOTHING"), is.scope, is.nano, is.nano)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil {
			done.Budgets += int(n)
		}
	}
	return nil
}

func (p *Plan) keepKey(ctx context.Context, kept *store.Store, tx *sql.Tx, t *Token, force bool, done *Applied) error {
	settings, err := t.settings()
	if err != nil {
		return err
	}
	now := time.Now() // a relay that runs looks for what has changed last, and has perhaps changed something since this command began
	result, err := tx.ExecContext(ctx, kept.Bind("INSERT INTO relay_tokens (name, key_sha256, settings, created, changed) "+
		"VALUES (?, ?, ?, ?, ?) ON CONFLICT (key_sha256) DO NOTHING"), t.Name, t.Digest, settings, now.Unix(), now.UnixMicro())
	if err != nil {
		return fmt.Errorf("the key %s: %w", t.Name, err)
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return err
	case n > 0:
		done.Keys++
		return nil
	case !force:
		done.Kept++
		return nil
	}
	result, err = tx.ExecContext(ctx, kept.Bind("UPDATE relay_tokens SET settings = ?, changed = ? WHERE key_sha256 = ? AND settings <> ?"),
		settings, now.UnixMicro(), t.Digest, settings)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	done.Changed += int(n)
	done.Kept += 1 - int(n)
	return err
}

// settings is a key as the relay's database has it: the members that it would have in the file.
func (t *Token) settings() (string, error) {
	members := map[string]any{"groups": t.Groups, "owner": t.Owner}
	if len(t.Models) > 0 {
		members["models"] = t.Models
	}
	if t.Disabled {
		members["disabled"] = true
	}
	if !t.Expires.IsZero() {
		members["expires"] = t.Expires.Format(time.RFC3339)
	}
	if len(t.Networks) > 0 {
		members["allow_cidr"] = t.Networks
	}
	if t.Purse.most > 0 {
		members["budget"] = map[string]any{"usd": json.Number(decimal(t.Purse.most)), "per": config.PerTotal}
	}
	if t.unpriced {
		members["unpriced"] = config.UnpricedAllow
	}
	text, err := json.Marshal(members)
	return string(text), err
}

// check leaves out the keys of the relay's database that it would not take.
func (p *Plan) check() {
	var good []*Token
	for _, t := range p.Tokens {
		text, err := t.settings()
		if err == nil {
			_, err = config.ParseToken([]byte(`{"name":"` + t.Name + `",` + strings.TrimPrefix(text, "{")))
		}
		if err != nil {
			p.warn("the token %d (%s) is left out: %v", t.ID, t.Name, err)
			continue
		}
		good = append(good, t)
	}
	p.Tokens = good
}

// KnownInFile is the names of a configuration file's tokens, by their digests. A file that there is not, or that cannot be read, has none.
func KnownInFile(path string) map[string]string {
	known := map[string]string{}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return known
	}
	var file struct {
		Tokens []struct {
			Name   string `yaml:"name"`
			Digest string `yaml:"key_sha256"`
		} `yaml:"tokens"`
	}
	if yaml.Unmarshal(data, &file) != nil {
		return known
	}
	for _, t := range file.Tokens {
		if t.Digest != "" && t.Name != "" {
			known[strings.ToLower(t.Digest)] = t.Name
		}
	}
	return known
}

// KnownInStore is the names of the keys in the relay's database, by their digests.
func KnownInStore(ctx context.Context, kept *store.Store) (known map[string]string, err error) {
	db, err := kept.Reader()
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT name, key_sha256 FROM relay_tokens")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	known = map[string]string{}
	for rows.Next() {
		var name, digest string
		if err := rows.Scan(&name, &digest); err != nil {
			return nil, err
		}
		known[digest] = name
	}
	return known, rows.Err()
}
