-- One row. n: how often something was erased, so that whoever remembers what stood here forgets it.
-- t, updated: of the newest version ever written, should that be erased: neither is used again.
CREATE TABLE erasure (
  n INTEGER NOT NULL,
  t INTEGER NOT NULL,
  updated INTEGER NOT NULL
);
INSERT INTO erasure (n, t, updated) VALUES (0, 0, 0);
