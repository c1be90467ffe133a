-- Audit records of one serving process, on their way to the audit file.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  record BLOB NOT NULL
);
