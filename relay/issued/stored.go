package issued

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"one-api/relay/config"
)

// What stands in relay_tokens, and what is made of it.

const columns = "name, key_sha256, former_sha256, former_until, settings, created, changed"

func (r *Registry) read(ctx context.Context, db *sql.DB) (map[string]*Token, error) {
	rows, err := db.QueryContext(ctx, "SELECT "+columns+" FROM relay_tokens")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	read := map[string]*Token{}
	for rows.Next() {
		var name, key, former, settings string
		var until, created, changed int64
		if err := rows.Scan(&name, &key, &former, &until, &settings, &created, &changed); err != nil {
			return nil, err
		}
		t, err := tokenOf(name, key, former, until, settings)
		if err != nil {
			r.Log.Error("a key that was made at run time is not understood, and opens nothing", "token", name, "error", err.Error())
			continue
		}
		t.Created, t.Changed = time.Unix(created, 0).UTC(), time.UnixMicro(changed).UTC()
		read[name] = t
	}
	return read, rows.Err()
}

// tokenOf is a row of the table.
func tokenOf(name, key, former string, until int64, settings string) (*Token, error) {
	t := &Token{Settings: map[string]any{}}
	if err := json.Unmarshal([]byte(settings), &t.Settings); err != nil {
		return nil, err
	}
	var err error
	if t.Token, err = parsed(name, t.Settings); err != nil {
		return nil, err
	}
	sum, err := digest(key)
	if err != nil {
		return nil, err
	}
	t.Digests = [][sha256.Size]byte{sum}
	if former != "" {
		if sum, err = digest(former); err != nil {
			return nil, err
		}
		t.Former, t.FormerUntil = &sum, time.Unix(until, 0)
	}
	return t, nil
}

func digest(text string) (sum [sha256.Size]byte, err error) {
	data, err := hex.DecodeString(text)
	if err == nil && len(data) != sha256.Size {
		err = errors.New("it is no SHA-256 sum")
	}
	if err != nil {
		return sum, err
	}
	return [sha256.Size]byte(data), nil
}

// parsed is the token that settings describe, judged as one of the configuration file would be.
func parsed(name string, settings map[string]any) (config.Token, error) {
	whole := maps.Clone(settings)
	if whole == nil {
		whole = map[string]any{}
	}
	whole["name"] = name
	text, err := json.Marshal(whole)
	if err != nil {
		return config.Token{}, err
	}
	t, err := config.ParseToken(text)
	if err != nil {
		return t, Invalid{err.Error()}
	}
	return t, nil
}

func hexOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// merge is RFC 7396's.
func merge(to, patch map[string]any) map[string]any {
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(to, name)
		case map[string]any:
			of, _ := to[name].(map[string]any)
			if of == nil {
				of = map[string]any{}
			}
			to[name] = merge(of, value)
		default:
			to[name] = value
		}
	}
	return to
}
