-- Daily sums of the program that was in this one's place, by `one-api import --logs`: they are shown, and no budget counts them.
CREATE TABLE relay_daily_imported (
  day BIGINT NOT NULL,
  token TEXT NOT NULL,
  model TEXT NOT NULL,
  channel TEXT NOT NULL,
  requests BIGINT NOT NULL,
  input BIGINT NOT NULL,
  cached BIGINT NOT NULL,
  output BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  PRIMARY KEY (day, token, model, channel)
);

-- How far each old log has been read: its last row's id and time (Unix seconds), by which it is known again.
CREATE TABLE relay_imports (
  last_id BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (last_id, last_at)
);
