-- The keys file, version 1. Every key is wrapped, and whoever it belongs to is a keyed hash: see
-- storage/ports/keys.py.

-- owner: empty for a tenant's key. parent: the number of the key that wraps it, empty for the root.
-- wrapped: empty once the key was destroyed.
CREATE TABLE key (
  number BLOB PRIMARY KEY,
  tenant INTEGER NOT NULL,
  owner BLOB NOT NULL,
  parent BLOB NOT NULL,
  current INTEGER NOT NULL,
  wrapped BLOB NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX key_current ON key (tenant, owner) WHERE current = 1;
CREATE INDEX key_owner ON key (tenant, owner);
CREATE INDEX key_parent ON key (parent);

-- How often keys were superseded or destroyed, so that every process learns of it.
CREATE TABLE change (n INTEGER NOT NULL);
INSERT INTO change VALUES (0);

-- What was allowed with the root key, by name: to read bodies that are not encrypted.
CREATE TABLE permit (
  name TEXT PRIMARY KEY,
  proof BLOB NOT NULL
) WITHOUT ROWID;
