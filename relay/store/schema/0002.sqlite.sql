-- Daily sums of the program that was in this one's place, by `one-api import --logs`: they are shown, and no budget counts them.
CREATE TABLE relay_daily_imported (
  day INTEGER NOT NULL,
  token TEXT NOT NULL,
  model TEXT NOT NULL,
  channel TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  PRIMARY KEY (day, token, model, channel)
) WITHOUT ROWID;

-- How far each old log has been read: its last row's id and time (Unix seconds), by which it is known again.
CREATE TABLE relay_imports (
  last_id INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (last_id, last_at)
) WITHOUT ROWID;
