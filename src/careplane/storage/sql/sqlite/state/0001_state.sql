-- What services remember beside the records (storage.ports.state).
CREATE TABLE state (
  tenant INTEGER NOT NULL,
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  revision INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (space, tenant, key)
) WITHOUT ROWID;
-- The last revision that was given to anything.
CREATE TABLE revision (last INTEGER NOT NULL);
INSERT INTO revision VALUES (0);
