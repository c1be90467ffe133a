-- What records are found by (storage.ports.audit.Filing): a term is a number that the tenant is part of.
CREATE TABLE filed (
  term INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (term, recorded, seq)
) WITHOUT ROWID;

-- The last record that stands in it.
CREATE TABLE filed_to (seq INTEGER NOT NULL);
INSERT INTO filed_to VALUES (0);
