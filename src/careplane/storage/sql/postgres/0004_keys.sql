-- Keys of bodies, wrapped; whoever a key belongs to is a keyed hash: see storage/ports/keys.py.
-- owner: empty for a tenant's key. parent: the number of the key that wraps it, empty for the root.
-- wrapped: empty once the key was destroyed.
CREATE TABLE key (
  tenant integer NOT NULL,
  number bytea NOT NULL,
  owner bytea NOT NULL,
  parent bytea NOT NULL,
  current boolean NOT NULL,
  wrapped bytea NOT NULL,
  PRIMARY KEY (tenant, number)
);
CREATE UNIQUE INDEX key_current ON key (tenant, owner) WHERE current;
CREATE INDEX key_owner ON key (tenant, owner);
CREATE INDEX key_parent ON key (tenant, parent);

-- How often keys were superseded or destroyed, so that every process learns of it.
CREATE TABLE key_change (one integer PRIMARY KEY, n bigint NOT NULL);
INSERT INTO key_change VALUES (1, 0);

-- What was allowed with the root key, by name: to read bodies that are not encrypted. It is asked
-- for here, where there are some; who opens the database with the root key allows it.
CREATE TABLE key_permit (
  name text COLLATE "C" PRIMARY KEY,
  proof bytea NOT NULL
);
INSERT INTO key_permit SELECT 'asked', '' WHERE EXISTS (SELECT FROM version);
