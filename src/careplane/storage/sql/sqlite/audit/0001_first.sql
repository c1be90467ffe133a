-- The audit file, version 1. Append only.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  record BLOB NOT NULL
);

-- The last id of the records file's outbox that stands here.
CREATE TABLE moved (outbox_id INTEGER NOT NULL);
INSERT INTO moved VALUES (0);
