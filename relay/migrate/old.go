package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Old is what an old database holds, as it stands there.
type Old struct {
	Dialect  Dialect
	Place    string // for people, without secrets
	Channels []row
	Tokens   []row
	Users    map[int64]row
	Options  map[string]string
	// Muted is the models that ezlinkai has switched off at a channel by itself, by the channel's id.
	Muted   map[int64][]string
	Deleted int // tokens that were deleted, and are still there
	// NoOptions says that there is no table of options, which all three have, or that the login may not read it.
	NoOptions bool

	owners map[int64]string // what users are called here; nil: nobody has asked yet
}

// The columns that are read, of those that there are.
var (
	channelColumns = []string{
		"id", "type", "key", "status", "name", "weight", "created_time", "base_url", "other", "models", "group", "model_mapping", "priority",
		"config", "system_prompt", "openai_organization", "test_model", "status_code_mapping", "tag", "setting", "settings",
		"param_override", "header_override", "channel_info", "multi_key_info", "discount",
	}
	tokenColumns = []string{
		"id", "user_id", "key", "status", "name", "expired_time", "remain_quota", "unlimited_quota", "used_quota", "models", "subnet",
		"model_limits_enabled", "model_limits", "allow_ips", "group",
	}
	userColumns = []string{"id", "username", "role", "status", "quota", "used_quota", "group"}
	optionNames = []string{
		"QuotaPerUnit", "ModelRatio", "CompletionRatio", "GroupRatio", "CacheRatio", "CreateCacheRatio", "ModelPrice", "PerCallPricing",
		"AutoGroups", "UserUsableGroups",
	}
)

// Read reads all but the logs, as it was at one moment. Its error says what to do.
func (s *Source) Read(ctx context.Context) (*Old, error) {
	dialect, err := s.tables.dialect()
	switch {
	case err != nil && s.engine != sqlite && !errors.Is(err, errOurs):
		return nil, fmt.Errorf("%s: %w (a login sees only tables that it may read: GRANT SELECT on all of them)", s, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	old := &Old{Dialect: dialect, Place: s.String(), Users: map[int64]row{}, Options: map[string]string{}, Muted: map[int64][]string{}}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		keep := func(to *[]row) func(row) error { return func(r row) error { *to = append(*to, r); return nil } }
		if err := s.read(ctx, tx, "channels", channelColumns, keep(&old.Channels)); err != nil {
			return err
		}
		if err := s.read(ctx, tx, "tokens", tokenColumns, keep(&old.Tokens)); err != nil {
			return err
		}
		if err := s.read(ctx, tx, "users", userColumns, func(r row) error { old.Users[r.numberOr("id", 0)] = r; return nil }); err != nil {
			return err
		}
		if s.tables.has("tokens", "deleted_at") {
			query := "SELECT count(*) FROM tokens WHERE deleted_at IS NOT NULL"
			if err := tx.QueryRowContext(ctx, query).Scan(&old.Deleted); err != nil {
				return err
			}
		}
		return s.readAsides(ctx, tx, old)
	})
	if err != nil {
		return nil, s.explain(err)
	}
	return old, nil
}

// readAsides reads the options that matter here, by their names, since among the others are secrets; and what ezlinkai has switched off.
func (s *Source) readAsides(ctx context.Context, tx *sql.Tx, old *Old) error {
	if old.NoOptions = !s.tables.has("options", "key") || !s.tables.has("options", "value"); !old.NoOptions {
		for _, name := range optionNames {
			query := "SELECT " + s.quoted("value") + " FROM options WHERE " + s.quoted("key") + " = '" + name + "'"
			keep := func(r row) error { old.Options[name] = r.text("value"); return nil }
			if err := s.visit(ctx, tx, query, nil, []string{"value"}, keep); err != nil {
				return err
			}
		}
	}
	if !s.tables.has("abilities", "auto_disabled") || !s.tables.has("abilities", "channel_id") || !s.tables.has("abilities", "model") {
		return nil
	}
	off := "auto_disabled"
	if s.engine != postgres {
		off += " = 1"
	}
	query := "SELECT DISTINCT channel_id, model FROM abilities WHERE " + off
	return s.visit(ctx, tx, query, nil, []string{"channel_id", "model"}, func(r row) error {
		id := r.numberOr("channel_id", 0)
		old.Muted[id] = append(old.Muted[id], r.text("model"))
		return nil
	})
}

// at is a time of the old database, which are Unix seconds.
func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
