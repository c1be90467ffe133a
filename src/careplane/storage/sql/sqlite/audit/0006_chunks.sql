-- Audit records, many in a row (engines/sqlite/chunks.py).
CREATE TABLE chunk (
  last INTEGER PRIMARY KEY, -- the number of its last record
  first INTEGER NOT NULL,
  tenant INTEGER, -- NULL where its records are of several
  form INTEGER NOT NULL, -- 0: one record as it is; 1: zstd of a MessagePack array of them; 2: of pairs, each with its tenant
  records BLOB NOT NULL
);
INSERT INTO chunk SELECT seq, seq, tenant, 0, record FROM audit;
DROP TABLE audit;
