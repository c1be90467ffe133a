-- What audit records are found by (storage.ports.audit.Filing).
CREATE TABLE filed (
  tenant integer NOT NULL,
  term bigint NOT NULL,
  recorded bigint NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (tenant, term, recorded, seq)
);
-- The last record of a tenant that stands in it.
CREATE TABLE filed_to (
  tenant integer PRIMARY KEY,
  seq bigint NOT NULL
);
