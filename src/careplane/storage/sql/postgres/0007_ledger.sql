-- The ledger's log (storage.ports.ledger). Of the installation, not of a tenant.

CREATE TABLE ledger_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), size bigint NOT NULL);
INSERT INTO ledger_head VALUES (true, 0);

CREATE TABLE ledger_entry (
  number bigint PRIMARY KEY,
  leaf bytea NOT NULL,
  salt bytea NOT NULL, -- empty once it was erased
  said bytea NOT NULL
);

CREATE TABLE ledger_tile (
  level integer NOT NULL,
  number bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (level, number)
) WITH (fillfactor = 70);

CREATE TABLE ledger_mark (source text PRIMARY KEY, at bigint NOT NULL);

CREATE TABLE ledger_note (name text PRIMARY KEY, data bytea NOT NULL);

CREATE TABLE ledger_loss (
  size bigint PRIMARY KEY,
  kept bigint NOT NULL,
  again bigint NOT NULL,
  known bytea NOT NULL,
  checkpoint bytea NOT NULL
);

CREATE TABLE ledger_run (
  tenant integer NOT NULL,
  t bigint NOT NULL,
  number bigint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (tenant, t)
);
