-- One row an attempt, and one with attempt 0 for a request that was turned away before any. What begins with total_ is the request's,
-- and the same in each of its rows; is_last is 1 in one of them. Ids begin with the millisecond in which the request came, so that their order is
-- that of time. Times are Unix microseconds (at) or milliseconds
-- (…_ms), money is nano-dollars, days are YYYYMMDD in the relay's time zone.
CREATE TABLE relay_attempts (
  id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  is_last INTEGER NOT NULL,
  at INTEGER NOT NULL,
  day INTEGER NOT NULL,
  token TEXT NOT NULL,
  model TEXT NOT NULL,
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  asked TEXT NOT NULL,
  answered TEXT NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  uncached INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write_5m INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  audio_in INTEGER NOT NULL,
  image_in INTEGER NOT NULL,
  text_out INTEGER NOT NULL,
  audio_out INTEGER NOT NULL,
  image_out INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  source TEXT NOT NULL,
  cost INTEGER NOT NULL,
  charge INTEGER NOT NULL,
  priced INTEGER NOT NULL,
  rule TEXT NOT NULL,
  rule_date TEXT NOT NULL,
  total_outcome TEXT NOT NULL,
  total_status INTEGER NOT NULL,
  total_ms INTEGER NOT NULL,
  total_cost INTEGER NOT NULL,
  more TEXT,
  PRIMARY KEY (id, attempt)
) WITHOUT ROWID;
CREATE INDEX relay_attempts_token ON relay_attempts (token, id);
CREATE INDEX relay_attempts_model ON relay_attempts (model, id);
CREATE INDEX relay_attempts_channel ON relay_attempts (channel, id);
CREATE INDEX relay_attempts_failed ON relay_attempts (total_outcome, id) WHERE total_outcome <> 'completed';

CREATE TABLE relay_daily (
  day INTEGER NOT NULL,
  token TEXT NOT NULL,
  model TEXT NOT NULL,
  channel TEXT NOT NULL,
  requests INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  charge INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  PRIMARY KEY (day, token, model, channel)
) WITHOUT ROWID;

-- What a scope (token:NAME) has been charged in a period (total); carried is the part of it whose daily sums are gone.
CREATE TABLE relay_budgets (
  scope TEXT NOT NULL,
  period TEXT NOT NULL,
  spent INTEGER NOT NULL,
  carried INTEGER NOT NULL,
  PRIMARY KEY (scope, period)
) WITHOUT ROWID;

-- Keys that are made at run time. Times are Unix seconds, 0: never; changed is microseconds. The keys themselves are not kept.
CREATE TABLE relay_tokens (
  name TEXT NOT NULL PRIMARY KEY,
  key_sha256 TEXT NOT NULL UNIQUE,
  former_sha256 TEXT NOT NULL DEFAULT '',
  former_until INTEGER NOT NULL DEFAULT 0,
  settings TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  expires INTEGER NOT NULL DEFAULT 0,
  disabled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX relay_tokens_former ON relay_tokens (former_sha256) WHERE former_sha256 <> '';

-- Who made what an upstream keeps (answers of the Responses API and their like). expires is Unix seconds.
CREATE TABLE relay_made (
  id TEXT NOT NULL PRIMARY KEY,
  token TEXT NOT NULL,
  channel TEXT NOT NULL,
  model TEXT NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX relay_made_expires ON relay_made (expires);
