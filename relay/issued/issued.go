// Package issued is the client keys that are made while the relay runs: through /api/token, on the command line, on the operator's page.
// They are kept in the store's relay_tokens, of each key only its digest, and held in memory, so that no request waits for a database.
// Keys of the configuration file are none of them, and win over one of the same name.
package issued

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"one-api/relay/config"
	"one-api/relay/store"
)

// Errors of what is asked for.
var (
	ErrUnknown = errors.New("there is no token of that name")
	ErrTaken   = errors.New("there is a token of that name already")
	ErrFile    = errors.New("that token stands in the configuration file, which wins: change it there")
)

// Invalid is an error of what was asked: a name, or a setting that cannot be.
type Invalid struct{ Message string }

func (e Invalid) Error() string { return e.Message }

// poll is how often the store is looked at for what another replica or program has changed.
const poll = 2 * time.Second

// asks is how long the database may take to answer.
const asks = 5 * time.Second

// Token is one that was made at run time.
type Token struct {
	config.Token
	// Settings is what it was made with and what was changed since: the members that a token has in the configuration file, but for its
	// name and key.
	Settings map[string]any
	Created  time.Time
	Changed  time.Time
}

// Registry is all of them. It is safe for concurrent use.
type Registry struct {
	Store *store.Store
	Log   *slog.Logger
	// Changed is called when what All gives has changed, by whoever has changed it.
	Changed func()
	// Found is called with the names that another program or replica has made, changed and deleted since the store was read last; nil:
	// nobody is told. What Run finds first, and what this Registry itself has changed, is not among them.
	Found func(made, changed, deleted []string)
	// InFile reports whether the configuration file has a token of that name.
	InFile func(name string) bool

	looking sync.Mutex // of looks and writes there is one at a time: what was read first must not hold over what was written later
	mu      sync.Mutex // guards what follows; no request takes it
	byName  map[string]*Token
	version version
	failing bool // it was said that the store cannot be read
}

// version says whether what the store holds is what was read last.
type version struct{ n, changed int64 }

// Run reads what the store holds now and whenever that changes, until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	look := time.NewTicker(poll)
	defer look.Stop()
	for {
		r.Look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// Look reads the store if it holds something else than what was read last. One that is away leaves everything as it is.
func (r *Registry) Look(ctx context.Context) {
	if r.Store.IsOff() || r.Store.State() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, asks)
	defer cancel()
	r.looking.Lock()
	changed, err := r.look(ctx, "")
	r.looking.Unlock()
	r.mu.Lock()
	first := err != nil && !r.failing
	r.failing = err != nil
	r.mu.Unlock()
	if first && ctx.Err() == nil {
		r.Log.Warn("the keys that were made at run time cannot be read: those that are known go on", "error", err.Error())
	}
	if changed {
		r.Changed()
	}
}

// look reads the store if it has changed, with looking locked. own is the token that this Registry has changed itself; empty: none.
func (r *Registry) look(ctx context.Context, own string) (changed bool, err error) {
	db, err := r.Store.Reader()
	if err != nil {
		return false, err
	}
	var is version
	if err := db.QueryRowContext(ctx, "SELECT count(*), coalesce(max(changed), 0) FROM relay_tokens").Scan(&is.n, &is.changed); err != nil {
		return false, err
	}
	r.mu.Lock()
	same := is == r.version
	r.mu.Unlock()
	if same {
		return false, nil
	}
	read, err := r.read(ctx, db)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	former := r.byName
	r.byName, r.version = read, is
	r.mu.Unlock()
	if former != nil && r.Found != nil {
		r.compare(former, read, own)
	}
	return true, nil
}

// compare tells what others have changed.
func (r *Registry) compare(former, now map[string]*Token, own string) {
	var made, changed, deleted []string
	for name, t := range now {
		switch before := former[name]; {
		case name == own:
		case before == nil:
			made = append(made, name)
		case !before.Changed.Equal(t.Changed):
			changed = append(changed, name)
		}
	}
	for name := range former {
		if now[name] == nil && name != own {
			deleted = append(deleted, name)
		}
	}
	if len(made)+len(changed)+len(deleted) == 0 {
		return
	}
	for _, names := range [][]string{made, changed, deleted} {
		slices.Sort(names)
	}
	r.Found(made, changed, deleted)
}

// All is every token, by name. None of them is changed afterwards.
func (r *Registry) All() []*Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.byName), func(a, b *Token) int { return strings.Compare(a.Name, b.Name) })
}

// Get is the token of a name; nil: there is none.
func (r *Registry) Get(name string) *Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byName[name]
}

// ready has the store open.
func (r *Registry) ready(ctx context.Context) error {
	if err := r.Store.Ready(ctx); err != nil {
		return fmt.Errorf("keys cannot be changed now: %w", err)
	}
	return nil
}

// Create makes a token, and gives its key, which is kept nowhere. settings are the members of a token in the configuration file, name
// included.
func (r *Registry) Create(ctx context.Context, settings map[string]any) (t *Token, key string, err error) {
	name, _ := settings["name"].(string)
	if name == "" {
		return nil, "", Invalid{"name is missing: a token needs one, which logs and reports call it by"}
	}
	for _, member := range []string{"key", "key_sha256"} {
		if _, given := settings[member]; given {
			return nil, "", Invalid{member + " cannot be chosen: the relay makes the key, and shows it once"}
		}
	}
	settings = maps.Clone(settings)
	delete(settings, "name")
	if _, err := parsed(name, settings); err != nil {
		return nil, "", err
	}
	if r.InFile(name) {
		return nil, "", fmt.Errorf("%w: it stands in the configuration file", ErrTaken)
	}
	if err := r.ready(ctx); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return nil, "", err
	}
	key = config.NewKey()
	now := time.Now()
	err = r.write(ctx, name, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, r.Store.Bind("INSERT INTO relay_tokens (name, key_sha256, settings, created, changed) "+
			"VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"), name, hexOf(key), string(text), now.Unix(), now.UnixMicro())
		return affected(result, err, ErrTaken)
	})
	if err != nil {
		return nil, "", err
	}
	if t = r.Get(name); t == nil {
		return nil, "", ErrUnknown // somebody has deleted it meanwhile
	}
	return t, key, nil
}

// affected is an error if nothing was changed.
func affected(result sql.Result, err, otherwise error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return otherwise
}

// write changes a token in the table, and reads it again, so that what was changed holds at once.
func (r *Registry) write(ctx context.Context, name string, do func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, asks)
	defer cancel()
	written, err := r.writeAndLook(ctx, name, do)
	if written {
		r.Changed()
	}
	return err
}

// writeAndLook lets nobody look between the two, who would take the change for somebody else's.
func (r *Registry) writeAndLook(
	ctx context.Context, name string, do func(ctx context.Context, tx *sql.Tx) error,
) (written bool, err error) {
	r.looking.Lock()
	defer r.looking.Unlock()
	if err := r.Store.Write(ctx, func(tx *sql.Tx) error { return do(ctx, tx) }); err != nil {
		return false, err
	}
	_, err = r.look(ctx, name)
	return true, err
}

// known is nil for a token that can be changed here.
func (r *Registry) known(name string) error {
	if r.InFile(name) {
		return ErrFile
	}
	if r.Get(name) == nil {
		return ErrUnknown
	}
	return nil
}

// Update changes a token's settings by an RFC 7396 merge patch: members that are null go back to what a token has by itself.
func (r *Registry) Update(ctx context.Context, name string, patch map[string]any) (*Token, error) {
	for _, member := range []string{"name", "key", "key_sha256"} {
		if _, given := patch[member]; given {
			return nil, Invalid{member + " cannot be changed"}
		}
	}
	if err := r.known(name); err != nil {
		return nil, err
	}
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	err := r.write(ctx, name, func(ctx context.Context, tx *sql.Tx) error {
		var text string
		err := tx.QueryRowContext(ctx, r.Store.Bind("SELECT settings FROM relay_tokens WHERE name = ?"), name).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		settings := map[string]any{}
		if err = errors.Join(err, json.Unmarshal([]byte(text), &settings)); err != nil {
			return err
		}
		settings = merge(settings, patch)
		if _, err := parsed(name, settings); err != nil {
			return err
		}
		merged, err := json.Marshal(settings)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, r.Store.Bind("UPDATE relay_tokens SET settings = ?, changed = ? WHERE name = ?"),
			string(merged), time.Now().UnixMicro(), name)
		return err
	})
	if err != nil {
		return nil, err
	}
	t := r.Get(name)
	if t == nil {
		return nil, ErrUnknown // somebody has deleted it meanwhile
	}
	return t, nil
}

// Rotate gives a token a new key. The one that it has goes on for a while; one that was rotated out before stops at once.
func (r *Registry) Rotate(ctx context.Context, name string, grace time.Duration) (key string, err error) {
	if err := r.known(name); err != nil {
		return "", err
	}
	if err := r.ready(ctx); err != nil {
		return "", err
	}
	key = config.NewKey()
	now := time.Now()
	return key, r.write(ctx, name, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, r.Store.Bind("UPDATE relay_tokens SET former_sha256 = key_sha256, former_until = ?, key_sha256 = ?, "+
			"changed = ? WHERE name = ?"), now.Add(grace).Unix(), hexOf(key), now.UnixMicro(), name)
		return affected(result, err, ErrUnknown)
	})
}

// Delete takes a token away. What it has spent stays in the ledger.
func (r *Registry) Delete(ctx context.Context, name string) error {
	if err := r.known(name); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	return r.write(ctx, name, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, r.Store.Bind("DELETE FROM relay_tokens WHERE name = ?"), name)
		return affected(result, err, ErrUnknown)
	})
}
