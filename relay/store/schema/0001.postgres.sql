-- One row an attempt, and one with attempt 0 for a request that was turned away before any. What begins with total_ is the request's,
-- and the same in each of its rows; is_last is 1 in one of them. Ids begin with the millisecond in which the request came, so that their order is
-- that of time. Times are Unix microseconds (at) or milliseconds
-- (…_ms), money is nano-dollars, days are YYYYMMDD in the relay's time zone.
CREATE TABLE relay_attempts (
  id TEXT COLLATE "C" NOT NULL,
  attempt BIGINT NOT NULL,
  is_last BIGINT NOT NULL,
  at BIGINT NOT NULL,
  day BIGINT NOT NULL,
  token TEXT NOT NULL,
  model TEXT NOT NULL,
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  asked TEXT NOT NULL,
  answered TEXT NOT NULL,
  outcome TEXT NOT NULL,
  status BIGINT NOT NULL,
  ms BIGINT NOT NULL,
  first_ms BIGINT NOT NULL,
  uncached BIGINT NOT NULL,
  cache_read BIGINT NOT NULL,
  cache_write_5m BIGINT NOT NULL,
  cache_write_1h BIGINT NOT NULL,
  audio_in BIGINT NOT NULL,
  image_in BIGINT NOT NULL,
  text_out BIGINT NOT NULL,
  audio_out BIGINT NOT NULL,
  image_out BIGINT NOT NULL,
  reasoning BIGINT NOT NULL,
  source TEXT NOT NULL,
  cost BIGINT NOT NULL,
  charge BIGINT NOT NULL,
  priced BIGINT NOT NULL,
  rule TEXT NOT NULL,
  rule_date TEXT NOT NULL,
  total_outcome TEXT NOT NULL,
  total_status BIGINT NOT NULL,
  total_ms BIGINT NOT NULL,
  total_cost BIGINT NOT NULL,
  more TEXT,
  PRIMARY KEY (id, attempt)
);
CREATE INDEX relay_attempts_token ON relay_attempts (token, id);
CREATE INDEX relay_attempts_model ON relay_attempts (model, id);
CREATE INDEX relay_attempts_channel ON relay_attempts (channel, id);
CREATE INDEX relay_attempts_failed ON relay_attempts (total_outcome, id) WHERE total_outcome <> 'completed';

CREATE TABLE relay_daily (
  day BIGINT NOT NULL,
  token TEXT NOT NULL,
  model TEXT NOT NULL,
  channel TEXT NOT NULL,
  requests BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  input BIGINT NOT NULL,
  cached BIGINT NOT NULL,
  cache_write BIGINT NOT NULL,
  output BIGINT NOT NULL,
  reasoning BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  charge BIGINT NOT NULL,
  estimated BIGINT NOT NULL,
  unpriced BIGINT NOT NULL,
  PRIMARY KEY (day, token, model, channel)
);

-- What a scope (token:NAME) has been charged in a period (total); carried is the part of it whose daily sums are gone.
CREATE TABLE relay_budgets (
  scope TEXT NOT NULL,
  period TEXT NOT NULL,
  spent BIGINT NOT NULL,
  carried BIGINT NOT NULL,
  PRIMARY KEY (scope, period)
);

-- Keys that are made at run time. Times are Unix seconds, 0: never; changed is microseconds. The keys themselves are not kept.
CREATE TABLE relay_tokens (
  name TEXT NOT NULL PRIMARY KEY,
  key_sha256 TEXT NOT NULL UNIQUE,
  former_sha256 TEXT NOT NULL DEFAULT '',
  former_until BIGINT NOT NULL DEFAULT 0,
  settings TEXT NOT NULL,
  created BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  expires BIGINT NOT NULL DEFAULT 0,
  disabled BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX relay_tokens_former ON relay_tokens (former_sha256) WHERE former_sha256 <> '';

-- Who made what an upstream keeps (answers of the Responses API and their like). expires is Unix seconds.
CREATE TABLE relay_made (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  token TEXT NOT NULL,
  channel TEXT NOT NULL,
  model TEXT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX relay_made_expires ON relay_made (expires);
